"""Where something may have changed, as the operating system tells it: a hint, never the truth.

A directory is listened to for the files in it that are watched. So that nothing is missed where a
path comes to mean another file, each directory and each symbolic link on the way to one is listened
for in the directory that holds it.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator

from wsgireload.errors import NativeError
from wsgireload.log import shown
from wsgireload.server.native import ALL, ITSELF, NAMES, Watcher

WINDOWS = os.name == "nt"
DEAF = -1  # the number of a folder that has no events
ABSENT = {errno.ENOENT, errno.ENOTDIR}


class Events:
    """Tells of changes to the files and folders that it was given.

    `trust` takes the events also of file systems that are known not to tell of everything;
    `trouble` hears, once for each reason, why some of it has to be polled.
    """

    def __init__(
        self, *, trust: bool, trouble: Callable[[str], None], watcher: Watcher | None = None
    ) -> None:
        """NativeError where the system has no events."""
        self._watcher = watcher or Watcher()
        self._trust = trust
        self._trouble = trouble
        self._numbers: dict[str, int] = {}  # the native number of each folder
        self._folders: dict[int, list[str]] = {}  # by which paths a number is known
        self._turns: dict[str, bool] = {}  # folders and links on the way, and whether what a
        # link leads to is heard of: when something happens to one, a path leads elsewhere
        self._spelled: dict[str, str] = {}  # where case does not count: the paths as we know them
        self._wholes: set[str] = set()  # folders of which everything is told
        self._said: set[str] = set()
        self.lost = False  # something leads elsewhere by now: listen to everything again

    def listen(self, path: str) -> bool:
        """Tell of a file from now on, be it there or not; False where it has to be polled."""
        folder, name = _place(path)
        number = self._number(folder, NAMES)
        heard = self._name(number, name)
        if WINDOWS:
            self._spell(number, path, name)
        elif os.path.islink(path):  # should it become one from here on, that is told
            heard = self._turn(path) and heard
        return heard

    def listen_in(self, folder: str) -> bool:
        """Tell of whatever a folder holds, and will hold; not of what its folders hold.

        On Windows of that as well: there is no second handle below the first, which would keep
        people from renaming what lies between them.
        """
        inside = os.path.normcase(folder)
        if WINDOWS and any(inside.startswith(_below(whole)) for whole in self._wholes):
            return True
        heard = self._number(folder, ALL) != DEAF
        if heard:
            self._wholes.add(folder)
        return heard

    def knows(self, folder: str) -> bool:
        """Whether it is one of the folders that are listened to."""
        return folder in self._numbers or os.path.normcase(folder) in self._spelled

    def listen_anew(self) -> None:
        """Forget all: what is to be listened to has to be told again."""
        for number in self._folders:
            self._watcher.forget(number)
        for known in (self._numbers, self._folders, self._turns, self._spelled, self._wholes):
            known.clear()
        self.lost = False

    def wait(self, seconds: float) -> set[str] | None:
        """Paths of files and folders at which something happened; empty when the time is over.

        None: it may have happened anywhere. NativeError where no event will ever come again.
        """
        end = time.monotonic() + seconds
        while changes := self._heard(max(0.0, end - time.monotonic())):
            told: set[str] = set()
            lost = False
            for number, gone, name in changes:
                lost = lost or number == DEAF or (bool(gone) and number in self._folders)
                told.update(self._paths(number, name))
            if lost or not self._turns.keys().isdisjoint(told):
                self.lost = True
                return None
            if told:  # nothing is: of what was listened to before we forgot all
                return told
        return set()

    def wake(self) -> None:
        """End the wait that is on, or the next one; from any thread."""
        self._watcher.wake()

    def end(self) -> None:
        """Listen no more."""
        self._watcher.end()

    def _heard(self, seconds: float) -> list[tuple[int, bool, str]]:
        try:
            return self._watcher.wait(seconds)
        except Exception as error:  # most likely a NativeError
            self._trouble(f"everything is polled from now on: {error}")
            self.end()
            raise

    def _paths(self, number: int, name: str) -> Iterator[str]:
        for folder in self._folders.get(number, ()):
            path = os.path.join(folder, name) if name else folder
            yield self._spelled.get(os.path.normcase(path), path) if WINDOWS else path

    def _number(self, folder: str, interest: int) -> int:
        """Listen to a folder with an interest in what its names mean; its number, or DEAF."""
        known = self._numbers.get(folder)
        if known is not None and interest != ALL:
            return known
        self._turn(folder)
        try:
            number = self._watcher.directory(folder, interest, trust=self._trust)
        except NativeError as error:
            number = DEAF
            if error.code not in ABSENT and error.message not in self._said:
                self._said.add(error.message)
                self._trouble(f"{shown(folder)} and others like it are polled: {error.message}")
        self._numbers[folder] = number
        if number != DEAF and folder not in self._folders.setdefault(number, []):
            self._folders[number].append(folder)
        return number

    def _turn(self, path: str) -> bool:
        """Notice when a folder or link comes, goes or is replaced, and all on the way to it.

        False where it is a link, and of what is written to its target no event tells.
        """
        folder, name = os.path.split(path)
        if WINDOWS or not name:  # there a handle would forbid renaming it
            return True
        if path not in self._turns:
            self._turns[path] = True
            self._turn(folder)
            self._name(self._itself(folder), name)
            if os.path.islink(path):  # read once it is heard of, lest another takes its place
                self._itself(path, link=True)  # where its folder may be passed, but not listed
                self._turns[path] = self._follow(path)
        return self._turns[path]

    def _follow(self, link: str) -> bool:
        """Hear of what a link leads to: what is written to that is written to the link as well."""
        try:
            target = os.path.join(os.path.realpath(os.path.dirname(link)), os.readlink(link))
            return self._hear_of(os.path.normpath(target))
        except OSError:  # it is gone by now, and that is told
            return True
        except RecursionError:  # it leads on and on, further than any file lies
            return False

    def _hear_of(self, target: str) -> bool:
        heard = self._turn(target)
        if os.path.isdir(target):
            return heard
        number = self._number(os.path.dirname(target), NAMES)
        return self._name(number, os.path.basename(target)) and heard

    def _itself(self, path: str, *, link: bool = False) -> int:
        """Of a link, or of a folder in which only comings and goings matter: its number, or DEAF.

        The kind of the file system is of no matter to those.
        """
        if path in self._numbers and not link:
            return self._numbers[path]
        try:
            real = path if link else os.path.realpath(path)
            number = self._watcher.directory(real, ITSELF, trust=True)
        except (NativeError, ValueError):  # ValueError: no path can be like that
            return DEAF
        if path not in self._folders.setdefault(number, []):
            self._folders[number].append(path)
        return number

    def _spell(self, number: int, path: str, name: str) -> None:
        """Know a path again however its case is told, and hear of the folders down to it.

        Where one of those is renamed, Windows tells its own name alone.
        """
        while name and (known := os.path.normcase(path)) not in self._spelled:
            self._spelled[known] = path
            path, name = os.path.dirname(path), os.path.dirname(name)
            if name:
                self._name(number, name)

    def _name(self, number: int, name: str) -> bool:
        if number != DEAF:
            self._watcher.name(number, name)
        return number != DEAF


def _place(path: str) -> tuple[str, str]:
    """The folder to listen to for a file, and the file's name in there.

    On Windows few folders, with all that is below: those that Python finds its modules in.
    """
    if WINDOWS:
        roots = [os.path.abspath(entry).rstrip("\\/") for entry in sys.path if entry]
        holding = [root for root in roots if os.path.normcase(path).startswith(_below(root))]
        if holding:
            root = max(holding, key=len)
            return root, path[len(root) + 1 :]
    return os.path.split(path)


def _below(root: str) -> str:
    return os.path.normcase(root) + os.sep
