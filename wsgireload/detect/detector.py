"""All watched files, and those of them that differ from what this process runs."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from glob import escape
from itertools import islice

from wsgireload.changes import APPEARED, DELETED, MODIFIED, Change
from wsgireload.detect.baseline import Baseline
from wsgireload.detect.digest import EMPTY, MISSING, SPECIAL, Digest
from wsgireload.detect.digests import BATCH, Digests
from wsgireload.detect.events import Events
from wsgireload.detect.folders import Folders
from wsgireload.detect.globs import Ignored
from wsgireload.detect.modules import NATIVE_SUFFIXES, PYTHON_SUFFIXES
from wsgireload.detect.program import Programs
from wsgireload.detect.sweep import Sweep
from wsgireload.detect.tracked import Tracked, inside_of
from wsgireload.log import Log
from wsgireload.server.libraries import count_own
from wsgireload.settings import Settings
from wsgireload.threads import time


class Detector:
    """Scans the files of the loaded modules and the tracked ones.

    `importing` is True while modules are being imported: more may follow. `checkpoint` is called
    often and may raise to end a scan, which the next one then resumes.
    """

    def __init__(
        self,
        settings: Settings,
        log: Log,
        events: Events,
        baseline: Baseline,
        checkpoint: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.importing = True
        self._by_link = by_link = baseline.modules.links
        self._trigger = settings.trigger and by_link(settings.trigger)
        self._events = events
        self._baseline = baseline
        self._checkpoint = checkpoint
        self._programs = Programs() if settings.compare == "code" else None
        self._digests = Digests(log, checkpoint)
        self._ignored = Ignored(map(by_link, settings.ignore))
        self._folders = Folders(events.listen_in, log, checkpoint)
        self._tracked = Tracked(self._ignored, self._folders)
        self._sweep = Sweep(clock)
        self._paths: list[str] = []
        self._polled: dict[str, None] = {}  # paths whose changes cause no event
        self._absent: dict[str, None] = {}  # where modules were missing: watched, but no files
        self._others: dict[str, bool] = {}  # modules by another suffix: whether they are sources
        self._differs: dict[str, Change] = {}
        self._own = 0, 0  # of so many files, how many are the application's own
        self._broken_off = False  # the last scan did not end
        self.track([*settings.track, *filter(None, [self._trigger])])

    def __len__(self) -> int:
        return len(self._paths) - len(self._absent)

    @property
    def own(self) -> int:
        """The number of files that are the application's own; counted when `len` has changed."""
        if self._own[0] != len(self):
            self._own = len(self), count_own(self.paths())
        return self._own[1]

    @property
    def is_calm(self) -> bool:
        """Whether an event will report whatever changes next, and whatever is requested."""
        is_polled = self._polled or self._folders.polled or not self._events.hears
        return not (is_polled or self._events.lost or self.importing or self.undecided)

    @property
    def due_in(self) -> float:
        """Seconds until the next scan should read the files that were put off."""
        return self._digests.backlog.due_in

    @property
    def undecided(self) -> bool:
        """Whether a file that was put off may have changed: the next scans find out."""
        return self._digests.backlog.is_urgent

    def unread(self) -> list[str]:
        """What the last scan could not read of loaded code, and of modules that were missing."""
        unread = set(filter(self._is_code, self._digests.unread))  # as a rule none
        loaded = set(self._baseline.modules.loaded() if unread else ())
        needed = set(filter(self._baseline.knows, loaded))
        come = filter(os.path.lexists, self._absent.keys() & unread)  # not in a closed folder
        return sorted(needed.union(come).intersection(unread))

    def paths(self) -> list[str]:
        """All watched paths; from any thread."""
        return [path for path in list(self._paths) if path not in self._absent]

    def track(self, paths: Iterable[str]) -> None:
        """Track more files, folders or globs, from the next scan on; from any thread."""
        self._tracked.add(self._baseline.note_now(map(self._by_link, paths)))

    def is_watched(self, path: str) -> bool:
        """Whether an event at this path may be a change of something watched."""
        return path in self._digests or self._events.knows(path) or self._tracked.may_hold(path)

    def is_binary_module(self, path: str) -> bool:
        """Whether a module was loaded from this file, which has not the suffix of a source."""
        return path in self._others

    def scan(
        self, paths: Collection[str] | None = None, *, requested: bool = False
    ) -> dict[str, Change]:
        """All files that differ now, by path.

        With a trigger, none unless that one differs, or a restart was `requested`: it loads them.
        `paths` are the files and folders that events named; None scans everything. Files that
        differed before are always scanned again.
        """
        resumed, self._broken_off = self._broken_off, True
        lost, suspects = self._events.lost, paths or ()
        everything = paths is None or resumed or lost
        self._listen_again(suspects, lost=lost)
        round_over = self._sweep.round_over()
        if (everything or round_over) and not self._events.hears:
            self._events.listen_for_requests()
        known, imported = len(self._paths), self._baseline.imported()
        fresh = dict.fromkeys(path for path in imported if not self._ignored(path))
        self._add(fresh)
        self._add_loaded(thorough=lost or (round_over and self._sweep.tenth_round()))
        fresh |= self._add_missing(imported)
        self.importing = bool(imported) or len(self._paths) > known
        if everything or round_over or self._tracked.due(suspects):
            fresh |= self._add_tracked()
        if resumed:  # the digests that the last scan found were not compared
            fresh |= dict.fromkeys(self._paths)
        noted = [path for path in fresh if self._baseline.knows(path)]
        early = self._digests.scan(noted, eager=math.inf) if noted else set()
        scanned = self._paths if everything else self._due(fresh, suspects)
        self._compare(fresh.keys() | early | self._digests.scan(scanned, suspects))
        self._broken_off = False
        triggered = requested or self._trigger is None or self._trigger in self._differs
        return dict(self._differs) if triggered else {}

    def _listen_again(self, suspects: Iterable[str], *, lost: bool) -> None:
        """Register paths that lead elsewhere now: all after a loss, else those with an event."""
        if not lost:
            self._listen(path for path in suspects if path in self._digests)
            return
        self._events.listen_anew()
        self._folders.listen_anew()
        self._polled.clear()
        if not self._events.lost:  # else there are no events at all
            self._listen(self._paths)

    def _listen(self, paths: Iterable[str]) -> None:
        self._polled.update((path, None) for path in paths if not self._events.listen(path))

    def _add(self, paths: Iterable[str]) -> None:
        if new := self._digests.add(paths):
            self._paths += new
            self._listen(new)

    def _add_loaded(self, *, thorough: bool) -> None:
        """Add and compare the files of new modules, a few at a time: their evidence is large."""
        new = self._new_sources(thorough=thorough)
        while batch := list(islice(new, BATCH)):
            # Large libraries are put off, and no others: the hook has digests of the small ones.
            late = self._digests.scan(batch, eager=math.inf)
            self._compare(dict.fromkeys([*batch, *late]))

    def _new_sources(self, *, thorough: bool) -> Iterator[str]:
        for source in self._baseline.modules.new(thorough=thorough):
            if not source.path.lower().endswith(PYTHON_SUFFIXES):
                self._others[source.path] = source.is_python
            if source.path not in self._digests and not self._ignored(source.path):
                self._add([source.path])
                self._baseline.expect(source)
                yield source.path

    def _add_missing(self, imported: Iterable[str]) -> dict[str, None]:
        """Add the files that modules would have which were not found; returns the new ones."""
        for path in imported:
            self._absent.pop(path, None)
        fresh = dict.fromkeys(path for path in self._baseline.missing() if not self._ignored(path))
        self._absent.update(fresh)
        # A folder of sources is a package too, also without the file of one.
        packages = (path for path in fresh if os.path.basename(path) == "__init__.py")
        self._tracked.add(os.path.join(escape(os.path.dirname(path)), "*.py") for path in packages)
        self._add(fresh)
        return fresh

    def _add_tracked(self) -> dict[str, None]:
        """Add the tracked files that are there now; returns the new ones."""
        fresh: dict[str, None] = {}
        for path, expanded_before in self._tracked.files():
            if path not in self._digests:
                self._add([path])
                fresh[path] = None
                if expanded_before:
                    self._baseline.record(path, MISSING)
        return fresh

    def _due(self, fresh: Iterable[str], suspects: Iterable[str]) -> dict[str, None]:
        """Paths that may have changed, that differ, that are polled, and the sweep's share."""
        named = [path for path in suspects if path in self._digests]
        folders = tuple(inside_of(path) for path in suspects if path not in self._digests)
        below = [path for path in self._paths if path.startswith(folders)] if folders else ()
        due = (*named, *below, *fresh, *self._sweep.due(self._paths))
        return dict.fromkeys((*due, *self._differs, *self._polled, *self._digests.unread))

    def _compare(self, paths: Iterable[str]) -> None:
        for path in paths:
            self._checkpoint()
            now = self._digests.get(path)
            if now is not None:  # else it could not be read, which was logged
                self._compare_one(path, now)

    def _compare_one(self, path: str, now: Digest) -> None:
        loaded = self._baseline.digest(path, now)
        if loaded == self._digests.identified.pop(path, None):
            loaded = now
            self._baseline.record(path, loaded)
        is_python = path.lower().endswith(PYTHON_SUFFIXES) or self._others.get(path, False)
        programs = self._programs if is_python else None
        if programs and now == loaded:
            programs.remember(path, now)
        same = now == loaded or (loaded == MISSING and now == SPECIAL)  # a new folder's files count
        same = same or (programs is not None and programs.same(path, now))
        if same or (not is_python and self._tracked.is_data(path)):
            self._differs.pop(path, None)
            return
        is_code = self._is_code(path)
        self._differs[path] = Change(
            digest=now,
            kind=DELETED if now == MISSING else APPEARED if loaded == MISSING else MODIFIED,
            is_python=is_python,
            unfinished=is_code and now in (MISSING, EMPTY),
            is_code=is_code,
        )

    def _is_code(self, path: str) -> bool:
        return path in self._others or path.lower().endswith(PYTHON_SUFFIXES + NATIVE_SUFFIXES)
