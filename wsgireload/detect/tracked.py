"""The files that the user tracks beside those of the modules: by name, folder or glob."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator

from wsgireload.detect.digests import RACY_NS
from wsgireload.detect.globs import Ignored, Pattern, fixed_part, is_glob, is_litter
from wsgireload.log import Log
from wsgireload.server.files import log_unreadable


class Tracked:
    """Finds the files that the tracked paths mean now; a path without a file means itself."""

    def __init__(self, ignored: Ignored, folders: Folders) -> None:
        self._ignored = ignored
        self._folders = folders
        self._expanded: dict[str, bool] = {}  # each tracked path: whether its files were found once
        self._roots: list[str] = []  # of each tracked path: how the paths of its files start
        self._were_folders: set[str] = set()

    def add(self, paths: Iterable[str]) -> None:
        """Track more paths; may be called from another thread than the one that scans."""
        for path in paths:
            if path not in self._expanded:
                self._expanded[path] = False
                self._roots.append(inside_of(fixed_part(path)))

    def due(self, suspects: Iterable[str]) -> bool:
        """Whether to find the files again, after events at these paths."""
        expanded = all(list(self._expanded.values()))
        return not expanded or self._folders.polled or any(map(self.may_hold, suspects))

    def may_hold(self, path: str) -> bool:
        """Whether a tracked file may be at this path or below it, now or later."""
        inside = inside_of(path).startswith(tuple(self._roots))
        return inside and not is_litter(os.path.basename(path)) and not self._ignored(path)

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
        if stat.S_ISDIR(mode) or (not mode and tracked in self._were_folders):
            self._were_folders.add(tracked)  # visit a missing one too, to get events when it comes
            yield from self._below(tracked, None)
        elif is_glob(tracked) and not os.path.lexists(tracked):
            pattern = Pattern(tracked)
            yield from self._below(pattern.root, pattern)
        else:
            yield tracked

    def _below(self, root: str, pattern: Pattern | None) -> Iterator[str]:
        """All matching files below a folder. Follows links, but not in circles."""
        nowhere: frozenset[tuple[int, int]] = frozenset()
        left = [(root, pattern.start if pattern else frozenset(), nowhere)]
        while left:  # no recursion: folders may be nested deeper than Python's calls
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


class Folders:
    """Lists folders, and reads one again only when its own stat has changed.

    `listen_in` registers a folder for events, before it is read. `checkpoint` is called for each
    folder and may raise to end the scan.
    """

    def __init__(
        self,
        listen_in: Callable[[str], bool],
        log: Log,
        checkpoint: Callable[[], None],
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._listen_in = listen_in
        self._log = log
        self._checkpoint = checkpoint
        self._wall_ns = wall_ns
        self._known: dict[str, Listing] = {}
        self._registered: dict[str, bool] = {}  # False: it has to be polled

    @property
    def polled(self) -> bool:
        """Whether changes in some folder cause no event."""
        return not all(self._registered.values())

    def listen_anew(self) -> None:
        """Register each folder for events again when it is listed next."""
        self._registered.clear()

    def listing(self, folder: str) -> Listing | None:
        """The entries of a folder; None if it is missing or cannot be read."""
        self._checkpoint()
        if folder not in self._registered:
            self._registered[folder] = self._listen_in(folder)
        try:
            found = os.stat(folder)
            known = self._known.get(folder)
            if known is None or known.stamp != stamp_of(found):
                known = self._known[folder] = Listing(folder, found)
                if abs(self._wall_ns() - found.st_mtime_ns) <= RACY_NS:
                    known.stamp = None  # it may change again without a change of its times
            return known
        except (FileNotFoundError, NotADirectoryError):
            self._known.pop(folder, None)
        except OSError as error:
            log_unreadable(self._log, folder, error)
        return None


class Listing:
    """What was in a folder when it was read."""

    __slots__ = ("files", "folders", "identity", "stamp")

    def __init__(self, folder: str, found: os.stat_result) -> None:
        self.identity = (found.st_dev, found.st_ino)
        self.stamp: tuple[int, ...] | None = stamp_of(found)
        self.files: list[str] = []
        self.folders: list[str] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                if not is_litter(entry.name):
                    (self.folders if _is_folder(entry) else self.files).append(entry.name)


def stamp_of(found: os.stat_result) -> tuple[int, ...]:
    """Values that change when a folder is replaced, or something is added or removed in it."""
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_dev, found.st_ino)


def inside_of(folder: str) -> str:
    """The text that all paths below a folder start with."""
    return folder.rstrip(os.sep) + os.sep


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle, or into a folder that may not be entered
        return False
