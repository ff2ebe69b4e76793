"""A folder that only this user may enter, and the files in it.

Every operation goes through the folder's own handle, so that nothing planted in its path later is
followed. Windows has no such calls: paths serve there, below the user's own application data, which
the system closes to others.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from importlib import import_module

from wsgireload.threads import sleep, time

NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | NOFOLLOW
READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | NOFOLLOW | BINARY
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NOFOLLOW | BINARY
PATIENCE, RETRY = 1.0, 0.005  # seconds for a lock that others hold for a millisecond
COARSE_NS = 50_000_000  # file times come from a clock that is up to 10 ms behind
FAR = 1 << 20  # beyond all that is written into a file of ours
# On Windows any error: wine gives no reason. Elsewhere a PermissionError is one, as of SELinux.
LOCKED = OSError if os.name == "nt" else BlockingIOError
UPDATE = os.O_RDWR | os.O_CREAT | getattr(os, "O_NONBLOCK", 0) | NOFOLLOW | BINARY


class PrivateDir:
    """The folder, created where it is missing. OSError if other users may enter it.

    With `foreign` it has to exist, and may be another user's: `owner` is that user's number.
    """

    def __init__(self, path: str, *, foreign: bool = False) -> None:
        self._path = path
        self._handle: int | None = None  # None on Windows, where names are joined to the path
        if not foreign:
            with contextlib.suppress(FileExistsError):
                os.mkdir(path, 0o700)
                os.chmod(path, 0o700)  # the umask may forbid this very user to enter it
        if os.name == "nt":
            found = os.lstat(path)
            if getattr(found, "st_reparse_tag", 0) or not stat.S_ISDIR(found.st_mode):
                raise PermissionError("it is a link, or no folder")
            self.owner, self.identity = 0, (found.st_dev, found.st_ino)  # it has no such numbers
            return
        self._handle = os.open(path, FOLDER)
        found = os.fstat(self._handle)
        self.owner, self.identity = found.st_uid, (found.st_dev, found.st_ino)
        if not (foreign or self.owner == os.geteuid()) or stat.S_IMODE(found.st_mode) & 0o077:
            self.close()
            raise PermissionError("other users may write there, or it is not ours")

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)

    def names(self) -> list[str]:
        return os.listdir(self._path if self._handle is None else self._handle)

    def read(self, name: str, most: int) -> bytes:
        """The first so many bytes of a regular file; OSError for anything else."""
        with closing(PrivateFile(self._open(name, READ))) as file:
            return file.read(most)

    def open_file(self, name: str) -> PrivateFile:
        """Open a file to read, write and lock it; create a missing one."""
        return PrivateFile(self._open(name, UPDATE))

    def create(self, name: str) -> bool:
        """Create an empty file; False if it exists or cannot be created."""
        try:
            os.close(self._open(name, NEW))
        except OSError:
            return False
        return True

    def write(self, name: str, content: bytes, times: tuple[float, float] | None = None) -> None:
        """Replace a file as a whole; `times`, in seconds since 1970: see `times`."""
        new = f"{name}.{os.urandom(8).hex()}.new"  # random: a leftover is in no other's way
        try:
            with open(self._open(new, NEW), "wb") as file:
                file.write(content)
                if times is not None and os.utime in os.supports_fd:  # no name: it may be planted
                    os.utime(file.fileno(), times)
            if times is not None and os.utime not in os.supports_fd:
                os.utime(self._place(new), times)
            self.rename(new, name)
        except OSError:
            self.remove(new)
            raise

    def rename(self, old: str, new: str) -> None:
        """Rename a file, over whatever has the new name."""
        old, new = self._place(old), self._place(new)
        os.replace(old, new, src_dir_fd=self._handle, dst_dir_fd=self._handle)

    def remove(self, name: str) -> bool:
        """Remove a file; False if there is none, or it cannot be removed."""
        try:
            os.unlink(self._place(name), dir_fd=self._handle)
        except OSError:
            return False
        return True

    def has(self, name: str) -> bool:
        with contextlib.suppress(OSError):
            return self.modified(name) is not None
        return False

    def modified(self, name: str) -> float:
        """The time of the last modification, in seconds since 1970."""
        return self.times(name)[1]

    def times(self, name: str) -> tuple[float, float]:
        """The times of the last access and modification, in seconds since 1970."""
        found = os.lstat(self._place(name), dir_fd=self._handle)
        return found.st_atime, found.st_mtime

    def _open(self, name: str, flags: int) -> int:
        descriptor = os.open(self._place(name), flags, 0o600, dir_fd=self._handle)
        if flags & os.O_CREAT and os.name != "nt":
            os.fchmod(descriptor, 0o600)  # as above
        return descriptor

    def _place(self, name: str) -> str:
        return os.path.join(self._path, name) if self._handle is None else name


class PrivateFile:
    """A small file that can be locked while it is open. Every method may raise OSError."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            self.close()
            raise PermissionError("not a regular file")

    def read(self, most: int) -> bytes:
        """The first so many bytes."""
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        return os.read(self.descriptor, most)

    def age(self) -> float:
        """Seconds since it was written, or by which the clock was set back since then."""
        return abs(time.time() - os.fstat(self.descriptor).st_mtime)

    def write(self, content: bytes) -> None:
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        if os.write(self.descriptor, content) != len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.ftruncate(self.descriptor, len(content))

    def lock(self) -> bool:
        """Lock it until it is closed or this process ends; False where another has locked it."""
        try:
            if os.name == "nt":
                msvcrt = import_module("msvcrt")  # by name: type checkers know it on Windows only
                os.lseek(self.descriptor, FAR, os.SEEK_SET)  # others cannot read a locked byte
                msvcrt.locking(self.descriptor, msvcrt.LK_NBLCK, 1)
            else:
                fcntl = import_module("fcntl")
                fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except LOCKED:
            return False
        return True

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Lock it meanwhile; TimeoutError if another process keeps it locked for a second."""
        end = time.monotonic() + PATIENCE
        while not self.lock():
            if time.monotonic() > end:
                raise TimeoutError("another process keeps it locked")
            sleep(RETRY)
        try:
            yield
        finally:
            self.unlock()

    def unlock(self) -> None:
        """Release the lock, even where a forked process has the file open as well."""
        if os.name != "nt":  # there nothing forks
            fcntl = import_module("fcntl")
            fcntl.flock(self.descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close it; that releases the lock, unless a forked process has the file open as well."""
        os.close(self.descriptor)


