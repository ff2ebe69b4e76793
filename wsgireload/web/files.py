"""The files of `reload_on`: style sheets, and templates that are read for each request."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from glob import iglob

from wsgireload.web.hashes import sha256

LEAST_PAUSE = 0.25  # seconds between two scans
PAUSE_RATIO = 10  # a scan is followed by a pause ten times as long


class Files:
    """The files that match glob patterns (`**` too); a folder includes everything in it."""

    def __init__(
        self, patterns: Sequence[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._patterns = patterns
        self._clock = clock
        self._next_scan = float("-inf")
        self._known: dict[str, tuple[tuple[int, int], bytes]] = {}
        self._digest = ""

    def digest(self, folder: str) -> str:
        """Return a digest of their content, which may be a few tenths of a second old.

        Relative patterns start from `folder`.
        """
        if not self._patterns:
            return ""
        began = self._clock()
        if began >= self._next_scan:
            self._digest = self._scan(folder)
            now = self._clock()
            self._next_scan = now + max(LEAST_PAUSE, PAUSE_RATIO * (now - began))
        return self._digest

    def _scan(self, folder: str) -> str:
        found: dict[str, tuple[tuple[int, int], bytes]] = {}
        whole = sha256()
        for path in sorted(set(self._paths(folder))):
            try:
                stat = os.stat(path)
                mark = (stat.st_mtime_ns, stat.st_size)
                known = self._known.get(path)
                found[path] = known if known and known[0] == mark else (mark, _digest(path))
            except OSError:  # deleted meanwhile, or unreadable: then it is not served either
                continue
            whole.update(os.fsencode(path) + b"\0" + found[path][1])
        self._known = found
        return whole.hexdigest()[:16]

    def _paths(self, folder: str) -> list[str]:
        paths = []
        for pattern in self._patterns:
            path = os.path.join(folder, pattern)
            glob = os.path.join(path, "**") if os.path.isdir(path) else path
            paths += [
                path
                for path in iglob(glob, recursive=True)
                if os.path.isfile(path) and not path.endswith("~")  # an editor's backup
            ]
        return paths


def _digest(path: str) -> bytes:
    with open(path, "rb") as file:
        return sha256(file.read()).digest()
