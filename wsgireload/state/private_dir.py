"""A folder that belongs to this user alone, and the few things that are done in it.

Where the system can work from a folder's own handle, it is: nothing planted in the path later is
followed. Windows cannot; there the folder lies where the system lets nobody else in.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from importlib import import_module

NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | NOFOLLOW
READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | NOFOLLOW | BINARY
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NOFOLLOW | BINARY
FAR = 1 << 20  # beyond all that is written into a file of ours
KEPT = os.O_RDWR | os.O_CREAT | getattr(os, "O_NONBLOCK", 0) | NOFOLLOW | BINARY


class Private:
    """The folder, made where it is missing. OSError where it cannot be ours alone.

    With `anybodys` it is one that is there already, and may be another user's alone: `owner`'s.
    """

    def __init__(self, path: str, *, anybodys: bool = False) -> None:
        if not anybodys:
            with contextlib.suppress(FileExistsError):
                os.mkdir(path, 0o700)
        self._handle = os.open(path, FOLDER)
        found = os.fstat(self._handle)
        self.owner = found.st_uid
        if not (anybodys or self.owner == os.geteuid()) or stat.S_IMODE(found.st_mode) & 0o077:
            self.close()
            raise PermissionError("other users may write there, or it is not ours")

    def close(self) -> None:
        """Give the handle back."""
        os.close(self._handle)

    def names(self) -> list[str]:
        """What lies in it."""
        return os.listdir(self._handle)

    def read(self, name: str, most: int) -> bytes:
        """The first so many bytes of a regular file; OSError for anything else."""
        with closing(Kept(os.open(name, READ, dir_fd=self._handle))) as file:
            return file.read(most)

    def keep(self, name: str) -> Kept:
        """A file that is made where it is missing, and stays open."""
        return Kept(os.open(name, KEPT, 0o600, dir_fd=self._handle))

    def create(self, name: str) -> bool:
        """Make an empty file; False where there is one, or none can be made."""
        try:
            os.close(self._new(name))
        except OSError:
            return False
        return True

    def write(self, name: str, content: bytes) -> None:
        """A whole file at once, or none: it gets its name when it is complete."""
        new = f"{name}.{os.urandom(8).hex()}.new"  # of no use to know: what is left blocks nobody
        try:
            with open(self._new(new), "wb") as file:
                file.write(content)
            self.rename(new, name)
        except OSError:
            self.remove(new)
            raise

    def _new(self, name: str) -> int:
        return os.open(name, NEW, 0o600, dir_fd=self._handle)

    def rename(self, old: str, new: str) -> None:
        """Give another name, over whatever has that name."""
        os.rename(old, new, src_dir_fd=self._handle, dst_dir_fd=self._handle)

    def remove(self, name: str) -> None:
        """Remove a file; one that cannot be removed stays."""
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=self._handle)

    def modified(self, name: str) -> float:
        """When something was last modified, in seconds since the epoch."""
        return os.lstat(name, dir_fd=self._handle).st_mtime


class PrivateOnWindows(Private):
    """The same by paths: the user's own application data are closed to others by the system."""

    def __init__(self, path: str, *, anybodys: bool = False) -> None:
        if not anybodys:
            with contextlib.suppress(FileExistsError):
                os.mkdir(path, 0o700)
        self.owner = 0  # Windows has no such numbers
        if getattr(os.lstat(path), "st_reparse_tag", 0) or not os.path.isdir(path):
            raise PermissionError("it is a link, or no folder")
        self._path = path

    def close(self) -> None:
        """There is no handle."""

    def names(self) -> list[str]:
        return os.listdir(self._path)

    def read(self, name: str, most: int) -> bytes:
        with closing(Kept(os.open(os.path.join(self._path, name), READ))) as file:
            return file.read(most)

    def keep(self, name: str) -> Kept:
        return Kept(os.open(os.path.join(self._path, name), KEPT, 0o600))

    def _new(self, name: str) -> int:
        return os.open(os.path.join(self._path, name), NEW, 0o600)

    def rename(self, old: str, new: str) -> None:
        os.replace(os.path.join(self._path, old), os.path.join(self._path, new))

    def remove(self, name: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(self._path, name))

    def modified(self, name: str) -> float:
        return os.lstat(os.path.join(self._path, name)).st_mtime


class Kept:
    """A small file that stays open: what it holds, and a lock on it.

    OSError from any of these, as the system has it.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            self.close()
            raise PermissionError("not a regular file")

    def read(self, most: int) -> bytes:
        """The first so many bytes."""
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        return os.read(self.descriptor, most)

    def peek(self, most: int) -> bytes:
        """The same in any thread, also while another one writes. Not on Windows."""
        return os.pread(self.descriptor, most, 0)

    def write(self, content: bytes) -> None:
        """Replace what it holds."""
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        if os.write(self.descriptor, content) != len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.ftruncate(self.descriptor, len(content))

    def lock(self) -> bool:
        """Lock it until it is closed, or this process ends, however it does; False: others have."""
        try:
            if os.name == "nt":
                msvcrt = import_module("msvcrt")  # by name: known to type checkers there alone
                os.lseek(self.descriptor, FAR, os.SEEK_SET)  # nobody else may read a locked byte
                msvcrt.locking(self.descriptor, msvcrt.LK_NBLCK, 1)
            else:
                fcntl = import_module("fcntl")
                fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def close(self) -> None:
        """Let go of the lock, unless a forked process has it open as well."""
        os.close(self.descriptor)


def private(path: str, *, anybodys: bool = False) -> Private:
    """The folder as this system lets us have it."""
    return (PrivateOnWindows if os.name == "nt" else Private)(path, anybodys=anybodys)


def open_first(folders: Sequence[str], trouble: Callable[[str], None]) -> Private | None:
    """The first of these folders that can be ours alone, to be closed; None where none can.

    `trouble` hears of those that cannot.
    """
    for path in folders:
        try:
            return private(path)
        except OSError as error:
            trouble(f"nothing can be kept in {path}: {error}")
    return None


@contextlib.contextmanager
def first_private(
    folders: Sequence[str], trouble: Callable[[str], None]
) -> Iterator[Private | None]:
    """As `open_first`, for as long as it is needed."""
    found = open_first(folders, trouble)
    try:
        yield found
    finally:
        if found is not None:
            found.close()
