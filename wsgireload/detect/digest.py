"""The digest of one file, and the values that stand for what has none."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from wsgireload.changes import Hasher
from wsgireload.server.files import open_file

RACY_NS = 2_000_000_000  # the coarsest file time in use (FAT): younger ones may change unnoticed

Digest = bytes
# The stat of a file as one number that changes when the file is written, replaced or restored:
# see native.marks.
Mark = int
# Bytes of a digest: enough against chance, and an attacker gains nothing here. One more would take
# Python 16 more for each file.
SIZE = 15
MISSING: Digest = b"missing"  # no file is there
EMPTY: Digest = Hasher().digest()[:SIZE]
SPECIAL: Digest = b"special"  # a folder, pipe or device: it exists, and is never opened
CHUNK = 1 << 20
SMALL = 1 << 12


def digest_of(
    path: str, checkpoint: Callable[[], None] = lambda: None, found: os.stat_result | None = None
) -> Digest:
    """The BLAKE2b digest (15 bytes) of a file, MISSING or SPECIAL; `found` is its stat, if known.

    OSError if the file cannot be read.
    """
    try:
        found = found or os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            return SPECIAL  # opening a pipe or a device may have an effect
        handle = open_file(path)
    except (FileNotFoundError, NotADirectoryError):
        return MISSING
    try:
        return digest_of_open(handle, found.st_size, checkpoint)
    finally:
        os.close(handle)


def digest_of_open(handle: int, size: int, checkpoint: Callable[[], None] = lambda: None) -> Digest:
    """The digest of an open file that has this size."""
    digest, read = Hasher(), 0
    while chunk := os.read(handle, min(size, CHUNK) or SMALL):
        digest.update(chunk)
        checkpoint()
        read += len(chunk)
        if read >= (size or CHUNK):  # the rest: it grew meanwhile, or is endless, or is /proc's
            break
    return digest.digest()[:SIZE]


def changed_ns(found: os.stat_result) -> int:
    """When a file last changed. On Windows ctime is the time of creation."""
    return max(found.st_mtime_ns, found.st_ctime_ns) if os.name == "nt" else found.st_ctime_ns


def is_young(found: os.stat_result, now_ns: int) -> bool:
    """Whether the next change of a file might leave its mark as it is."""
    return abs(now_ns - changed_ns(found)) <= RACY_NS


def dated(found: os.stat_result) -> Digest:
    """What stands for the digest of a file that is not young: when it last changed, and its size.

    Not its inode, as in its mark: file systems of FUSE and virtual machines may change that.
    """
    when, size = changed_ns(found) % (1 << 64), found.st_size % (1 << 40)
    return b"t" + when.to_bytes(8, "little") + size.to_bytes(5, "little")


def is_dated(digest: Digest) -> bool:
    """Whether a digest is only a time and a size."""
    return digest.startswith(b"t") and len(digest) < SIZE


def stand_in(mark: Mark) -> Digest:
    """What stands for the digest of a file that was not read yet: its mark.

    So any change of its mark counts as a change of the file, be it a touch: one restart too many is
    better than old content.
    """
    return b"mark" + mark.to_bytes(8, "little")


def is_stand_in(digest: Digest) -> bool:
    """Whether a digest is only a mark."""
    return digest.startswith(b"mark") and len(digest) < SIZE
