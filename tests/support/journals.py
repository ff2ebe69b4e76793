"""A journal in a folder of its own, for tests."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from wsgireload.state.journal import Entry, Journal
from wsgireload.state.private_dir import Candidates

ENTRY = Entry(at=100.0, pid=os.getpid() + 1, reason="a.py changed", what="f1", paths=("a.py",))
LATER = ENTRY._replace(at=101.0)


def line(entry: Entry) -> bytes:
    """A restart as it stands in the file."""
    return json.dumps(entry._asdict()).encode() + b"\n"


def record(journal: Journal, entry: Entry) -> bool:
    """Record a restart as it is, whatever the ones before it; returns whether that was done."""
    return journal.record(lambda _past: entry) is not None


class World:
    """A folder for the journal, a clock that stands, and the troubles that were reported."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "site.journal"
        self.now = 110.0
        self.troubles: list[str] = []

    def journal(
        self, application: str = "site", *more: str, began: float | None = None, first: bool = False
    ) -> Journal:
        folders = Candidates([str(self.folder), *more], self.troubles.append)
        return Journal(folders, application, lambda: self.now, began, first)

    def files(self) -> list[Path]:
        """All but the lock, which the journals of all applications share."""
        return sorted(each for each in self.folder.iterdir() if each.name != "journal.lock")

    def lines(self) -> list[bytes]:
        return self.file.read_bytes().splitlines()


class History:
    """Stands in for the journal: `kept` is None where there can be none."""

    def __init__(self) -> None:
        self.kept: list[Entry] | None = []
        self.writable = True

    def claim(self, pending: int) -> Entry | None:
        return self.kept[-1] if self.kept else None

    def paths(self) -> set[str]:
        return {"gen.py", "of another application"}

    def entries(self) -> list[Entry] | None:
        return None if self.kept is None else list(self.kept)

    def generation(self) -> int:
        return max((each.generation for each in self.kept or ()), default=0)

    def record(self, make: Callable[[list[Entry]], Entry]) -> Entry | None:
        if self.kept is None or not self.writable:
            return None
        entry = make(list(self.kept))
        self.kept.append(entry)
        del self.kept[:-50]
        return entry

    def withdraw(self, entry: Entry) -> None:
        if self.kept is not None:
            self.kept.remove(entry)


class Writes:
    """Stands in for OwnWrites: whether the application wrote what changed, None if not observed."""

    def __init__(self, wrote: bool | None = None) -> None:
        self.by_us = wrote
        self.observed: set[str] = set()
        self.ignored = False

    def observe(self, paths: Iterable[str]) -> None:
        self.observed |= set(paths)

    def ignore(self) -> None:
        self.ignored = True

    def wrote(self, paths: Collection[str]) -> bool | None:
        return self.by_us if paths else None

    def loaded(self) -> bool:
        return True


def full_disk(*_: object, **__: object) -> int:
    """A write to a disk without any room, or a rename on one."""
    raise OSError(28, "No space left on device")
