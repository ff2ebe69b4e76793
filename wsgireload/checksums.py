"""What changed: the stat is the hint, the digest is the truth."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable

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
SPECIAL: Digest = b"special"  # a folder, pipe or device: it exists, and is never opened
CHUNK = 1 << 20
SMALL = 1 << 12
# O_NONBLOCK: should a pipe have taken the file's place, opening it must not wait for a writer
READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
READ |= getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
RACY_NS = 2_000_000_000  # the coarsest file time in use (FAT): a younger file may change unseen

# size, mtime_ns, ctime_ns, inode, device; () where there is no file
Signature = tuple[int, ...]


def signature(found: os.stat_result) -> Signature:
    """What moves when a file is written, replaced or restored; compare with `!=` alone."""
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)


def open_plainly(path: str) -> int:
    """A file descriptor to read a file."""
    return os.open(path, READ)


def digest_of(
    path: str,
    checkpoint: Callable[[], None] = lambda: None,
    found: os.stat_result | None = None,
    opener: Callable[[str], int] = open_plainly,
) -> tuple[Signature, Digest]:
    """The signature and BLAKE2b digest (16 bytes) of a file; `found` is its stat, if known.

    The signature is from before the reading: a file that changed meanwhile has another at the next
    look. OSError where the file cannot be read.
    """
    try:
        found = found or os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            return signature(found), SPECIAL  # opening a pipe or a device would be felt
        handle = opener(path)
    except (FileNotFoundError, NotADirectoryError):
        return (), MISSING
    try:
        digest, size, read = blake2b(), found.st_size, 0
        while chunk := os.read(handle, min(size, CHUNK) or SMALL):
            digest.update(chunk)
            checkpoint()
            read += len(chunk)
            if read == size:  # there is more only if it grew meanwhile
                break
        return signature(found), digest.digest()[:SIZE]
    finally:
        os.close(handle)


def fingerprint(*parts: bytes) -> str:
    """A short name (16 hex digits) for these parts in this order."""
    return blake2b(b"".join(b"%d:%s" % (len(part), part) for part in parts)).hexdigest()[:16]


def _changed_ns(mark: Signature) -> int:
    """When a file last changed. What Windows calls ctime is when it was made."""
    return max(mark[1], mark[2]) if os.name == "nt" else mark[2]


class Checksums:
    """Remembers the signature and the digest of every path it was asked about.

    `trouble` hears of a file that cannot be read (it counts as unchanged until it can);
    `checkpoint` is called often and may raise to end the look; `opener` opens files for reading.
    """

    def __init__(
        self,
        trouble: Callable[[str, OSError], None],
        checkpoint: Callable[[], None] = lambda: None,
        wall_ns: Callable[[], int] = time.time_ns,
        opener: Callable[[str], int] = open_plainly,
    ) -> None:
        self._trouble = trouble
        self._checkpoint = checkpoint
        self._wall_ns = wall_ns
        self._opener = opener
        self._known: dict[str, tuple[Signature, Digest]] = {}
        self._young: set[str] = set()  # files whose times may not move with the next change

    def moved(self, paths: Iterable[str]) -> dict[str, Digest]:
        """The digests of those paths that are new or whose digest is another than last time."""
        moved: dict[str, Digest] = {}
        nothing = (None, b"")
        look_at, get, young = os.stat, self._known.get, self._young
        for count, path in enumerate(paths):
            if not count & 255:
                self._checkpoint()
            found = None
            try:
                found = look_at(path)
                mark: Signature | None = (
                    found.st_size,
                    found.st_mtime_ns,
                    found.st_ctime_ns,
                    found.st_ino,
                    found.st_dev,
                )
            except (FileNotFoundError, NotADirectoryError):
                mark = ()
            except (OSError, ValueError):
                mark = None
            last = get(path, nothing)
            if mark is None or mark != last[0] or path in young:
                digest = self._read(path, found)
                if digest is not None and digest != last[1]:
                    moved[path] = digest
        return moved

    def digest(self, path: str) -> Digest | None:
        """The digest that a path had at its last look; None where it could not be read yet."""
        return self._known[path][1] if path in self._known else None

    def changed(self, path: str) -> float:
        """The ctime (seconds) that a file had at its last look; it must have been there."""
        return _changed_ns(self._known[path][0]) / 1e9

    def _read(self, path: str, found: os.stat_result | None) -> Digest | None:
        """Digest a path and remember it; None where it cannot be read."""
        now = self._wall_ns()
        try:
            mark, digest = digest_of(path, self._checkpoint, found, self._opener)
        except (OSError, ValueError) as error:
            reason = error if isinstance(error, OSError) else OSError(0, str(error))
            self._trouble(path, reason)
            return None
        self._known[path] = (mark, digest)
        if mark and abs(now - _changed_ns(mark)) <= RACY_NS:
            self._young.add(path)
        else:
            self._young.discard(path)
        return digest
