"""Which files, beside the modules: what the user added, as files, folders and globs."""

from __future__ import annotations

import fnmatch
import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator

# What editors, version control, databases and logs leave in a folder is nobody's source, and some
# of it is written by the very program that we would restart. Nor is what rsync has not yet given
# its name: .name.html.a1B2c3, or .~tmp~/name.html. A file named by itself always counts.
LITTER = (
    "__pycache__ *.pyc .git .hg .svn .DS_Store *~ *.tmp *.bak *.orig *.rej .*.sw? .#* #*# 4913"
    " .goutputstream-* *___jb_*___ *.kate-swp .*.*.?????? .~tmp~"
    " *.log *.pid *.sqlite3 *.sqlite3-* *.db *.db-*"
    # our own: see published.py, journal.py, call.py and roll.py
    " [0-9]*-????????????????.state* [0-9]*-????????????????.restart ????????????????.call"
    " ????????????????.roll ????????????????-*.asked* ????????????????-*.answered*"
    " ????????????????-*.flight ????????????????-*.flown*"
)
RACY = 2.0  # seconds: the coarsest file time in use (FAT); a younger folder may change unseen


class Pattern:
    """An absolute path whose components may hold `*`, `?`, `[…]`, or be `**` (any folders).

    Paths match component by component. What lies below a matching folder matches too.
    """

    def __init__(self, pattern: str, *, hidden: bool = False) -> None:
        components = split(pattern)
        fixed = next((i for i, part in enumerate(components) if magic(part)), len(components))
        self.root = os.path.join(*components[:fixed])
        self._parts = [
            None if part == "**" else _component(part, hidden=hidden) for part in components[fixed:]
        ]
        self._hidden = hidden
        self.start = self._closure({0})

    def step(self, states: frozenset[int], name: str) -> frozenset[int]:
        """Where one component more leads; empty: nothing from here on can match."""
        after = set()
        for at in states:
            if at == len(self._parts):
                after.add(at)
            elif (part := self._parts[at]) is None:
                if self._hidden or not name.startswith("."):
                    after.add(at)
            elif part.match(name):
                after.add(at + 1)
        return self._closure(after)

    def accepts(self, states: frozenset[int]) -> bool:
        """Whether the whole pattern has been met."""
        return len(self._parts) in states

    def matches(self, path: str) -> bool:
        """Whether a path, or a folder above it, matches."""
        root, components = split(self.root), split(path)
        if components[: len(root)] != root:
            return False
        states = self.start
        for name in components[len(root) :]:
            states = self.step(states, name)
        return self.accepts(states)

    def _closure(self, states: set[int]) -> frozenset[int]:
        """`**` also stands for no folder at all."""
        reached = set(states)
        for at in range(len(self._parts)):
            if at in reached and self._parts[at] is None:
                reached.add(at + 1)
        return frozenset(reached)


class Ignored:
    """What the user does not want watched: bare names anywhere, paths and globs with all below."""

    def __init__(self, ignore: Iterable[str]) -> None:
        names = [fnmatch.translate(name) for name in ignore if os.path.basename(name) == name]
        self._named = re.compile("|".join(names)).match if names else None
        self._paths = [
            Pattern(path, hidden=True) for path in ignore if os.path.basename(path) != path
        ]

    def __call__(self, path: str) -> bool:
        """Whether a file is to be left alone."""
        if self._named and any(self._named(component) for component in split(path)[1:]):
            return True
        return any(pattern.matches(path) for pattern in self._paths)


