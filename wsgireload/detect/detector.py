"""What is watched, and which of it differs from what this process loaded."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Collection, Iterable, Sequence

from wsgireload.detect import baseline as loaded
from wsgireload.detect.digests import (
    BATCH,
    MISSING,
    Checksums,
    Digest,
    Mark,
    digest_of,
    marks_plainly,
)
from wsgireload.detect.modules import PYTHON_SUFFIXES, Modules, Source
from wsgireload.detect.sweep import Sweep
from wsgireload.log import Log, Word, shown
from wsgireload.server.files import open_plainly

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wsgireload.detect.bytecode import Programs
    from wsgireload.detect.tracked import Tracked
    from wsgireload.watch.events import Events

UNLIKE_ANY: Digest = b"not what is on disk"
USED_UP = {errno.EMFILE, errno.ENFILE}
NOTED_BYTES = 1 << 20  # a larger file is not read while the application waits for its import


def note(path: str, opener: Callable[[str], int] = open_plainly) -> Digest | None:
    """The digest of a file that is about to be imported; None where that costs too much."""
    try:
        found = os.stat(path)
        small = found.st_size <= NOTED_BYTES
        return digest_of(path, found=found, opener=opener) if small else None
    except (OSError, ValueError):
        return None


class Watched:
    """All that is watched. `look` compares it with what was loaded."""

    def __init__(
        self,
        ignore: Sequence[str],
        log: Log,
        imports: loaded.Imports,
        moments: loaded.Moments,
        checkpoint: Callable[[], None] = lambda: None,
        modules: dict[str, Any] | None = None,
        opener: Callable[[str], int] = open_plainly,
        marks: Callable[[Sequence[str]], Sequence[Mark]] = marks_plainly,
        clock: Callable[[], float] = time.monotonic,
        programs: Programs | None = None,
    ) -> None:
        """With `programs` it is these that are compared of Python sources, and not their bytes."""
        self.events: Events | None = None
        self._programs = programs
        self._sweep = Sweep(clock)
        self._polled: dict[str, None] = {}  # what no event tells of
        self._unread: dict[str, None] = {}  # nor of these, that they can be read again
        self._log = log
        self.checkpoint = checkpoint
        self._imports = imports
        self._moments = moments
        self._modules = Modules(modules)
        self._checksums = Checksums(self._trouble, checkpoint, opener=opener, marks=marks)
        self._loaded: dict[str, Digest] = {}  # what this process runs
        self._paths: dict[str, None] = {}
        self._order: list[str] = []  # the paths, in the order in which they came
        self._entered: set[str] = set()  # tracked folders that are listened to
        self._deaf = False  # or of which some are not: events do not tell of them
        self._sources: dict[str, Source] = {}  # those not looked at yet
        self._expanded: set[str] = set()  # tracked paths that were looked at before
        self._differs: dict[str, Digest] = {}
        self._judged: dict[str, tuple[Digest, bool]] = {}  # whether it is the same program
        self._broken_off = False  # the last look did not come to its end
        self._odd: set[str] = set()  # Python sources that are not called so: WSGI scripts
        self.growing = True  # modules were imported just now, and more may follow
        self.unproven: list[str] = []  # of which no evidence says that it is what was loaded
        self._tracked: Tracked | None = None
        self._ignored: Callable[[str], bool] = lambda _: False
        if ignore:
            from wsgireload.detect.tracked import Ignored

            self._ignored = Ignored(ignore)

    def __len__(self) -> int:
        return len(self._paths)

    def paths(self) -> list[str]:
        """All that is watched, also while a look goes on in another thread."""
        return list(self._paths)

    def track(self, paths: Iterable[str]) -> None:
        """Track more files, folders or globs, from the next look on."""
        if self._tracked is None:  # who tracks nothing does without patterns, and without re
            from wsgireload.detect.tracked import Tracked

            self._tracked = Tracked(self._ignored, self._trouble, self.checkpoint, self._enter)
        self._tracked.add(paths)

    def concerns(self, path: str) -> bool:
        """Whether what happens to a path may be a change of something watched."""
        if path in self._paths or (self.events is not None and self.events.knows(path)):
            return True
        return self._tracked is not None and self._tracked.concern(path)

    def look(self, stirred: Collection[str] | None = None) -> dict[str, Digest]:
        """What differs now: path to the digest that it has on disk.

        `stirred` are the files and folders at which something may have happened, by all that is
        known; None is everywhere.
        """
        broken_off, self._broken_off = self._broken_off, True
        everywhere = stirred is None or broken_off or self.events is None or self.events.lost
        self._listen_again(stirred or ())
        round_over = self._sweep.round_over()
        fresh, before = self._imported(), len(self._paths)
        self._take_modules(thorough=round_over and self._sweep.tenth_round())
        self.growing = bool(fresh) or len(self._paths) > before
        fresh |= self._from_tracked(everywhere=everywhere or round_over, stirred=stirred or ())
        if broken_off:  # then what that look had found was not compared
            fresh |= self._paths.keys()
        paths = self._order if everywhere else self._worth_a_stat(fresh, stirred or ())
        self._unread.clear()
        self._compare_all(fresh | self._checksums.moved(paths, stirred or ()).keys())
        self._broken_off = False
        return dict(self._differs)

    def _listen_again(self, stirred: Iterable[str]) -> None:
        """Listen to what leads elsewhere by now: to all, or to what has become a link."""
        again: Iterable[str] = (path for path in stirred if path in self._paths)
        if self.events is not None and self.events.lost:
            self.events.listen_anew()
            self._entered, self._deaf = set(), False
            self._polled.clear()
            again = self._order
        for path in again:
            self._listen(path)

    def _listen(self, path: str) -> None:
        if self.events is not None and not self.events.listen(path):
            self._polled[path] = None

    def _worth_a_stat(self, fresh: Iterable[str], stirred: Iterable[str]) -> list[str]:
        """What may have changed, what has, what no event tells of, and those whose turn it is."""
        named = [path for path in stirred if path in self._paths]
        folders = tuple(_inside(path) for path in stirred if path not in self._paths)
        below = [path for path in self._order if path.startswith(folders)] if folders else ()
        due = self._sweep.due(self._order)
        told = (*named, *below, *fresh, *due)
        return list(dict.fromkeys((*told, *self._differs, *self._polled, *self._unread)))

    def _compare_all(self, paths: Iterable[str]) -> None:
        for path in paths:
            self._compare(path)

    def _compare(self, path: str) -> None:
        now = self._checksums.digest(path)
        if now is None:  # cannot be read; that was said
            return
        if path not in self._loaded:
            self._loaded[path] = self._first_seen(path, now)
        if now == self._loaded[path]:
            self._differs.pop(path, None)
            if self._programs is not None and self.is_python(path):
                self._programs.remember(path)
        elif self._programs is not None and self._is_same(self._programs, path, now):
            self._differs.pop(path, None)
        else:
            self._differs[path] = now

    def _is_same(self, programs: Programs, path: str, now: Digest) -> bool:
        """Whether it is the program that was loaded, in other words; asked once for each digest."""
        if self._judged.get(path, (b"", False))[0] != now:
            same = programs.same(path) if self.is_python(path) and now != MISSING else False
            self._judged[path] = (now, same)
        return self._judged[path][1]

    def is_python(self, path: str) -> bool:
        """Whether it has to compile."""
        return path.lower().endswith(PYTHON_SUFFIXES) or path in self._odd

    def kind(self, path: str) -> str:
        """What happened to a path that differs: modified, deleted or appeared."""
        if self._differs.get(path) == MISSING:
            return "deleted"
        return "appeared" if self._loaded[path] == MISSING else "modified"

    def _imported(self) -> set[str]:
        """What the imports since the last look really read."""
        seen = dict(self._imports.seen())
        for path, digest in seen.items():
            if not self._ignored(path):
                self._add(path)
                self._loaded[path] = digest
        return {path for path in seen if path in self._paths}

    def _take_modules(self, *, thorough: bool) -> None:
        """Watch what new modules came from: a few at a time, as their evidence is large."""
        fresh: list[str] = []
        for source in self._modules.new(thorough=thorough or self.events is None):
            if source.path not in self._paths and not self._ignored(source.path):
                self._add(source.path, python=source.python)
                self._sources[source.path] = source
                fresh.append(source.path)
            if len(self._sources) >= BATCH:
                self._checksums.moved(fresh)
                self._compare_all(fresh)
                fresh.clear()
        self._checksums.moved(fresh)
        self._compare_all(fresh)

    def _from_tracked(self, *, everywhere: bool, stirred: Iterable[str]) -> set[str]:
        fresh: set[str] = set()
        if self._tracked is None:
            return fresh
        if not everywhere and not any(map(self._tracked.concern, stirred)):
            everywhere = not self._expanded.issuperset(self._tracked)
            if not everywhere and not self._deaf:
                return fresh
        for tracked in self._tracked:
            for path in self._tracked.files(tracked):
                if path not in self._paths:
                    self._add(path)
                    fresh.add(path)
                    if tracked in self._expanded:
                        self._loaded[path] = MISSING  # it was not there before
            self._expanded.add(tracked)
        return fresh

    def _enter(self, folder: str) -> None:
        """Hear of all that comes into a tracked folder, from before it is looked into."""
        if self.events is not None and folder not in self._entered:
            self._entered.add(folder)
            self._deaf = not self.events.listen_in(folder) or self._deaf

    def _add(self, path: str, *, python: bool = False) -> None:
        if path not in self._paths:
            self._paths[path] = None
            self._order.append(path)
            self._listen(path)
        if python and not path.lower().endswith(PYTHON_SUFFIXES):
            self._odd.add(path)

    def _first_seen(self, path: str, now: Digest) -> Digest:
        """What was loaded of a file that is looked at for the first time."""
        source = self._sources.pop(path, None)
        if source is None or now == MISSING:
            return now
        same = loaded.still_on_disk(
            path,
            changed=self._checksums.changed(path),
            absent=self._moments.absent(source.module),
            cached=source.cached,
            loaded_mtime=source.loaded_mtime,
        )
        if same is None:
            self.unproven.append(path)
        return UNLIKE_ANY if same is False else now

    def _trouble(self, path: str, error: OSError) -> None:
        """Say once what cannot be watched; it counts as unchanged until it can be read."""
        if path in self._paths:
            self._unread[path] = None
        why = error.strerror or str(error)
        if error.errno in USED_UP:
            self._log.say_once(Word.WATCHING, f"nothing can be read for now: {why}")
        else:
            text = f"{shown(path)} cannot be read and is left out: {why}"
            self._log.say_once(Word.WATCHING, text)


def _inside(folder: str) -> str:
    return folder.rstrip(os.sep) + os.sep
