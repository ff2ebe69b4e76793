"""docs/cli.md is true: its commands run in order, and print its output."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from support.apache import Apache
from support.apacheserver import Server, wait_for
from support.commandline import CommandLine
from support.httpdconf import httpd_conf
from support.testsite import Sites

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "cli.md"
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = "def app(environ, start_response): start_response('200 OK', []); return [b'one']\n"


def commands(text: str) -> list[tuple[str, str]]:
    """The commands of all boxes, each with its output."""
    boxes = "".join(CONSOLE.findall(text))
    found = [each.partition("\n") for each in re.split(r"^\$ ", boxes, flags=re.MULTILINE)[1:]]
    return [(command, output) for command, _, output in found]


class Shell:
    """Runs the commands of the document, with its paths replaced by those of the test."""

    def __init__(self, server: Server, command: CommandLine, folder: Path) -> None:
        state = f"wsgireload-{server.temporary.stat().st_uid}"
        self._places = {  # the longest first: what the document says, and where that is
            "/etc/apache2/sites-enabled": str(server.root / "sites-enabled"),
            "/etc/apache2/sites-available": str(server.root / "sites-available"),
            "/usr/lib/apache2/modules/mod_wsgi.so": str(server.apache.mod_wsgi),
            "/etc/apache2/apache2.conf": str(server.root / "httpd.conf"),
            "/tmp/wsgireload-33": str(server.temporary / state),
            "/srv/mysite/venv": str(command.home),
            "/usr/sbin/apache2": str(server.apache.httpd),
            "/srv/mysite": str(server.root / "mysite"),
        }
        if not server.user:  # Apache runs as we do
            self._places["www-data can read"] = "this user can read"
        where = f"--httpd {server.apache.httpd} --config {server.root}/httpd.conf"
        program = folder / "wsgireload"
        program.write_text(
            f"#!/bin/sh\nw={command.home}/bin/python\n"
            f'case $1 in config|doctor|files) set -- "$@" {where};; esac\n'
            f'TMPDIR={server.temporary} exec $w -P -m wsgireload "$@"\n'
        )
        program.chmod(0o755)
        self._path = f"{folder}:{os.environ['PATH']}"
        self._folder = folder

    def __call__(self, command: str) -> str:
        """The output of a command, with the paths of the document."""
        done = subprocess.run(
            ["sh", "-c", self.there(command)],
            env={"PATH": self._path, "LANG": "C.UTF-8"},
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        text = done.stdout
        for said, there in self._places.items():
            text = text.replace(there, said)
        return text

    def there(self, text: str) -> str:
        """A text with the paths of the test."""
        for said, there in self._places.items():
            text = text.replace(said, there)
        return text


def alike(text: str) -> str:
    """The text without numbers, file names made of them, and what depends on the machine."""
    text = re.sub(r"^skipped, readable only by .*\n", "", text, flags=re.MULTILINE)  # of others
    text = re.sub(r"(Apache/[\d.]+) \(\w+\)", r"\1 (SYSTEM)", text)
    text = re.sub(r"\d+-[0-9a-f]{16}\.state", "N.state", text)
    text = re.sub(r"\brequest\b", "requests", text)  # one, or more
    text = re.sub(r"mod_wsgi\.so-[\d.]+", "mod_wsgi.so", text)  # of another Python of the system's
    return re.sub(r"[\d.]*\d", "N", text)


@pytest.fixture
def server(new_site: Sites) -> Iterator[Server]:
    """An Apache that serves nothing yet."""
    block = "IncludeOptional sites-enabled/*.conf\n"
    made = new_site(scripts={}, daemon=None, python_path=[], directives=block)
    with Server(made.apache, made.served) as server:
        yield server


@pytest.fixture
def shell(server: Server, tmp_path: Path) -> Iterator[Shell]:
    """The application of the document, which nothing serves yet."""
    folder = Path(tempfile.mkdtemp(prefix="docs-"))
    folder.chmod(0o755)
    (server.folder("mysite") / "hello.py").write_text(CODE)
    for name in ("sites-available", "sites-enabled"):
        server.folder(name)
    config = httpd_conf(server.apache, server.served, server.root, 65000, server.user)
    (server.root / "httpd.conf").write_text(config)
    yield Shell(server, CommandLine.make(folder / "venv"), tmp_path)
    shutil.rmtree(folder)


def paste(server: Server, output: str) -> None:
    """Write the lines and the script that `config` printed."""
    conf, _, script = output.partition(f"# {server.root}/mysite/app.wsgi\n")
    (server.root / "mysite" / "app.wsgi").write_text(script)
    (server.root / "sites-enabled" / "mysite.conf").write_text(conf)


def prints(shell: Shell, command: str, expected: str) -> bool:
    """Whether a command prints the document's output."""
    return alike(shell(command)) == alike(expected)


def test_each_command(server: Server, shell: Shell) -> None:
    """Each prints the document's output, once the monitor has written its status."""
    Apache.of_the_system()  # whose mod_wsgi the document names; skipped without one
    for command, expected in commands(DOCUMENT.read_text("utf-8")):
        if command == "wsgireload status" and not server.log.path.exists():
            server.start()
        if server.log.path.exists():  # each restart is over before the next command
            server.get()
            wait_for(partial(prints, shell, "wsgireload status | grep -c pid", "1\n"), "a monitor")
        if command == "wsgireload status":
            with suppress(TimeoutError):  # then what is printed below tells more
                wait_for(partial(prints, shell, command, expected), command, deadline=5.0)
        output = shell(command)
        assert alike(output) == alike(expected), command
        if command.startswith("wsgireload config"):
            paste(server, shell.there(output))