class Tracked:
    """The files that the user's paths mean now; a path that does not exist yet means itself."""

    def __init__(
        self,
        ignored: Callable[[str], bool],
        trouble: Callable[[str, OSError], None],
        checkpoint: Callable[[], None] = lambda: None,
        enter: Callable[[str], object] = lambda _: None,
    ) -> None:
        """`enter` is called with each folder before it is looked into: see `Folders`."""
        self._ignored = ignored
        self._folders = Folders(trouble, checkpoint, enter=enter)
        self._paths: list[str] = []
        self._were_folders: set[str] = set()

    def __iter__(self) -> Iterator[str]:
        """The tracked paths as they were given."""
        return iter(list(self._paths))

    def add(self, paths: Iterable[str]) -> None:
        """Track more; what is tracked already changes nothing."""
        self._paths += [path for path in dict.fromkeys(paths) if path not in self._paths]

    def concern(self, path: str) -> bool:
        """Whether a path lies where something tracked may lie, now or later."""
        if _is_litter(os.path.basename(path)) or self._ignored(path):
            return False
        roots = (Pattern(given).root if magic(given) else given for given in self._paths)
        return any(path == root or path.startswith(root.rstrip(os.sep) + os.sep) for root in roots)

    def files(self, tracked: str) -> Iterator[str]:
        """The files that one tracked path means now, without the ignored ones."""
        return (path for path in self._meaning(tracked) if not self._ignored(path))

    def _meaning(self, tracked: str) -> Iterator[str]:
        found = _found(tracked)  # asked once: it may come or go meanwhile
        away = found is None and tracked in self._were_folders
        if away or (found is not None and stat.S_ISDIR(found.st_mode)):
            self._were_folders.add(tracked)  # one that is away is entered as well: to hear of it
            yield from self._below(tracked, None)
        elif magic(tracked) and not os.path.lexists(tracked):
            pattern = Pattern(tracked)
            yield from self._below(pattern.root, pattern)
        else:
            yield tracked

    def _below(self, root: str, pattern: Pattern | None) -> Iterator[str]:
        """All matching files below a folder; links are followed, but never round in a circle."""
        nowhere: frozenset[tuple[int, int]] = frozenset()
        left = [(root, pattern.start if pattern else frozenset(), nowhere)]
        while left:  # no recursion: Python's would end long before the folders do
            folder, states, above = left.pop()
            listing = self._folders.listing(folder)
            if listing is None or listing.identity in above:
                continue
            for name in listing.files:
                if pattern is None or pattern.accepts(pattern.step(states, name)):
                    yield os.path.join(folder, name)
            for name in reversed(listing.folders):
                further = pattern.step(states, name) if pattern else states
                inside = os.path.join(folder, name)
                if (further or not pattern) and not self._ignored(inside):
                    left.append((inside, further, above | {listing.identity}))


class Listing:
    """What one folder held when it was read."""

    __slots__ = ("files", "folders", "identity", "stamp")

    def __init__(self, folder: str, found: os.stat_result) -> None:
        self.identity = (found.st_dev, found.st_ino)
        self.stamp: tuple[int, ...] | None = stamp_of(found)
        self.files: list[str] = []
        self.folders: list[str] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                if not _is_litter(entry.name):
                    (self.folders if _is_folder(entry) else self.files).append(entry.name)


def _found(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except (OSError, ValueError):
        return None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads round in a circle, or to where we may not look
        return False


def stamp_of(found: os.stat_result) -> tuple[int, ...]:
    """What moves when something is added to a folder, removed from it, or the folder replaced."""
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_dev, found.st_ino)


class Folders:
    """Reads a folder only where its own stat moved.

    `trouble` hears of a folder that may not be read; `checkpoint` is called at every folder and
    may raise to end the look; `enter` is called with every folder before that is read.
    """

    def __init__(
        self,
        trouble: Callable[[str, OSError], None],
        checkpoint: Callable[[], None],
        wall: Callable[[], float] = time.time,
        enter: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._enter = enter
        self._trouble = trouble
        self._checkpoint = checkpoint
        self._wall = wall
        self._known: dict[str, Listing] = {}

    def listing(self, folder: str) -> Listing | None:
        """What lies in a folder; None where it is gone or may not be read."""
        self._checkpoint()
        self._enter(folder)
        try:
            found = os.stat(folder)
            known = self._known.get(folder)
            if known is None or known.stamp != stamp_of(found):
                known = Listing(folder, found)
                if abs(self._wall() - found.st_mtime) < RACY:
                    known.stamp = None  # it may change again within its own clock's grain
                self._known[folder] = known
        except (FileNotFoundError, NotADirectoryError):
            self._known.pop(folder, None)
            return None
        except OSError as error:
            self._trouble(folder, error)
            return None
        return known


def split(path: str) -> list[str]:
    """The components of an absolute path, its root first."""
    drive, rest = os.path.splitdrive(path)
    return [drive + os.sep, *(part for part in rest.split(os.sep) if part)]


def magic(text: str) -> bool:
    """Whether a glob's characters stand in it."""
    return any(character in text for character in "*?[")


_is_litter = re.compile("|".join(fnmatch.translate(name) for name in LITTER.split())).match


def _component(part: str, *, hidden: bool) -> re.Pattern[str]:
    """One component as a glob reads it: `*` at the start passes over hidden names."""
    careful = "" if hidden or part.startswith(".") else r"(?!\.)"
    return re.compile(careful + fnmatch.translate(part))
