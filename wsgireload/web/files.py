"""The files of `reload_on`: style sheets, and templates that are read for each request."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from threading import Lock

import wsgireload
from wsgireload.detect.digest import digest_of
from wsgireload.detect.folders import Folders, Listing
from wsgireload.detect.globs import Ignored, is_glob
from wsgireload.detect.tracked import Tracked
from wsgireload.log import Log
from wsgireload.threads import time
from wsgireload.web.hashes import sha256

LEAST_PAUSE = 0.25  # seconds between two scans
PAUSE_RATIO = 10  # a scan is followed by a pause ten times as long
LARGE = 1 << 20  # bytes: a request would wait too long for the content of larger files
HALF = 8  # digits of the digest of the style sheets, and of that of the others

Mark = tuple[int, ...]


class Files:
    """The files that match glob patterns (`**` too); a folder includes everything in it.

    They are found as those of `track`: links are followed, and files of tools are left out.
    """

    def __init__(
        self, patterns: Sequence[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._patterns = patterns
        self._clock = clock
        self._lock = Lock()
        self._next_scan = float("-inf")
        self._walks: list[_Walk] = []
        self._known: dict[str, tuple[Mark, bytes]] = {}
        self._digest: str | None = None

    def digest(self, folder: str) -> str:
        """Return a digest of their content, which may be a few tenths of a second old.

        Its second half is that of the style sheets: see `only_styles`. Relative patterns start from
        the `folder` of the first call.
        """
        # One thread scans. The others have the last digest meanwhile, and wait for the first one.
        if self._patterns and self._lock.acquire(blocking=self._digest is None):
            try:
                began = self._clock()
                if began >= self._next_scan:
                    self._digest = self._scan(folder)
                    now = self._clock()
                    self._next_scan = now + max(LEAST_PAUSE, PAUSE_RATIO * (now - began))
            finally:
                self._lock.release()
        return self._digest or ""

    def _scan(self, folder: str) -> str:
        if not self._walks:
            log = Log(wsgireload.status().application)
            paths = [os.path.abspath(os.path.join(folder, each)) for each in self._patterns]
            self._walks = [_Walk(path, log) for path in paths]
        found: dict[str, tuple[Mark, bytes]] = {}
        styles, others = sha256(), sha256()
        for path in sorted({path for walk in self._walks for path in walk.files()}):
            try:
                found[path] = _read(path, self._known.get(path))
            except OSError:  # deleted meanwhile, or unreadable: then it is not served either
                continue
            whole = styles if path.lower().endswith(".css") else others
            whole.update(os.fsencode(path) + b"\0" + found[path][1])
        self._known = found
        return others.hexdigest()[:HALF] + styles.hexdigest()[:HALF]


def only_styles(before: str, after: str) -> bool:
    """Return whether two digests differ in nothing but style sheets."""
    return before != after and before[:HALF] == after[:HALF]


def _read(path: str, known: tuple[Mark, bytes] | None) -> tuple[Mark, bytes]:
    """Return the mark and the digest of a file, which may be known."""
    found = os.stat(path)
    mark = (found.st_mtime_ns, found.st_size, found.st_ino)
    if known is not None and known[0] == mark:
        return known
    is_large = found.st_size > LARGE
    return mark, repr(mark).encode() if is_large else digest_of(path, found=found)


class _Walk(Folders):
    """The files that one path means. A folder without wildcards is visited once, by any path."""

    def __init__(self, path: str, log: Log) -> None:
        super().__init__(lambda _folder: False, log, lambda: None)
        self._tracked = Tracked(Ignored(()), self)
        self._tracked.add([path])
        self._is_once = not is_glob(path)
        self._visited: set[tuple[int, int]] = set()

    def files(self) -> list[str]:
        self._visited.clear()
        return [path for path, _ in self._tracked.files()]

    def listing(self, folder: str) -> Listing | None:
        """Return the entries of a folder, unless it is missing or was visited."""
        found = super().listing(folder)
        if found is None or (self._is_once and found.identity in self._visited):
            return None
        self._visited.add(found.identity)
        return found
