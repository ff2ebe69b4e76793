"""The files as they are on disk: marks are the hint, digests are the truth."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Collection, Iterable
from itertools import islice

from wsgireload.changes import Hasher
from wsgireload.log import Log
from wsgireload.server import native
from wsgireload.server.files import log_unreadable, open_file

Digest = bytes
SIZE = 16  # bytes of a digest: enough against chance, and an attacker gains nothing here
MISSING: Digest = b"missing"  # no file is there
EMPTY: Digest = Hasher().digest()[:SIZE]
SPECIAL: Digest = b"special"  # a folder, pipe or device: it exists, and is never opened
CHUNK = 1 << 20
SMALL = 1 << 12
RACY_NS = 2_000_000_000  # the coarsest file time in use (FAT): younger ones may change unnoticed
BATCH = 256  # paths whose marks are requested at once

# The stat of a file as one number that changes when the file is written, replaced or restored:
# see native.marks. These two are no file's.
Mark = int
NO_FILE: Mark = 0
UNREADABLE: Mark = 1


def digest_of(
    path: str, checkpoint: Callable[[], None] = lambda: None, found: os.stat_result | None = None
) -> Digest:
    """The BLAKE2b digest (16 bytes) of a file, MISSING or SPECIAL; `found` is its stat, if known.

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
        digest, size, read = Hasher(), found.st_size, 0
        while chunk := os.read(handle, min(size, CHUNK) or SMALL):
            digest.update(chunk)
            checkpoint()
            read += len(chunk)
            if read >= (size or CHUNK):  # the rest: it grew meanwhile, or is endless, or is /proc's
                break
        return digest.digest()[:SIZE]
    finally:
        os.close(handle)


def changed_ns(found: os.stat_result) -> int:
    """When a file last changed. On Windows ctime is the time of creation."""
    return max(found.st_mtime_ns, found.st_ctime_ns) if os.name == "nt" else found.st_ctime_ns


class Digests:
    """The last mark and digest of every path that was scanned.

    A file that cannot be read keeps its last digest, if any, and is in `unread` until it can be.
    `checkpoint` is called often and may raise to end the scan.
    """

    def __init__(
        self, log: Log, checkpoint: Callable[[], None], wall_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self.unread: set[str] = set()
        self._log = log
        self._checkpoint = checkpoint
        self._wall_ns = wall_ns
        # Two dicts: ten thousand pairs in one would take twice the memory.
        self._mark: dict[str, Mark] = {}
        self._digest: dict[str, Digest] = {}
        self._young: set[str] = set()  # files whose times may not change with the next change

    def get(self, path: str) -> Digest | None:
        """The last digest of a path; None if it could never be read."""
        return self._digest.get(path)

    def scan(self, paths: Iterable[str], suspects: Collection[str] = ()) -> set[str]:
        """Digest `suspects` and files whose marks changed; returns paths with another digest."""
        changed: set[str] = set()
        last, young, rest = self._mark.get, self._young, iter(paths)
        while batch := list(islice(rest, BATCH)):
            self._checkpoint()
            read = []
            for path, mark in zip(batch, native.marks(batch), strict=True):
                if mark != last(path) or path in young or path in suspects or mark == UNREADABLE:
                    read.append(path)
                    # The mark is from before the reading: a change meanwhile gives another one.
                    if self._read(path, mark):
                        changed.add(path)
            self._recheck(read)
        return changed

    def _recheck(self, read: list[str]) -> None:
        """Have a path read again by the next scan if it led elsewhere while it was read."""
        # Else it could come back with its old mark, but keep the digest of the other file.
        for path, mark in zip(read, native.marks(read) if read else (), strict=True):
            if mark != self._mark.get(path):
                self._mark[path] = UNREADABLE

    def _read(self, path: str, mark: Mark) -> bool:
        """Digest a path; returns whether its digest is another, or the first."""
        now = self._wall_ns()
        try:
            found = os.stat(path)
            digest = digest_of(path, self._checkpoint, found)
        except (FileNotFoundError, NotADirectoryError):
            found, digest = None, MISSING
        except (OSError, ValueError) as error:
            self.unread.add(path)
            log_unreadable(self._log, path, error)
            return False
        self.unread.discard(path)
        self._mark[path] = NO_FILE if digest == MISSING else mark
        if found and abs(now - changed_ns(found)) <= RACY_NS:
            self._young.add(path)
        else:
            self._young.discard(path)
        changed = digest != self._digest.get(path)
        if changed:  # else keep the object: others hold the same one
            self._digest[path] = digest
        return changed
