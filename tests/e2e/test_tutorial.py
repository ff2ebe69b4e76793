"""docs/linux.md, literally: each file it shows is written, each command it gives is run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from tempfile import mkdtemp

import pytest
from support.apacheserver import free_port, wait_for

HOUSE = Path(__file__).parent.parent.parent
STEP = re.compile(r"(?:`(~/\S+)`[^\n]*:\n\n)?```(sh|python)\n(.*?)```", re.DOTALL)
MINUTES = 5


class Newcomer:
    """A user with a folder of his own and a checkout, and no other permission."""

    def __init__(self, home: Path) -> None:
        self.home, self.checkout, self.port = home, home / "wsgireload", free_port()
        tracked = subprocess.check_output(["git", "ls-files"], cwd=HOUSE, text=True).splitlines()
        for name in filter(lambda name: (HOUSE / name).exists(), tracked):
            (self.checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(HOUSE / name, self.checkout / name)
        self.drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        self.drop = self.drop if os.geteuid() == 0 else []
        if self.drop:
            subprocess.run(["chown", "-R", "65534:65534", str(home)], check=True)

    def run(self, commands: str) -> None:
        """Run a block of commands, in the checkout."""
        environment = {"HOME": str(self.home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        commands = commands.replace("8000", str(self.port))
        shell = [*self.drop, "bash", "-euo", "pipefail", "-c", commands]
        subprocess.run(shell, check=True, cwd=self.checkout, env=environment, timeout=MINUTES * 60)

    def write(self, name: str, text: str) -> None:
        """Write a file, as an editor of his."""
        path = self.home / name.removeprefix("~/")
        path.write_text(text, "utf-8")
        if self.drop:
            os.chown(path, 65534, 65534)

    def page(self) -> str:
        """What a browser gets."""
        try:
            with closing(HTTPConnection("localhost", self.port, timeout=10)) as connection:
                connection.request("GET", "/", headers={"Accept": "text/html"})
                with connection.getresponse() as response:
                    return response.read().decode()
        except OSError:
            return ""

    def log(self) -> str:
        """Apache's error log."""
        return (self.home / "mysite" / "server" / "error_log").read_text("utf-8")


@pytest.fixture
def newcomer() -> Iterator[Newcomer]:
    """A user whose folder others may enter, as mod_wsgi-express needs it."""
    home = Path(mkdtemp(prefix="newcomer-"))
    home.chmod(0o755)
    newcomer = Newcomer(home)
    yield newcomer
    stop = home / "mysite" / "server" / "apachectl"
    if stop.exists() and newcomer.page():
        newcomer.run(f"{stop} stop")
    shutil.rmtree(home)


@pytest.mark.timeout(2 * MINUTES * 60)
def test_from_nothing_to_a_site_that_reloads(newcomer: Newcomer) -> None:
    """Each step has the result that the page promises, for a user who is not root."""
    text = (HOUSE / "docs" / "linux.md").read_text("utf-8")
    steps = iter(STEP.findall(text[: text.index("## On a server")]))

    def go_on(until: str) -> None:
        for name, language, block in steps:
            if name:
                newcomer.write(name, block)
            elif "apt-get" not in block:  # ci/test has installed them: that takes root
                assert language == "sh"
                newcomer.run(block)
            if until in block:
                return
        raise AssertionError(f"the page no longer holds {until!r}")

    go_on("apachectl start")
    wait_for(lambda: "<h1>Hello</h1>" in newcomer.page(), "the first page")
    wait_for(lambda: "watching: " in newcomer.log(), "the log's line")
    go_on("Hello again")
    wait_for(lambda: "Hello again" in newcomer.page(), "the new page")
    assert "<script" in newcomer.page()
    go_on("return (/")
    wait_for(lambda: "holding: " in newcomer.log(), "the hold")
    assert "Hello again" in newcomer.page()
    go_on("return /")
    wait_for(lambda: "changed back: " in newcomer.log(), "its end")
    assert "Hello again" in newcomer.page()
    go_on("apachectl stop")
    wait_for(lambda: not newcomer.page(), "the end")
