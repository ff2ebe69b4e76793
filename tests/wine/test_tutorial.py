"""docs/windows.md, word by word: each file it shows is written, each command it gives is run."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path, PureWindowsPath

import pytest
from support.apacheserver import HOST, free_port, wait_for
from support.errorlog import ErrorLog
from support.windows.lab import Lab, newest_wheel, windows

PAGE = Path(__file__).parent.parent.parent / "docs" / "windows.md"
STEP = re.compile(
    r"(?:`(C:\\\S+)`[^\n]*:\n\n)? *```(bat|python|text|apache)\n(.*?)```"
    r"|^ {4}(wsgireload: [^\n]+)$",
    re.DOTALL | re.MULTILINE,
)
MINUTES = 5
PATIENCE = 60.0

# The only words that are replaced: see Lab.install_python.
OF_THE_PAGE, OF_THE_LAB = "3.13", "3.11"

# What the installers leave: Apache's own httpd.conf says the same, at greater length. Port 80 is
# not ours to take.
HTTPD_CONF = """\
Define SRVROOT "C:/Apache24"
ServerRoot "${{SRVROOT}}"
ServerName localhost
Listen {host}:{port}
LoadModule authz_core_module modules/mod_authz_core.so
<Directory />
  AllowOverride none
  Require all denied
</Directory>
ErrorLog "logs/error.log"
LogLevel warn
"""


class Newcomer:
    """Somebody with a Windows on which Apache and Python were unpacked, and nothing else done."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.port = lab, free_port()
        self.number = OF_THE_LAB.replace(".", "")
        self.drive = lab.prefix / "drive_c"
        self.said = ""
        """What the last block of commands printed."""
        self._install_apache()
        lab.install_python(OF_THE_LAB)
        lab.mod_wsgi(OF_THE_LAB)  # there is no compiler: pip finds the wheel it would have made
        self.file("C:\\srv").mkdir()
        shutil.copy(newest_wheel(), self.file("C:\\srv"))
        self.log = ErrorLog(self.file("C:\\Apache24\\logs\\error.log"))

    def _install_apache(self) -> None:
        apache = self.lab.install_apache()
        (apache / "conf").mkdir()
        (apache / "logs").mkdir()
        text = HTTPD_CONF.format(host=HOST, port=self.port)
        (apache / "conf" / "httpd.conf").write_text(text)

    def file(self, path: str) -> Path:
        """Where Linux has a file of Windows'."""
        return self.drive.joinpath(*PureWindowsPath(path).parts[1:])

    def run(self, commands: str) -> None:
        """Run a block of commands at the prompt."""
        lines = [line.strip() for line in commands.splitlines()]
        only_ours = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": windows(self.lab.root)}
        chain = "&&".join(lines)
        done = self.lab.run("cmd", "/c", chain, environment=only_ours, deadline=MINUTES * 60)
        self.said = done.stdout
        assert done.returncode == 0, f"{chain}\n{done.stdout}{done.stderr}"

    def page(self) -> str:
        """What a browser gets."""
        try:
            with closing(HTTPConnection(HOST, self.port, timeout=30)) as connection:
                connection.request("GET", "/")
                with connection.getresponse() as response:
                    return response.read().decode()
        except OSError:
            return ""

    def finds_in_log(self, line: str) -> bool:
        """Whether the log has the line, with whatever numbers."""
        pattern = re.sub(r"\d+", r"\\d+", re.escape(line))
        return re.search(pattern, self.log.text()) is not None


@pytest.fixture
def newcomer() -> Iterator[Newcomer]:
    """In a session of wine of his own: with it goes all that he has installed and started."""
    with Lab() as lab:
        newcomer = Newcomer(lab)
        yield newcomer
        sys.stdout.write(newcomer.log.text())


@pytest.mark.timeout(2 * MINUTES * 60)
def test_from_nothing_to_a_site_that_reloads(newcomer: Newcomer) -> None:
    """What the page says comes true at each step, on a winnt Apache that runs as a service."""
    text = PAGE.read_text("utf-8").replace(OF_THE_PAGE, OF_THE_LAB)
    text = text.replace(OF_THE_PAGE.replace(".", ""), newcomer.number)
    steps = iter(STEP.findall(text[: text.index("## How it restarts")]))

    def go_on(until: str) -> None:
        for name, language, block, promise in steps:
            if promise:
                wait_for(lambda: newcomer.finds_in_log(promise), promise, deadline=PATIENCE)  # noqa: B023
            elif language == "apache":
                assert block in newcomer.said  # it is what `wsgireload config` has printed
                with newcomer.file(name).open("a") as config:
                    config.write(block)
            elif language in ("python", "text"):
                newcomer.file(name).write_text(block, newline="\r\n")
            elif not block.startswith("findstr"):  # wine's prints nothing; the promise is looked up
                newcomer.run(block)
            if until in block + promise:
                return
        raise AssertionError(f"the page no longer holds {until!r}")

    def shows(heading: str) -> None:
        wait_for(lambda: f"<h1>{heading}</h1>" in newcomer.page(), heading, deadline=PATIENCE)

    go_on("-k restart")
    shows("Hello")
    go_on("doctor")
    assert not re.search("^(warn|fail)", newcomer.said, re.MULTILINE), newcomer.said
    go_on("Hello again")
    shows("Hello again")
    go_on("holding: ")
    shows("Hello again")
    go_on("Hello, mended")
    shows("Hello, mended")
    assert not list(steps)
