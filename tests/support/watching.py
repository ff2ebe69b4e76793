"""A watcher of the core and what it reports, for tests."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

from wsgireload.server.watcher import ALL, CHANGED, GONE, Watcher

LONG = 30.0  # seconds: for what comes at once
Change = tuple[int, bool, str]


def instances() -> list[str]:
    """Every inotify instance of this process: its fdinfo."""
    return [
        Path(f"/proc/self/fdinfo/{link.name}").read_text()
        for link in Path("/proc/self/fd").iterdir()
        if link.is_symlink() and link.readlink() == Path("anon_inode:inotify")
    ]


def watches() -> int:
    """How many watches the kernel has for this process."""
    return sum(info.count("inotify wd:") for info in instances())


class Watching:
    """A watcher, a folder with a file a.py, and a second folder as a fence after each change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "source"
        self.folder.mkdir()
        self.file = self.folder / "a.py"
        self.file.write_text("before")
        self.other = folder / "b.py"
        self.watchers: list[Watcher] = []
        self.watcher = self.another()
        self.fences = folder / "fences"
        self.fences.mkdir()
        self.fence = self.watch(self.fences, ALL)
        self.numbers = count()

    def another(self) -> Watcher:
        """Return one more watcher, which ends with the test at the latest."""
        self.watchers.append(Watcher())
        return self.watchers[-1]

    def watch(self, path: Path, interest: int, *names: str) -> int:
        """Watch a directory, for some names in it; returns its id."""
        number = self.watcher.directory(str(path), interest, trust=False)
        for name in names:
            self.watcher.name(number, name)
        return number

    def reported(self, *deeds: Callable[[], object]) -> list[Change]:
        """Return what is reported of some changes: everything before the fence after them.

        For each the directory, whether that is gone, and the name.
        """
        return [(id_, kind == GONE, name) for id_, kind, name in self.kinds(*deeds)]

    def kinds(self, *deeds: Callable[[], object]) -> list[tuple[int, int, str]]:
        """Return the same with what is known of each change."""
        for deed in deeds:
            deed()
        last = f"fence-{next(self.numbers)}"
        (self.fences / last).mkdir()
        changes: list[tuple[int, int, str]] = []
        while (self.fence, CHANGED, last) not in changes:
            more = self.watcher.wait(LONG)
            assert more, f"{last} was not reported"
            changes += more
        return [change for change in changes if change[0] != self.fence]
