"""A site that is edited again and again while things around it are broken."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from support.apacheserver import ServerError
from support.testsite import START, Site

OFTEN = "budget=(100, 10.0)"
"""A budget for a test that restarts often: without a journal a process lives 0.1 s."""


class Faulty:
    """A site whose code is edited again and again, while things around it are broken."""

    def __init__(self, site: Site, settings: str = OFTEN, processes: int = 1) -> None:
        self.site = site
        self.processes = processes
        self.edits = 0
        self.slowest = 0.0
        state = site.folder("state")
        self.surround(XDG_STATE_HOME=str(state))
        self.state = state / "wsgireload"
        site.edit("app.wsgi", START, f"{START}, {settings}")

    def surround(self, **environment: str) -> None:
        """Add to Apache's environment."""
        both = {**self.site.served.environment, **environment}
        self.site.served = replace(self.site.served, environment=both)

    def start(self) -> None:
        self.site.start()
        assert self.site.ask().value == "old"

    def edit(self) -> None:
        """A change; `served` waits for it."""
        self.edits += 1
        self._edited = time.monotonic()
        self.site.write("words.py", f"WORD = {self.edits}\n")

    def served(self) -> None:
        """Wait for the latest change; every request meanwhile has to be answered."""
        self.site.wait_for(self.is_served, "new code")
        self.latest = time.monotonic() - self._edited
        self.slowest = max(self.slowest, self.latest)

    def is_served(self) -> bool:
        """Whether each process answers with the latest change, and none with another."""
        pids: set[int] = set()
        for _ in range(20 if self.processes > 1 else 1):
            answer = self.site.ask()
            if answer.value != self.edits:
                return False
            pids.add(answer.pid)
        return len(pids) == self.processes

    def is_up(self) -> bool:
        """The same of a site that may not answer just now."""
        with contextlib.suppress(ServerError, OSError):
            return self.is_served()
        return False

    def waits(self, since: int) -> bool:
        """Whether it was said since then that new code will not be served for now."""
        return self.said_since(since, "holding: ") or self.said_since(since, "inactive: ")

    def reload(self) -> None:
        self.edit()
        self.served()

    def said_since(self, before: int, text: str) -> bool:
        """Whether the error log holds a text of ours behind its first lines."""
        lines = self.site.log.lines(text, after=before)
        return any(line.text.startswith("wsgireload: ") for line in lines)

    def said_twice(self, before: int, text: str) -> bool:
        """The same, for two processes."""
        return len(self.site.log.lines(text, after=before)) == 2

    def figures(self) -> dict[str, object]:
        """How many edits were served, and how long the slowest took."""
        if not self.edits:
            return {}
        slowest = round(self.slowest, 2)
        return {"edits": self.edits, "slowest from edit to new code, seconds": slowest}


def run(*command: str | Path) -> None:
    """A program, to its good end."""
    subprocess.run(command, check=True)


@contextlib.contextmanager
def mounted(site: Site, folder: Path, size: str) -> Iterator[None]:
    """A small file system of memory, of Apache's user."""
    if os.getuid() != 0:
        pytest.skip("only root may mount a small file system, to fill it or take it away")
    site.folder(str(folder.relative_to(site.root)))
    run("mount", "-t", "tmpfs", "-o", f"size={size},mode=0755,uid=www-data", "none", folder)
    try:
        yield
    finally:
        while folder.is_mount():
            run("umount", "--lazy", folder)
