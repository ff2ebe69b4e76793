"""The code that this process runs: the digest of each file as it was loaded.

The evidence for it, best first:

1. the import hook saw the file when it was imported (from `start()` on);
2. its ctime is older than a time at which the module is known not to have been loaded;
3. mod_wsgi noted the script's mtime, or a bytecode cache that this process could write names the
   size and mtime of the source it was compiled from;
4. the WSGI script is running when it calls `start()`: its file is what was loaded then. So are the
   .pth files, which Python has read at its start.

Without evidence the file is taken to be what was loaded: nothing may restart then.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Iterator
from itertools import chain

from wsgireload.detect import optional
from wsgireload.detect.bytecode import is_source_of
from wsgireload.detect.digest import MISSING, Digest, changed_ns, dated, is_dated
from wsgireload.detect.evidence import Absence, Noted
from wsgireload.detect.imports import Imports
from wsgireload.detect.missing import places
from wsgireload.detect.modules import Modules, Source

GRAIN = 0.05  # seconds: file times come from a coarser clock than time.time(), 10 ms behind at most
MOST_UNSEEN = 256  # sources at once: those of 10,000 would take memory that never comes back
UNLIKE_ANY: Digest = b"not what is on disk"


class Baseline:
    """The digests of the files that this process has loaded.

    Those without evidence are in `unproven`, or in `built` if they were loaded after `start()`: the
    application has written them itself, or somebody else has meanwhile.
    """

    def __init__(
        self, imports: Imports, absence: Absence, modules: Modules, noted: Noted | None = None
    ) -> None:
        self.unproven: list[str] = []
        self.built: list[str] = []
        self.modules = modules
        self._imports = imports
        self._absence = absence
        self._digests: dict[str, Digest] = {}
        self._sources: dict[str, Source] = {}  # by path: their evidence was not examined yet
        self._unseen: list[Source] = []  # loaded without the hook, and not searched for imports
        self._not_found: list[tuple[str, list[str]]] = []  # by those that were searched
        self._noted = noted or Noted()

    def note_now(self, paths: Iterable[str]) -> list[str]:
        """Note tracked files as they are; returns their paths."""
        return self._noted.note(paths)

    def imported(self) -> Collection[str]:
        """Record the files that were imported since the last call; returns their paths."""
        seen = dict(self._imports.seen())
        self._digests.update(seen)
        return seen

    def missing(self) -> Iterator[str]:
        """Record and return new paths at which modules were missing that were to be imported."""
        self._search()
        before, self._not_found = self._not_found, []
        for name, folders in chain(self._imports.missing(), before):
            for path in places(name, folders):
                if path not in self._digests:
                    self.record(path, MISSING)
                    yield path

    def _search(self) -> None:
        """Search the modules that the hook has not seen for imports that had failed."""
        while self._unseen:
            source = self._unseen.pop()
            with contextlib.suppress(Exception):  # modules may be objects of any kind
                self._not_found += list(optional.missing(source.path, source.module))

    def expect(self, source: Source) -> None:
        """Examine the evidence for a module's file once its digest is known."""
        self._sources[source.path] = source
        if source.is_python:
            self._unseen.append(source)
            if len(self._unseen) >= MOST_UNSEEN:
                self._search()

    def record(self, path: str, digest: Digest) -> None:
        """Record the digest of a file as it was when the process loaded its code."""
        self._digests[path] = digest

    def knows(self, path: str) -> bool:
        """Whether a file was read as it was loaded: to put it off would make it another one."""
        return (self._digests.get(path) or self._noted.get(path) or MISSING) != MISSING

    def digest(self, path: str, now: Digest) -> Digest:
        """The digest of a file as it was loaded; `now` is the one on disk."""
        if path not in self._digests:
            source = self._sources.pop(path, None)
            noted = self._noted.get(path) or now
            self._digests[path] = noted if source is None else self._proven(source, now)
        elif is_dated(self._digests[path]) and self._digests[path] == _dated_now(path):
            self._digests[path] = now
        return self._digests[path]

    def _proven(self, source: Source, now: Digest) -> Digest:
        if now == MISSING:
            return now
        same = still_on_disk(source, self._absence.until(source.module))
        if same is None and (at_start := self._noted.get(source.path)) is not None:
            return at_start
        if same is None:
            was_there = self._absence.was_there(source.module)
            (self.unproven if was_there else self.built).append(source.path)
        return UNLIKE_ANY if same is False else now


def _dated_now(path: str) -> Digest:
    try:
        return dated(os.stat(path))
    except (OSError, ValueError):
        return MISSING


def still_on_disk(source: Source, absent: float) -> bool | None:
    """Whether a file on disk is the one that was loaded; None without evidence.

    `absent` is a time at which it was not loaded yet: see `Absence`.
    """
    try:
        found = os.stat(source.path)
    except (OSError, ValueError):
        return None
    if changed_ns(found) / 1e9 < absent - GRAIN:
        return True
    if source.loaded_mtime is not None:
        return source.loaded_mtime == found.st_mtime_ns // 1000
    return is_source_of(source.path, found, source.cached) if source.cached else None
