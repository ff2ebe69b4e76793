"""Open and read regular files: never block, and never keep others from changing a file.

Any user who may write to a watched folder could have put a pipe or a device there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import BinaryIO

from wsgireload.log import Log, Word, shown

WINDOWS = os.name == "nt"
PIECE = 1 << 16  # bytes that are read at once of those beyond a file's size
MOST = 1 << 24  # bytes: no source, and no bytecode, is nearly as large
# A pipe or a terminal may have replaced the file since its stat: do not wait for a writer, and do
# not take the terminal as this process's own.
READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
READ |= getattr(os, "O_NOCTTY", 0)
READ |= getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
SURROGATE = 0x20000000
EVERYONE = 7  # FILE_SHARE_READ, FILE_SHARE_WRITE and FILE_SHARE_DELETE
LONG = 260  # units of a path, two bytes each: MAX_PATH
NO_DESCRIPTOR_LEFT = {errno.EMFILE, errno.ENFILE}


def absolute(paths: Iterable[str]) -> Iterator[str]:
    """Return the absolute paths. Relative ones have none once the current folder is deleted."""
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            yield os.path.abspath(path)


def is_link(path: str) -> bool:
    """Whether a path is a symbolic link or, on Windows, a junction."""
    try:
        return is_of_link(os.lstat(path))
    except (OSError, ValueError):
        return False


def is_of_link(found: os.stat_result) -> bool:
    """Whether this stat, of a path itself, is that of a link."""
    # The tags of what stands for a name elsewhere: not those of OneDrive's files.
    return stat.S_ISLNK(found.st_mode) or bool(getattr(found, "st_reparse_tag", 0) & SURROGATE)


def whole(path: str) -> str:
    """Return a path in a form that Windows takes whatever its length.

    It takes 260 units of UTF-16 and more only of an absolute path with a prefix.
    """
    if len(path) < LONG and path[1:3] == ":\\" and path.isascii():  # nearly all
        return path
    full = os.path.abspath(path)
    if len(full.encode("utf-16-le", "surrogatepass")) < 2 * LONG:
        return path
    if full.startswith(("\\\\?", "\\\\.")):
        return full
    return f"\\\\?\\UNC{full[1:]}" if full.startswith("\\\\") else f"\\\\?\\{full}"


def open_file(path: str) -> int:
    """Open a file for reading; returns its descriptor.

    On Windows others may write, rename and delete the file meanwhile, which Python's own open()
    prevents.
    """
    return open_shared(path) if WINDOWS else os.open(path, READ)


def open_shared(path: str) -> int:
    """Do so on Windows. OSError as from open()."""
    # By name: type checkers know the contents of these modules on Windows only.
    msvcrt, winapi = import_module("msvcrt"), import_module("_winapi")
    options = winapi.GENERIC_READ, EVERYONE, winapi.NULL, winapi.OPEN_EXISTING, 0, winapi.NULL
    try:
        handle = winapi.CreateFile(whole(path), *options)
    except OSError as error:
        error.filename = path
        raise
    try:
        return int(msvcrt.open_osfhandle(handle, READ))
    except OSError:
        winapi.CloseHandle(handle)
        raise


def opened(path: str) -> BinaryIO:
    """Open a regular file for reading; OSError for anything else."""
    _size(path)
    return open(path, "rb", opener=lambda name, _: open_file(name))


def content(path: str) -> bytes:
    """Read a regular file; OSError for anything else, and for more than `MOST` bytes."""
    # Not `MOST` at once: Python takes memory for all of it, which costs more than the reading.
    read = _read(path, min(_size(path), MOST) + 1, to_end=True)
    if len(read) > MOST:
        raise OSError(errno.EFBIG, f"larger than {MOST >> 20} MiB", path)
    return read


def size(path: str) -> int:
    """Return the size of a file in bytes; 0 without one."""
    try:
        return os.stat(path).st_size
    except (OSError, ValueError):
        return 0


def beginning(path: str, length: int) -> bytes:
    """Read so many bytes of a regular file, or less if it has no more; OSError as `content`."""
    _size(path)
    return _read(path, length, to_end=False)


def _size(path: str) -> int:
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", path)
    return found.st_size


def _read(path: str, expected: int, *, to_end: bool) -> bytes:
    """Read so many bytes, or all, of which so many are expected; but not many more than `MOST`.

    A file object would cost more than all of that, and there are thousands of files.
    """
    handle, read = open_file(path), b""
    try:
        while chunk := os.read(handle, expected - len(read)):
            read += chunk
            if not to_end or len(read) > MOST:
                break
            if len(read) == expected:  # it grew meanwhile, or has no size, as in /proc
                expected += max(PIECE, len(read))
    except BlockingIOError:  # a pipe after all, with nothing in it
        pass
    finally:
        os.close(handle)
    return read


def log_unreadable(log: Log, path: str, error: Exception) -> None:
    """Log once that a file or folder cannot be read."""
    why = getattr(error, "strerror", None) or str(error)
    if getattr(error, "errno", None) in NO_DESCRIPTOR_LEFT:
        log.say_once(Word.WATCHING, f"cannot open any file: {why}; retrying")
    else:
        text = f"cannot read {shown(path)}: {why}; assuming that it has not changed"
        log.say_once(Word.WATCHING, text)
