"""Reads files without ever waiting: whoever may write where they lie may have put anything there.

A pipe would keep us until somebody writes to it, and a device has no end.
"""

from __future__ import annotations

import errno
import os
import stat

MOST = 1 << 24  # bytes: no source, and no bytecode, is nearly as large
# Should a pipe or a terminal have taken the file's place since it was looked at: opening it must
# neither wait for a writer nor make it ours.
READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
READ |= getattr(os, "O_NOCTTY", 0)
READ |= getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)


def open_plainly(path: str) -> int:
    """A file descriptor to read a file."""
    return os.open(path, READ)


def content(path: str) -> bytes:
    """All of a regular file; OSError for anything else, and for more than `MOST` bytes."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "not a regular file", path)
    with open(path, "rb", opener=lambda name, _: open_plainly(name)) as file:
        read = file.read(MOST + 1) or b""  # None: a pipe after all, with nothing in it
    if len(read) > MOST:
        raise OSError(errno.EFBIG, f"larger than {MOST >> 20} MiB", path)
    return read
