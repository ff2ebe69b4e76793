"""What is watched, and which of it differs from what this process loaded."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence

from wsgireload import loaded
from wsgireload.checksums import MISSING, Checksums, Digest, digest_of, open_plainly
from wsgireload.log import Log, Word, shown
from wsgireload.sources import PYTHON_SUFFIXES, Modules, Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wsgireload.tracked import Tracked

UNLIKE_ANY: Digest = b"not what is on disk"
NOTED_BYTES = 1 << 20  # a larger file is not read while the application waits for its import


def note(path: str, opener: Callable[[str], int] = open_plainly) -> Digest | None:
    """The digest of a file that is about to be imported; None where that costs too much."""
    try:
        found = os.stat(path)
        small = found.st_size <= NOTED_BYTES
        return digest_of(path, found=found, opener=opener)[1] if small else None
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
        modules: Mapping[str, object] | None = None,
        opener: Callable[[str], int] = open_plainly,
    ) -> None:
        self._log = log
        self.checkpoint = checkpoint
        self._imports = imports
        self._moments = moments
        self._modules = Modules(modules)
        self._checksums = Checksums(self._trouble, checkpoint, opener=opener)
        self._loaded: dict[str, Digest] = {}  # what this process runs
        self._paths: dict[str, None] = {}  # in the order in which they came
        self._sources: dict[str, Source] = {}  # those not looked at yet
        self._expanded: set[str] = set()  # tracked paths that were looked at before
        self._differs: dict[str, Digest] = {}
        self._broken_off = False  # the last look did not come to its end
        self.python: set[str] = set()  # what has to compile
        self.unproven: list[str] = []  # of which no evidence says that it is what was loaded
        self._tracked: Tracked | None = None
        self._ignored: Callable[[str], bool] = lambda _: False
        if ignore:
            from wsgireload.tracked import Ignored

            self._ignored = Ignored(ignore)

    def __len__(self) -> int:
        return len(self._paths)

    def track(self, paths: Iterable[str]) -> None:
        """Track more files, folders or globs, from the next look on."""
        if self._tracked is None:  # who tracks nothing does without patterns, and without re
            from wsgireload.tracked import Tracked

            self._tracked = Tracked(self._ignored, self._trouble, self.checkpoint)
        self._tracked.add(paths)

    def look(self) -> dict[str, Digest]:
        """What differs now: path to the digest that it has on disk."""
        broken_off, self._broken_off = self._broken_off, True
        fresh = self._imported() | self._from_modules() | self._from_tracked()
        if broken_off:  # then what that look had found was not compared
            fresh |= self._paths.keys()
        moved = self._checksums.moved(self._paths)
        for path in fresh | moved.keys():
            self._compare(path)
        self._broken_off = False
        return dict(self._differs)

    def _compare(self, path: str) -> None:
        now = self._checksums.digest(path)
        if now is None:  # cannot be read; that was said
            return
        if path not in self._loaded:
            self._loaded[path] = self._first_seen(path, now)
        if now != self._loaded[path]:
            self._differs[path] = now
        else:
            self._differs.pop(path, None)

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

    def _from_modules(self) -> set[str]:
        fresh = set()
        for source in self._modules.new():
            if source.path not in self._paths and not self._ignored(source.path):
                self._add(source.path, python=source.python)
                self._sources[source.path] = source
                fresh.add(source.path)
        return fresh

    def _from_tracked(self) -> set[str]:
        fresh: set[str] = set()
        if self._tracked is None:
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

    def _add(self, path: str, *, python: bool = False) -> None:
        self._paths[path] = None
        if python or path.lower().endswith(PYTHON_SUFFIXES):
            self.python.add(path)

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
        why = error.strerror or str(error)
        self._log.say_once(Word.WATCHING, f"{shown(path)} cannot be read and is left out: {why}")
