"""docs/express.md, word by word: its commands run in order, and print its output."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

import pytest
from support import processgroup
from support.apacheserver import free_port, wait_for
from support.commandline import CommandLine
from support.expressserver import express

from wsgireload.cli.running import processes

DOCUMENT = Path(__file__).parents[2] / "docs" / "express.md"
RESPAWN = "## Respawn at once\n"
BLOCK = re.compile(r"^```(\w+)\n((?:.*\n)*?)```$|^((?: {4}.*\n)+)", re.MULTILINE)
NOBODY = 65534
FIRST = "import wsgireload"
APPLICATION = """
from views import answer


def application(environ, start_response):
    start_response("200 OK", [])
    return [answer()]
"""
VIEWS = "def answer():\n    return b'old'\n"


def blocks(*, of_respawn: bool = False) -> dict[str, list[str]]:
    """What the document shows, by kind; a log is indented. The last server is RESPAWN's."""
    found: dict[str, list[str]] = {"python": [], "sh": [], "console": [], "log": []}
    part = DOCUMENT.read_text("utf-8").split(RESPAWN)[of_respawn]
    for kind, text, log in BLOCK.findall(part):
        found[kind or "log"].append(text or log)
    return found


def alike(text: str) -> str:
    """The text without numbers, and without file names made of them, which differ each time."""
    text = re.sub(r"\d+-[0-9a-f]{16}\.state", "N.state", text)
    text = re.sub(r"\brequest\b", "requests", text)  # one, or more
    return re.sub(r"[\d.]*\d", "N", text)


class Person:
    """Somebody with a site in a folder of his own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.log = home / "terminal"
        venv = CommandLine.make(home / "venv", "mod_wsgi")
        express(venv.home)
        (home / "tmp").mkdir()
        self.drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        if os.geteuid() != 0:
            self.drop = []
        self.write("views.py", VIEWS)

    def write(self, name: str, text: str) -> None:
        (self.home / name).write_text(text, "utf-8")
        if self.drop:
            subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", self.home], check=True)

    def here(self, text: str) -> str:
        """A text of the document with the paths and the port of this test."""
        uid = NOBODY if self.drop else os.geteuid()
        state = str(self.home / "tmp" / f"wsgireload-{uid}")
        text = text.replace("/tmp/wsgireload-1000", state).replace("8000", str(self.port))
        return text.replace("/srv/mysite", str(self.home))

    def begin(self, commands: str) -> subprocess.Popen[str]:
        """Run commands in a shell; their output goes to the terminal's file."""
        with self.log.open("a") as terminal:
            return subprocess.Popen(
                [*self.drop, "bash", "-euo", "pipefail", "-c", self.here(commands)],
                env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TMPDIR": f"{self.home}/tmp"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if "--log-to-terminal" not in commands else terminal,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )

    def says(self, command: str) -> str:
        """What a command prints, but for what it says of other users of this machine."""
        out, _ = self.begin(command).communicate(timeout=60)
        lines = out.splitlines(keepends=True)
        return "".join(line for line in lines if not line.startswith("skipped, "))

    def has_logged(self, line: str, name: str = "terminal") -> bool:
        path = self.home / name
        text = path.read_text("utf-8") if path.exists() else ""
        return alike(self.here(line.strip())) in alike(text)


@pytest.fixture
def person() -> Iterator[Person]:
    """One who has installed what the document takes for granted."""
    home = Path(mkdtemp(prefix="express-docs-"))
    home.chmod(0o755)
    yield Person(home)
    shutil.rmtree(home)


def end(server: subprocess.Popen[str]) -> None:
    """Ctrl-C."""
    os.killpg(server.pid, signal.SIGINT)
    server.wait(30)
    wait_for(lambda: not processgroup.members(server.pid), "the end of Apache's processes")


def test_the_foreground(person: Person) -> None:
    """A save goes live, and each command prints what the document says."""
    found = blocks()
    assert found["python"][0].startswith(FIRST)
    person.write("app.wsgi", found["python"][0] + APPLICATION)
    server = person.begin(f"{found['sh'][0].rstrip()}\n")
    try:
        lines = found["log"][0].splitlines()
        wait_for(lambda: person.has_logged(lines[0]), lines[0])
        person.write("views.py", VIEWS.replace("old", "new"))
        for line in lines[1:]:
            wait_for(lambda line=line: person.has_logged(line), line)
        for box in found["console"]:
            for part in re.split(r"^\$ ", box, flags=re.MULTILINE)[1:]:
                command, _, expected = part.partition("\n")
                wanted = alike(person.here(expected))
                if command.endswith("status"):  # the monitor writes it with its next step
                    with suppress(TimeoutError):  # then what is printed below tells more
                        wait_for(
                            lambda c=command, w=wanted: alike(person.says(c)) == w,
                            command,
                            deadline=10.0,
                        )
                assert alike(person.says(command)) == wanted, command
    finally:
        end(server)
        print(person.log.read_text(), file=sys.stderr)  # noqa: T201 - for a test that fails


def test_the_background(person: Person) -> None:
    """apachectl starts the site and ends it; its log is where the document says."""
    found = blocks()
    person.write("app.wsgi", found["python"][0] + APPLICATION)
    stop = "/srv/mysite/server/apachectl stop"
    assert "`server/apachectl stop`" in DOCUMENT.read_text("utf-8")
    person.says(found["sh"][1])
    pid_file = person.home / "server" / "httpd.pid"
    pid = wait_for(lambda: pid_file.exists() and pid_file.read_text().strip(), "Apache's pid")
    try:
        line = found["log"][0].splitlines()[0]
        wait_for(lambda: person.has_logged(line, "server/error_log"), line)
    finally:
        person.says(stop)
        # It removes its PID file before its sockets.
        wait_for(lambda: not Path("/proc", pid).exists(), "the end")


def test_respawn(person: Person) -> None:
    """The library is in the parent of the server with that option, and a save goes live."""
    [start], [box] = blocks(of_respawn=True)["sh"], blocks(of_respawn=True)["console"]
    person.write("app.wsgi", blocks()["python"][0] + APPLICATION)
    server = person.begin(start)
    try:
        wait_for(lambda: person.has_logged("wsgireload: watching: "), "the monitor")
        command, _, expected = box.removeprefix("$ ").partition("\n")
        assert alike(person.says(command)) == alike(person.here(expected))
        pid = int((person.home / "server" / "httpd.pid").read_text())
        assert processes.has_loaded(pid, "respawn.so")
        person.write("views.py", VIEWS.replace("old", "new"))
        wait_for(lambda: person.has_logged("wsgireload: reloaded: "), "the new code")
    finally:
        end(server)
        print(person.log.read_text(), file=sys.stderr)  # noqa: T201 - for a test that fails


def test_the_warning(person: Person) -> None:
    """The line about --reload-on-changes is what the log says."""
    found = blocks()
    person.write("app.wsgi", found["python"][0] + APPLICATION)
    option = found["sh"][0].replace("--disable-reloading", "--reload-on-changes")
    server = person.begin(option)
    try:
        wait_for(lambda: person.has_logged(found["log"][1]), "the warning")
    finally:
        end(server)
