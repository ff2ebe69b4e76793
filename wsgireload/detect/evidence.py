"""What start() notes as evidence for the code that is loaded: see baseline.py."""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Iterable

from wsgireload.detect.digest import SPECIAL, Digest
from wsgireload.detect.imports import note
from wsgireload.detect.missing import is_text, path_files_now
from wsgireload.server import detection
from wsgireload.threads import time

MOST_NOTED = 100  # files: the application waits while they are read


class Absence:
    """Until when each module was known not to be loaded (wall clock, seconds since the epoch)."""

    def __init__(self, process_started: float | None) -> None:
        self._now = time.time()  # before the names: a module imported in between counts as loaded
        # Sorted: a set of ten thousand names takes five times the memory.
        self._names = sorted(filter(is_text, list(sys.modules)))
        self._process_started = process_started or 0.0

    def until(self, module: str) -> float:
        """The last such time known; 0.0 if there is none."""
        return self._process_started if self.was_there(module) else self._now

    def was_there(self, module: str) -> bool:
        """Whether it was loaded already, and so before `start()`."""
        at = bisect_left(self._names, module)
        return self._names[at : at + 1] == [module]


class Noted:
    """The digests of files as they were at the start: the WSGI scripts, .pth and tracked files."""

    def __init__(self) -> None:
        at_start = *detection.script_paths(), *path_files_now()
        self._digests = {path: note(path) for path in at_start}

    def note(self, paths: Iterable[str]) -> list[str]:
        """Note tracked files as they are: they may be read, and saved, before a scan.

        Returns the paths. Of a folder or a glob no file is noted.
        """
        every = list(paths)
        for path in every[:MOST_NOTED]:
            if path not in self._digests and (digest := note(path)) not in (None, SPECIAL):
                self._digests[path] = digest
        return every

    def get(self, path: str) -> Digest | None:
        """The digest of a file; None if it was not noted."""
        return self._digests.get(path)
