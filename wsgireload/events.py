"""Where something may have changed, as the operating system tells it: a hint, never the truth.

A directory is listened to for the files in it that are watched. So that nothing is missed where a
path comes to mean another file, each directory and each symbolic link on the way to one is listened
for in the directory that holds it.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator

from wsgireload.errors import NativeError
from wsgireload.log import shown
from wsgireload.native import ALL, ITSELF, NAMES, Watcher

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
        self._turns: set[str] = set()  # folders and links on the way: then a path leads elsewhere
        self._spelled: dict[str, str] = {}  # where case does not count: the paths as we know them
        self._said: set[str] = set()
        self.lost = False  # something leads elsewhere by now: listen to everything again

    def listen(self, path: str) -> bool:
        """Tell of a file from now on, be it there or not; False where it has to be polled."""
        folder, name = _place(path)
        number = self._number(folder, NAMES)
        if WINDOWS:
            self._spelled[os.path.normcase(path)] = path
        elif os.path.islink(path):
            self._turn(path)
        return self._name(number, name)

    def listen_in(self, folder: str) -> bool:
        """Tell of whatever a folder holds, and will hold; not of what its folders hold."""
        return self._number(folder, ALL) != DEAF

    def knows(self, folder: str) -> bool:
        """Whether it is one of the folders that are listened to."""
        return folder in self._numbers

    def listen_anew(self) -> None:
        """Forget all: what is to be listened to has to be told again."""
        for number in self._folders:
            self._watcher.forget(number)
        for known in (self._numbers, self._folders, self._turns, self._spelled):
            known.clear()
        self.lost = False

    def wait(self, seconds: float) -> set[str] | None:
        """Paths of files and folders at which something happened; empty when the time is over.

        None: it may have happened anywhere.
        """
        told: set[str] = set()
        for number, gone, name in self._watcher.wait(seconds):
            self.lost = self.lost or bool(gone) or number == DEAF
            for path in self._paths(number, name):
                self.lost = self.lost or path in self._turns
                told.add(path)
        return None if self.lost else told

    def wake(self) -> None:
        """End the wait that is on, or the next one; from any thread."""
        self._watcher.wake()

    def end(self) -> None:
        """Listen no more."""
        self._watcher.end()

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

    def _turn(self, path: str) -> None:
        """Notice when a folder or link comes, goes or is replaced, and all on the way to it."""
        folder, name = os.path.split(path)
        if WINDOWS or not name or path in self._turns:  # there a handle would forbid renaming it
            return
        self._turns.add(path)
        self._turn(folder)
        target = None
        if os.path.islink(path):
            target = os.path.normpath(os.path.join(os.path.realpath(folder), os.readlink(path)))
        self._name(self._number_on_the_way(folder), name)
        if target is not None:
            self._turn(target)
            if not os.path.isdir(target):  # what is written to it is written to the link as well
                self._name(self._number(os.path.dirname(target), NAMES), os.path.basename(target))

    def _number_on_the_way(self, folder: str) -> int:
        """Of a folder of which only comings and goings matter; the file system's kind does not."""
        if folder in self._numbers:
            return self._numbers[folder]
        try:
            number = self._watcher.directory(folder, ITSELF, trust=True)
        except NativeError:
            return DEAF
        if folder not in self._folders.setdefault(number, []):
            self._folders[number].append(folder)
        return number

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
