"""Events of real folders, what they have reported, and ways in which files are saved there."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from itertools import cycle
from pathlib import Path

import pytest

from wsgireload.watch.events import Events

DEADLINE = 20.0
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs inotify")


class Listener:
    """Listens with the system's own events, and to one file more: events arrive in order."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.troubles: list[str] = []
        self.events = Events(trust=False, trouble=self.troubles.append)
        self.sentinels = [folder / f"sentinel{number}" for number in range(20)]
        self._next = cycle(self.sentinels)  # a late event of one is not taken for the next
        self.files: list[Path] = []
        self.folders: list[Path] = []

    def listen(self, *files: Path, folders: Iterable[Path] = ()) -> None:
        """Listen to these as well, and drop what was reported until now."""
        self.files += files
        self.folders += folders
        while True:
            self.events.listen_anew()
            assert all(self.events.listen(str(sentinel)) for sentinel in self.sentinels)
            for file in self.files:
                self.events.listen(str(file))
            for directory in self.folders:
                self.events.listen_in(str(directory))
            if self.reported() is not None:
                return

    def reported(self) -> set[Path] | None:
        """Return what was reported of everything before this call; None: a path leads elsewhere."""
        reported: set[Path] = set()
        sentinel = next(self._next)
        sentinel.touch()
        end = time.monotonic() + DEADLINE
        while (paths := self.events.wait(end - time.monotonic())) is not None:
            assert paths, "the sentinel was never reported"
            reported |= set(map(Path, paths))
            if sentinel in reported:
                return reported - set(self.sentinels)
        return None

    def listen_again(self) -> None:
        """Do what a scan does once a path leads elsewhere."""
        assert self.events.lost
        self.listen()
        assert not self.events.lost


def filled(folder: Path, *names: str) -> list[Path]:
    """Files in a folder that is made for them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text("before")
    return [folder / name for name in names]


def write(path: Path) -> None:
    """In place."""
    path.write_text("after")


def rename_over(path: Path) -> None:
    """As most editors save."""
    other = path.with_name("other")
    other.write_text("after")
    other.replace(path)


def link_over(path: Path) -> None:
    """A hard link takes its place."""
    other = path.with_name("linked")
    path.with_name("original").write_text("after")
    other.hardlink_to(path.with_name("original"))
    other.replace(path)


def recreate(path: Path) -> None:
    """Delete and write again."""
    path.unlink()
    path.write_text("after")


def backup(path: Path) -> None:
    """As vim saves."""
    path.rename(path.with_name("a.py~"))
    path.write_text("after")
