"""Somebody who does what a page says: writes its files, runs its commands, configures Apache."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from support.apache import Apache
from support.apacheserver import Server
from support.commandline import CommandLine
from support.httpdconf import Application

DOCS = Path(__file__).parents[2] / "docs"
PARAGRAPH = r"((?:^[^\n]+\n)+)\n"
BLOCK = re.compile(rf"(?:{PARAGRAPH})?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"((?i:at the end of)\s)?`((?:~|/srv)/\S+)`[^`]*:$")
HOMES = "/srv/mysite", "~/mysite"
SITE = "/etc/apache2/sites-enabled/mysite.conf"
VHOST = "<VirtualHost *>\n{}</VirtualHost>\n"


@dataclass(frozen=True)
class Block:
    """A block of a page; `file` is the one that the text above it names, "" if it names none."""

    language: str
    text: str
    file: str = ""
    appended: bool = False


def blocks(page: str, after: str = "") -> Iterator[Block]:
    """The blocks of a page, by the name of its file, in order; from a heading on."""
    text = (DOCS / page).read_text("utf-8")
    for lead, language, content in BLOCK.findall(text[text.index(after) :]):
        named = FILE.search(lead.strip()) if language == "python" else None
        yield Block(language, content, named[2] if named else "", bool(named and named[1]))


class Reader(Server):
    """Follows a page. Its `/srv/mysite` is `home`, and its Apache is this server."""

    def __init__(self, *packages: str) -> None:
        block = "IncludeOptional sites-enabled/*.conf\n"
        nothing = Application(scripts={}, daemon=None, directives=block)
        super().__init__(Apache.of_venv(Path(sys.prefix)), nothing)  # for this Python
        self.home = self.folder("mysite")
        self.folder("sites-enabled")
        CommandLine.make(self.home / "venv", *packages)
        self.ran: list[str] = []

    def follow(self, block: Block) -> None:
        """Do what one block says."""
        if block.file or block.language == "apache":
            path = Path(self.there(block.file or SITE))
            text = self.there(block.text)
            text = VHOST.format(text) if block.language == "apache" else text
            before = path.read_text("utf-8") if block.appended else ""
            path.write_text(before + text, "utf-8")
        elif block.language == "sh":
            for command in block.text.splitlines():
                self._run(command)

    def there(self, text: str) -> str:
        """A text with the paths of the test."""
        for home in HOMES:
            text = text.replace(home, str(self.home))
        return text.replace("/etc/apache2/", f"{self.root}/")

    def _run(self, command: str) -> None:
        for pattern, instead, _ in SUBSTITUTES:
            if re.search(pattern, command):
                instead(self)
                return
        words = self.there(command.partition("  #")[0])
        if "wsgireload doctor" in command:  # the Apache of the test is not the system's usual one
            words += f" --httpd {self.apache.httpd} --config {self.root}/httpd.conf"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", words],
            cwd=self.home,
            env={"PATH": "/usr/bin:/bin", "TMPDIR": str(self.temporary), "LANG": "C.UTF-8"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        self.ran.append(done.stdout)

    def _restart(self) -> None:
        self.stop()
        self.start()


def _is_done(_: Reader) -> None:
    """Leave out a command of which the comment in the table says who has done it."""


Deed = Callable[[Reader], None]
SUBSTITUTES: tuple[tuple[str, Deed, str], ...] = (
    # pattern of a command, what is done instead, and why
    (r"^apt-get ", _is_done, "takes root; ci/test has installed the packages"),
    (r"^mkdir -p ~/mysite$", _is_done, "the folder is there, as that of the environment"),
    (r"^python3 -m venv ", _is_done, "done with the reader, without pip, which takes 3 s"),
    (r"/pip install ", _is_done, "copied from this environment; a download takes a minute"),
    (r"^cd ", _is_done, "each command runs in that folder"),
    (r"^systemctl restart apache2$", Reader._restart, "no systemd here, and another Apache"),
)
