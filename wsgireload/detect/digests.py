"""What changed: the stat is the hint, the digest is the truth."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Collection, Sequence

from wsgireload.server.files import open_plainly

# What hashlib gives under the same name, without what importing hashlib brings along: OpenSSL,
# which every process would hold, and a crash of early 3.12 in an interpreter with its own GIL.
# Keyword arguments crash there too (python/cpython#119213): a digest is cut, not made, shorter.
try:
    from _blake2 import blake2b
except ImportError:  # another Python, or one whose blake2b has moved
    from hashlib import blake2b

Digest = bytes
SIZE = 16  # bytes of a digest: a change is not met by chance, and nobody plans one here
MISSING: Digest = b"missing"  # no file is there: a value like any other
EMPTY: Digest = blake2b().digest()[:SIZE]  # nothing is in it, or nothing yet
SPECIAL: Digest = b"special"  # a folder, pipe or device: it exists, and is never opened
CHUNK = 1 << 20
SMALL = 1 << 12
RACY_NS = 2_000_000_000  # the coarsest file time in use (FAT): a younger file may change unseen

# What stat() tells of a file, as one number that moves when the file is written, replaced or
# restored: compare with `!=` alone. These two are no file's.
Mark = int
NO_FILE: Mark = 0
UNREADABLE: Mark = 1
BATCH = 256  # paths whose marks are asked for at once


def marks_plainly(paths: Sequence[str]) -> list[Mark]:
    """The mark of each path."""
    return [_mark(path) for path in paths]


def _mark(path: str) -> Mark:
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return NO_FILE
    except (OSError, ValueError):
        return UNREADABLE
    times = (found.st_mtime_ns, found.st_ctime_ns)
    return hash((found.st_size, *times, found.st_ino, found.st_dev)) or -1


def digest_of(
    path: str,
    checkpoint: Callable[[], None] = lambda: None,
    found: os.stat_result | None = None,
    opener: Callable[[str], int] = open_plainly,
) -> Digest:
    """The BLAKE2b digest (16 bytes) of a file; `found` is its stat, if known.

    OSError where the file cannot be read.
    """
    try:
        found = found or os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            return SPECIAL  # opening a pipe or a device would be felt
        handle = opener(path)
    except (FileNotFoundError, NotADirectoryError):
        return MISSING
    try:
        digest, size, read = blake2b(), found.st_size, 0
        while chunk := os.read(handle, min(size, CHUNK) or SMALL):
            digest.update(chunk)
            checkpoint()
            read += len(chunk)
            if read >= (size or CHUNK):  # more: it grew meanwhile, or has no end, or is /proc's
                break
        return digest.digest()[:SIZE]
    finally:
        os.close(handle)


def fingerprint(*parts: bytes) -> str:
    """A short name (16 hex digits) for these parts in this order."""
    return blake2b(b"".join(b"%d:%s" % (len(part), part) for part in parts)).hexdigest()[:16]


def changed_ns(found: os.stat_result) -> int:
    """When a file last changed. What Windows calls ctime is when it was made."""
    return max(found.st_mtime_ns, found.st_ctime_ns) if os.name == "nt" else found.st_ctime_ns


class Checksums:
    """Remembers the mark and the digest of every path it was asked about.

    `trouble` hears of a file that cannot be read (it counts as unchanged until it can);
    `checkpoint` is called often and may raise to end the look; `opener` opens files for reading,
    `marks` gives the marks of many paths.
    """

    def __init__(
        self,
        trouble: Callable[[str, OSError], None],
        checkpoint: Callable[[], None] = lambda: None,
        wall_ns: Callable[[], int] = time.time_ns,
        opener: Callable[[str], int] = open_plainly,
        marks: Callable[[Sequence[str]], Sequence[Mark]] = marks_plainly,
    ) -> None:
        self._trouble = trouble
        self._checkpoint = checkpoint
        self._wall_ns = wall_ns
        self._opener = opener
        self._marks = marks
        # By path: apart, as ten thousand pairs of them would take twice the memory.
        self._mark: dict[str, Mark] = {}
        self._digest: dict[str, Digest] = {}
        self._young: set[str] = set()  # files whose times may not move with the next change

    def moved(self, paths: Sequence[str], stirred: Collection[str] = ()) -> dict[str, Digest]:
        """The digests of those paths that are new or whose digest is another than last time.

        What was `stirred` is read whatever its mark says.
        """
        moved: dict[str, Digest] = {}
        last, digests, young = self._mark.get, self._digest.get, self._young
        for start in range(0, len(paths), BATCH):
            self._checkpoint()
            batch, read = paths[start : start + BATCH], []
            for path, mark in zip(batch, self._marks(batch), strict=True):
                if mark != last(path) or path in young or path in stirred or mark == UNREADABLE:
                    before = digests(path)
                    read.append(path)
                    # The mark is from before the reading: it moves on with a change meanwhile.
                    digest = self._read(path, mark)
                    if digest is not None and digest != before:
                        moved[path] = digest
            self._doubt(read)
        return moved

    def _doubt(self, read: Sequence[str]) -> None:
        """Read again what led elsewhere meanwhile: it may come back with the mark from before."""
        for path, mark in zip(read, self._marks(read) if read else (), strict=True):
            if mark != self._mark.get(path):
                self._mark[path] = UNREADABLE

    def digest(self, path: str) -> Digest | None:
        """The digest that a path had at its last look; None where it could not be read yet."""
        return self._digest.get(path)

    def changed(self, path: str) -> float:
        """The ctime of a file (seconds); infinity where it is gone."""
        try:
            return changed_ns(os.stat(path)) / 1e9
        except (OSError, ValueError):
            return float("inf")

    def _read(self, path: str, mark: Mark) -> Digest | None:
        """Digest a path and remember it; None where it cannot be read."""
        now = self._wall_ns()
        try:
            found = os.stat(path)
            digest = digest_of(path, self._checkpoint, found, self._opener)
        except (FileNotFoundError, NotADirectoryError):
            found, digest = None, MISSING
        except (OSError, ValueError) as error:
            reason = error if isinstance(error, OSError) else OSError(0, str(error))
            self._trouble(path, reason)
            return None
        self._mark[path] = NO_FILE if digest == MISSING else mark
        if digest != self._digest.get(path):  # whoever compares has the same object then
            self._digest[path] = digest
        if found and abs(now - changed_ns(found)) <= RACY_NS:
            self._young.add(path)
        else:
            self._young.discard(path)
        return digest
