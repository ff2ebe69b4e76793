"""What is in the folders that are tracked."""

from __future__ import annotations

import os
from collections.abc import Callable

from wsgireload.detect.digest import RACY_NS
from wsgireload.detect.litter import is_litter, is_litter_by, of_dictionaries
from wsgireload.log import Log, Word, shown
from wsgireload.server.files import WINDOWS, is_of_link, log_unreadable
from wsgireload.threads import time

VIRTUAL = "/proc/", "/sys/", "/dev/"  # with links to everything, and files that never rest
MEMORY = "/dev/shm"
Identity = tuple[int, int]  # device and inode of a folder


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
        if f"{folder}{os.sep}".startswith(VIRTUAL) and not folder.startswith(MEMORY):
            text = f"{shown(folder)} is not searched: its files are virtual, and never end"
            self._log.say_once(Word.WATCHING, text, loud=True)
            return None
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
        except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: no file's name
            self._known.pop(folder, None)
            if self._registered.get(folder):  # its arrival is an event: register all of it then
                del self._registered[folder]
        except OSError as error:
            log_unreadable(self._log, folder, error)
        return None


class Listing:
    """What was in a folder when it was read."""

    __slots__ = ("_litter", "files", "folders", "identity", "is_litter", "links", "stamp")

    def __init__(self, folder: str, found: os.stat_result) -> None:
        self.identity = (found.st_dev, found.st_ino)
        self.stamp: tuple[int, ...] | None = stamp_of(found)
        self.files: list[str] = []
        self.folders: list[str] = []
        self.links: set[str] = set()  # the folders that are one
        self._litter: set[str] | None = None
        with os.scandir(folder) as entries:
            for entry in entries:
                is_folder = _is_folder(entry)
                if is_folder or _is_file(entry):
                    (self.folders if is_folder else self.files).append(entry.name)
                    if is_folder and _is_link(entry):
                        self.links.add(entry.name)
        self.is_litter = is_litter_by({*self.files, *self.folders})

    @property
    def litter(self) -> set[str]:
        """The names that count only if they are named: found out at first use, as few need it."""
        if self._litter is None:
            files = {name for name in self.files if is_litter(name, folder=False)}
            folders = {name for name in self.folders if is_litter(name, folder=True)}
            self._litter = files | folders | of_dictionaries(self.files)
        return self._litter


def stamp_of(found: os.stat_result) -> tuple[int, ...]:
    """Values that change when a folder is replaced, or something is added or removed in it."""
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_dev, found.st_ino)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle, or into a folder that may not be entered
        return False


def _is_link(entry: os.DirEntry[str]) -> bool:
    # On Windows it may be a junction, and the stat is part of the entry.
    return is_of_link(entry.stat(follow_symlinks=False)) if WINDOWS else entry.is_symlink()


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Whether it is a file, or a link that may lead to one later; no socket, pipe or device."""
    try:
        return entry.is_file() or entry.is_symlink()
    except OSError:
        return True
