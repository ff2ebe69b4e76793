"""The files that the user tracks beside those of the modules: by name, folder or glob."""

from __future__ import annotations

import os
import stat
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from itertools import chain

from wsgireload.detect.folders import Folders, Identity
from wsgireload.detect.globs import Ignored, Pattern, is_glob
from wsgireload.detect.litter import is_litter
from wsgireload.detect.missing import other_path_files, path_folders
from wsgireload.server.files import open_file

MOST_WAYS = 16  # by links to one folder: those of folders that link to each other have no end
# How the files of SQLite and of GDBM's formats begin, whatever their names: py4web has a
# `service.storage`, Roundup a `db`, and Python's `shelve` adds no suffix.
HEADS = (b"SQLite format 3\0", *(bytes((last, 0x9A, 0x57, 0x13)) for last in range(0xCD, 0xD2)))


class Tracked:
    """Finds the files that the tracked paths mean now; a path without a file means itself.

    Litter in a folder is left out (see litter.py), but never a path that is tracked by its name, or
    by a glob that names it.
    """

    def __init__(self, ignored: Ignored, folders: Folders) -> None:
        self._ignored = ignored
        self._folders = folders
        self._expanded: dict[str, bool] = {}  # each tracked path: whether its files were found once
        self._meanings: dict[str, list[Pattern]] = {}  # of each: as it stands, and as a glob
        self._roots: list[str] = []  # how the paths of their files start
        self._litter: set[tuple[Pattern, str]] = set()  # folders left out for what is in them
        self._were_folders: set[str] = set()
        self._databases: set[str] = set()  # those that are there, and those that were and are gone

    def add(self, paths: Iterable[str]) -> None:
        """Track more paths; may be called from another thread than the one that scans."""
        for path in paths:
            if path not in self._expanded:
                glob = [Pattern(path)] if is_glob(path) else []
                self._meanings[path] = [Pattern(path, literal=True), *glob]
                roots = (inside_of(each.root) for each in self._meanings[path])
                self._roots += map(os.path.normcase, roots)
                self._expanded[path] = False

    def due(self, suspects: Iterable[str]) -> bool:
        """Whether to find the files again, after events at these paths."""
        expanded = all(list(self._expanded.values()))
        return not expanded or self._folders.polled or any(map(self.may_hold, suspects))

    def may_hold(self, path: str) -> bool:
        """Whether a tracked file may be at this path or below it, now or later."""
        if not os.path.normcase(inside_of(path)).startswith(tuple(self._roots)):
            return False
        folder = os.path.dirname(path)
        patterns = chain.from_iterable(list(self._meanings.values()))
        leads = (_leads_to(each, path) and (each, folder) not in self._litter for each in patterns)
        return any(leads) and not self._ignored(path)

    def is_data(self, path: str) -> bool:
        """Whether it is a database that nothing tracks by name: the application writes it."""
        if found := _is_database(path):
            self._databases.add(path)
        elif found is False:
            self._databases.discard(path)
        patterns = chain.from_iterable(list(self._meanings.values()))
        return path in self._databases and not any(each.names_file(path) for each in patterns)

    def files(self) -> Iterator[tuple[str, bool]]:
        """The files now; True if they had been searched before: a new one has appeared since."""
        for tracked, before in list(self._expanded.items()):
            for path in self._files_of(tracked):
                if not self._ignored(path):
                    yield path, before
            self._expanded[tracked] = True

    def _files_of(self, tracked: str) -> Iterator[str]:
        try:
            mode = os.stat(tracked).st_mode  # once: it may come or go meanwhile
        except (OSError, ValueError):
            mode = 0
        literal, *glob = self._meanings[tracked]
        if stat.S_ISDIR(mode) or (not mode and tracked in self._were_folders):
            self._were_folders.add(tracked)  # visit a missing one too, to get events when it comes
            yield from self._below(literal)
        elif glob and not os.path.lexists(tracked):
            yield from self._below(*glob)
        else:
            yield tracked

    def _below(self, pattern: Pattern) -> Iterator[str]:
        """All matching files below a folder. Follows links, but not in circles, and few to one."""
        nowhere: frozenset[Identity] = frozenset()
        left = deque([(pattern.root, pattern.start, nowhere, True, False)])
        ways: Counter[Identity] = Counter()
        while left:  # no recursion: folders may be nested deeper than Python's calls
            folder, states, above, named, linked = left.pop()
            is_new = not linked or _is_another_way(folder, ways)
            listing = self._folders.listing(folder) if is_new else None
            if listing is None or listing.identity in above:
                continue
            if listing.is_litter and not named:
                self._litter.add((pattern, folder))
                continue
            self._litter.discard((pattern, folder))
            whole = pattern.accepts(states)
            for name in listing.files:
                # Whether it is litter comes last: to know that takes 60 regular expressions.
                if (whole or pattern.accepts(pattern.step(states, name))) and (
                    pattern.names(states, name) or name not in listing.litter
                ):
                    yield os.path.join(folder, name)
            for name in reversed(listing.folders):
                if not (further := pattern.step(states, name)):
                    continue
                named = pattern.names(states, name)
                if not named and name in listing.litter:
                    continue
                inside = os.path.join(folder, name)
                if not self._ignored(inside):
                    by_link = name in listing.links
                    # By links last, so that each file is found at its own path, and then by few.
                    put = left.appendleft if by_link else left.append
                    put((inside, further, above | {listing.identity}, named, linked or by_link))


def path_files() -> list[str]:
    """The .pth files that Python reads at its start; globs, where new ones count as well."""
    globs = [os.path.join(each, "*.pth") for each in path_folders() if not is_glob(each)]
    return [*globs, *(each for each in other_path_files() if not is_glob(each))]


def inside_of(folder: str) -> str:
    """The text that all paths below a folder start with."""
    return folder.rstrip(os.sep) + os.sep


def _leads_to(pattern: Pattern, path: str) -> bool:
    """Whether a path, or one below it, may match, and is no litter that the pattern only means."""
    root, known = map(os.path.normcase, (inside_of(pattern.root), path))
    if not known.startswith(root):
        return known == os.path.normcase(pattern.root)
    states, names = pattern.start, path[len(root) :].split(os.sep)
    for at, name in enumerate(names):
        if not (further := pattern.step(states, name)):
            return False
        is_folder = at < len(names) - 1 or os.path.isdir(path)
        if not pattern.names(states, name) and is_litter(name, folder=is_folder):
            return False
        states = further
    return True


def _is_another_way(folder: str, ways: Counter[Identity]) -> bool:
    """Count a path that leads to a folder by links; False where there were enough."""
    try:
        found = os.stat(folder)
    except (OSError, ValueError):
        return True  # Folders logs it
    identity = (found.st_dev, found.st_ino)
    ways[identity] += 1
    return ways[identity] <= MOST_WAYS


def _is_database(path: str) -> bool | None:
    """Whether a file begins as a database does; None if it cannot be read."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False
        handle = open_file(path)
        try:
            return os.read(handle, max(map(len, HEADS))).startswith(HEADS)
        finally:
            os.close(handle)
    except (OSError, ValueError):
        return None
