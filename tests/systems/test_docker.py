"""docs/docker.md without an engine: its Dockerfile's instructions, its mount, and a save."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

from support.apacheserver import wait_for
from support.newsystem import NewSystem, files_of, get

PROXIED = {"X-Forwarded-For": "172.17.0.1"}
"""What makes a request one of another machine's, as the engine's network does."""


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """Each instruction with its arguments."""
    lines = dockerfile.replace("\\\n", " ").splitlines()
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


class Engine:
    """Does what an engine does with a Dockerfile and a compose.yaml, in a system of its own."""

    def __init__(self, system: NewSystem, context: Path) -> None:
        self.system, self.context, self.folder = system, context, "/"
        self.cmd: list[str] = []
        self.stop = signal.SIGTERM

    def build(self) -> None:
        """Follow the Dockerfile."""
        for name, rest in instructions((self.context / "Dockerfile").read_text("utf-8")):
            getattr(self, f"_{name.lower()}")(rest)

    def _from(self, image: str) -> None:
        codename = self.system.run(". /etc/os-release; echo $VERSION_CODENAME", "/").strip()
        assert image == f"debian:{codename}-slim"

    def _run(self, commands: str) -> None:
        self.system.run(commands, self.folder)

    def _copy(self, words: str) -> None:
        *patterns, target = words.split()
        to = self.system.path(str(Path(self.folder, target)))
        if target.endswith("/"):
            to.mkdir(parents=True, exist_ok=True)
        found = [path for pattern in patterns for path in self.context.glob(pattern)]
        assert found
        for path in found:
            shutil.copy(path, to)

    def _workdir(self, folder: str) -> None:
        self.folder = folder
        self.system.path(folder).mkdir(parents=True, exist_ok=True)

    def _expose(self, port: str) -> None:
        assert port == "80"

    def _stopsignal(self, name: str) -> None:
        self.stop = signal.Signals[name]

    def _cmd(self, words: str) -> None:
        self.cmd = json.loads(words)

    def up(self) -> subprocess.Popen[bytes]:
        """Start with the mounts and the environment of compose.yaml; both logs go into one file."""
        compose = (self.context / "compose.yaml").read_text("utf-8")
        for source, target in re.findall(r"- (\.\S*?):(/\S+)", compose):
            mount = ["mount", "--bind", self.context / source, self.system.path(target)]
            subprocess.run(mount, check=True)
        environment = dict(re.findall(r"^ {6}([A-Z_]+): (\S+)$", compose, re.MULTILINE))
        words = f"exec {shlex.join(self.cmd)}"
        with (self.context / "log").open("wb") as log:
            return subprocess.Popen(
                self.system.command(words, self.folder, environment), stdout=log, stderr=log
            )


def test_a_save_in_a_container(system: NewSystem, tmp_path: Path) -> None:
    """The image serves, a save on the host is served, and the token opens the page."""
    for name, text in files_of("docker.md").items():
        (tmp_path / name).write_text(text, "utf-8")
    tmp_path.chmod(0o755)
    system.add_wheel("/root/wheels")
    for wheel in system.path("/root/wheels").iterdir():
        shutil.copy(wheel, tmp_path)
    engine = Engine(system, tmp_path)
    engine.build()
    container, log = engine.up(), tmp_path / "log"
    try:
        wait_for(lambda: "<h1>Hello</h1>" in get(), "the first page")
        wait_for(lambda: "wsgireload: watching: " in log.read_text("utf-8"), "the log's line")
        page = ".wsgireload/?token=a-token-for-this-machine-only"
        assert "wsgireload" in get(page, **PROXIED)
        assert "<h1>Hello</h1>" in get(".wsgireload/", **PROXIED)  # hidden without the token
        views = tmp_path / "views.py"
        views.write_text(views.read_text("utf-8").replace("Hello", "Hello again"), "utf-8")
        wait_for(lambda: "<h1>Hello again</h1>" in get(), "the new page")
        reloaded = "wsgireload: reloaded: /srv/mysite/views.py changed"
        wait_for(lambda: reloaded in log.read_text("utf-8"), reloaded)
        status = "/venv/bin/wsgireload status || true"  # it is written with the next step
        wait_for(lambda: ": watching, " in system.run(status), "the status")
    finally:
        print(log.read_text("utf-8"))  # noqa: T201 - pytest shows it where the test fails
        container.send_signal(engine.stop)
        assert container.wait(60) == 0
