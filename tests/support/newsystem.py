"""A Debian or Ubuntu in a folder, on which somebody follows a document as root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.request import Request, urlopen

HOUSE = Path(__file__).parents[2]
NAMED = re.compile(r"`([\w./]+)`[^`]*:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
URL = "http://localhost/"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PROXIES = ("http_proxy", "https_proxy", "no_proxy")


def files_of(page: str) -> dict[str, str]:
    """The files that a page shows, by the names that the text above each gives them."""
    return dict(NAMED.findall((HOUSE / "docs" / page).read_text("utf-8")))


class NewSystem:
    """The system in `root`, whose ports are this machine's; "/" is this machine itself."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.checkout = self.path("/root/wsgireload")
        if not self.checkout.exists():
            clone = ["git", "clone", "--quiet", "--no-hardlinks", HOUSE, self.checkout]
            subprocess.run(clone, check=True)

    def path(self, name: str) -> Path:
        """Where a file of the system is."""
        return self.root / name.lstrip("/")

    def write(self, name: str, text: str) -> None:
        """Write a file, and make its folder."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def add_wheel(self, folder: str) -> None:
        """Copy the wheel of this checkout into a folder."""
        self.path(folder).mkdir(parents=True, exist_ok=True)
        [wheel] = (HOUSE / ".venv" / "wheels").glob("wsgireload-*.whl")
        shutil.copy(wheel, self.path(folder))

    def command(self, commands: str, folder: str, environment: Mapping[str, str]) -> list[str]:
        """What runs commands there, in a shell of root's with nothing of our environment."""
        known = {name: os.environ[name] for name in PROXIES if name in os.environ}
        known |= {"HOME": "/root", "PATH": PATH, "LANG": "C.UTF-8", **environment}
        variables = [f"{name}={value}" for name, value in known.items()]
        shell = ["bash", "-euo", "pipefail", "-c", f"cd {folder}; {commands}"]
        return ["chroot", str(self.root), "/usr/bin/env", "-i", *variables, *shell]

    def run(self, commands: str, folder: str = "/root/wsgireload") -> str:
        """Run commands; return what they print."""
        done = subprocess.run(
            self.command(commands, folder, {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}"
        return done.stdout

    def log(self) -> str:
        """Apache's error log."""
        return self.path("/var/log/apache2/error.log").read_text("utf-8")


def get(path: str = "", **headers: str) -> str:
    """What the system's web server answers; "" while it does not."""
    try:
        with urlopen(Request(URL + path, headers=headers), timeout=30) as answer:
            text: str = answer.read().decode()
            return text
    except OSError:
        return ""
