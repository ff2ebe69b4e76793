"""The files as they are on disk: marks are the hint, digests are the truth."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterable
from itertools import islice

from wsgireload.detect.backlog import Backlog, Reading
from wsgireload.detect.digest import (
    MISSING,
    SIZE,
    Digest,
    Mark,
    digest_of,
    is_stand_in,
    is_young,
    stand_in,
)
from wsgireload.detect.modules import PYTHON_SUFFIXES
from wsgireload.log import Log
from wsgireload.server import native
from wsgireload.server.files import MOST, log_unreadable
from wsgireload.threads import time

BATCH = 256  # paths whose marks are requested at once
LARGE = 1 << 20  # bytes: a file with more is put off
EAGER = 1.0  # seconds of a scan, after which every file is put off that is no Python source

# Marks that are no file's.
NO_FILE: Mark = 0
UNREADABLE: Mark = 1


class Digests:
    """The last mark and digest of every path that was added or scanned.

    A file that cannot be read keeps its last digest, if any, and is in `unread` until it can be.
    `checkpoint` is called often and may raise to end the scan. `backlog` has the files that were
    put off. `identified` has the stand-in of each of them that was read since, without another
    change.
    """

    def __init__(
        self,
        log: Log,
        checkpoint: Callable[[], None],
        wall_ns: Callable[[], int] = time.time_ns,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.unread: set[str] = set()
        self.identified: dict[str, Digest] = {}
        self._log = log
        self._checkpoint = checkpoint
        self._wall_ns = wall_ns
        self._clock = clock
        self.backlog = Backlog(checkpoint, clock)
        self._large: dict[str, int] = {}  # the sizes of large files that were read
        # Two dicts: ten thousand pairs in one would take twice the memory.
        self._mark: dict[str, Mark] = {}
        self._digest: dict[str, Digest] = {}
        self._young: set[str] = set()  # files whose times may not change with the next change

    def __contains__(self, path: str) -> bool:
        """Whether a path was added or scanned."""
        return path in self._mark

    def add(self, paths: Iterable[str]) -> list[str]:
        """Add paths that the next scan of them has to read; returns those that are new."""
        new = [path for path in paths if path not in self._mark]
        self._mark.update(dict.fromkeys(new, UNREADABLE))
        return new

    def get(self, path: str) -> Digest | None:
        """The last digest of a path; None if it could never be read."""
        return self._digest.get(path)

    def scan(
        self,
        paths: Iterable[str],
        suspects: Collection[str] = (),
        *,
        eager: float = EAGER,
    ) -> set[str]:
        """Digest `suspects` and files whose marks changed; returns paths with another digest.

        Large files are put off, and all but Python sources after `eager` seconds: the following
        scans read them, a slice at a time. Meanwhile they have a stand-in for a digest, or keep the
        last one where the size is the same: then it may have been a touch.
        """
        changed: set[str] = set()
        until = self._clock() + eager
        last, young, rest = self._mark.get, self._young, iter(paths)
        while batch := list(islice(rest, BATCH)):
            self._checkpoint()
            read = []
            for path, mark in zip(batch, native.marks(batch), strict=True):
                if mark != last(path) or path in young or path in suspects or mark == UNREADABLE:
                    read.append(path)
                    # The mark is from before the reading: a change meanwhile gives another one.
                    if self._read(path, mark, until):
                        changed.add(path)
            self._recheck(read)
        return changed | self._work()

    def _recheck(self, read: list[str]) -> None:
        """Have a path read again by the next scan if it led elsewhere while it was read."""
        # Else it could come back with its old mark, but keep the digest of the other file.
        for path, mark in zip(read, native.marks(read) if read else (), strict=True):
            if mark != self._mark.get(path):
                self._mark[path] = UNREADABLE

    def _read(self, path: str, mark: Mark, until: float) -> bool:
        """Digest a path, or put it off; returns whether its digest is another, or the first."""
        now = self._wall_ns()
        try:
            found = os.stat(path)
            if self._is_for_later(path, found, until):
                return self._put_off(path, mark, found.st_size)
            digest = digest_of(path, self._checkpoint, found)
        except (FileNotFoundError, NotADirectoryError):
            found, digest = None, MISSING
        except (OSError, ValueError) as error:
            self.unread.add(path)
            log_unreadable(self._log, path, error)
            return False
        self._mark[path] = NO_FILE if digest == MISSING else mark
        return self._note(path, digest, now, found)

    def _note(self, path: str, digest: Digest, now: int, found: os.stat_result | None) -> bool:
        """Record a digest that was taken from this time on; returns whether it is another."""
        self.unread.discard(path)
        self._young.discard(path)
        self._large.pop(path, None)
        if found:
            if is_young(found, now):
                self._young.add(path)
            if found.st_size > LARGE:
                self._large[path] = found.st_size
        changed = digest != self._digest.get(path)
        if changed:  # else keep the object: others hold the same one
            self._digest[path] = digest
        return changed

    def _is_for_later(self, path: str, found: os.stat_result, until: float) -> bool:
        if not stat.S_ISREG(found.st_mode):
            return False
        if path.lower().endswith(PYTHON_SUFFIXES):  # one that cannot be compiled matters less
            return found.st_size > MOST
        return found.st_size > LARGE or self._clock() >= until

    def _put_off(self, path: str, mark: Mark, size: int) -> bool:
        """Have a file read later; returns whether it surely differs from the last digest."""
        self._mark[path] = mark
        self.unread.discard(path)
        size = size if size > LARGE else 0
        last, known = self._digest.get(path), self._large.get(path)
        if last is not None and not is_stand_in(last) and size == (known or 0):
            self.backlog.put(path, urgent=True)  # it may have been a touch
            return False
        changed = last != stand_in(mark)
        self._digest[path] = stand_in(mark)
        if last is None or size == known or not changed:
            self.backlog.put(path, urgent=size == known)
        else:  # it differs for sure: there is nothing to find out
            self.backlog.drop(path)
        return changed

    def _work(self) -> set[str]:
        """Read some of what was put off; returns the paths with another digest."""
        changed = set()
        for path, outcome in self.backlog.work():
            mark = native.marks([path])[0]
            if isinstance(outcome, Reading):
                if self._note_late(path, outcome, mark):
                    changed.add(path)
            else:
                self._mark[path] = UNREADABLE  # have the next scan decide what it is by now
                self.unread.add(path)
                if outcome is not None:
                    log_unreadable(self._log, path, outcome)
        return changed

    def _note_late(self, path: str, reading: Reading, mark: Mark) -> bool:
        """Record the digest of a file that was put off; `mark` is from after the reading."""
        try:
            found = os.stat(path)
        except (OSError, ValueError):
            found = None  # gone just now: its mark has changed
        if mark != reading.mark:  # it changed while it was read
            self.backlog.put(path, urgent=True)
        elif self._digest.get(path) == stand_in(mark):
            self.identified[path] = stand_in(mark)
        self._mark[path] = mark
        return self._note(path, reading.hasher.digest()[:SIZE], self._wall_ns(), found)