class Candidates:
    """Where a private folder may be, best first. `trouble` reports a path that cannot be one."""

    def __init__(self, paths: Sequence[str], trouble: Callable[[str], None]) -> None:
        self.paths = paths
        self.trouble = trouble

    def is_best(self, identity: tuple[int, int]) -> bool:
        """Whether the folder with this identity is still the first."""
        found = self._first()
        return found is not None and (found.st_dev, found.st_ino) == identity

    def stamp(self) -> tuple[int, ...] | None:
        """Values that differ once another folder is the first, or a name in it comes or goes.

        None where they might not: on Windows, and right after a change, as file times are coarse.
        """
        found = self._first()
        if not found or os.name == "nt" or abs(time.time_ns() - found.st_mtime_ns) < COARSE_NS:
            return None
        return found.st_dev, found.st_ino, found.st_mtime_ns

    def _first(self) -> os.stat_result | None:
        with contextlib.suppress(OSError, IndexError):
            return os.lstat(self.paths[0])
        return None

    def open(self) -> PrivateDir:
        """The first that only this user may enter, to be closed. OSError where there is none."""
        for path in self.paths:
            try:
                return PrivateDir(path)
            except OSError as error:
                self.trouble(f"cannot use the folder {path}: {error}")
        raise PermissionError(f"no folder of this user alone: {', '.join(self.paths)}")

    def open_file(self, name: str) -> PrivateFile:
        """As `PrivateDir.open_file`, in that folder."""
        with closing(self.open()) as folder:
            return folder.open_file(name)

    def lock_file(self, name: str) -> PrivateFile | None:
        """Open a file and lock it until it is closed; None if another process has locked it."""
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(closing(self.open_file(name)))
            if not file.lock():
                return None
            stack.pop_all()  # it stays open
            return file


NO_GROUP = Candidates((), lambda _trouble: None)  # of a process that shares no file with others
