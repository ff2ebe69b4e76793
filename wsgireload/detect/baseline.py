"""What was really loaded: is a file on disk still the one that this process runs?

Asked once for each file, at the first look at it. Evidence, best first:

1. we saw the file as it was imported (`Imports`, from `start()` on);
2. its ctime is older than a moment at which the module was known not to be loaded;
3. mod_wsgi noted the script's mtime, or Python's own bytecode cache, which this process could
   write, says from which size and mtime of the source it was compiled.

Without evidence the answer is None, and then nothing may restart.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType

from wsgireload.server.files import content

GRAIN = 0.05  # seconds: file times come from a coarser clock than time.time(), 10 ms behind at most
RACY = 2.0  # seconds in which a source is read, compiled, and its bytecode written
HEADER = 16  # bytes: magic, flags, then mtime and size, or a hash (PEP 552)
FINDING = {"find_spec", "_find_spec"}
IMPORTING = {"_find_and_load_unlocked", "reload"}  # who in importlib asks in order to load


class Imports:
    """A finder that finds nothing new: it notes what the others find, as it is being imported.

    So it also knows the files of modules whose import failed.
    """

    def __init__(self, digest: Callable[[str], bytes | None]) -> None:
        self._digest = digest
        self._seen: deque[tuple[str, bytes]] = deque()

    def install(self) -> None:
        """Stand before all other finders."""
        # Once before that: what a digest itself imports, such as the codec of Windows' paths, would
        # else be digested as it is imported, for which it would be imported, and so on.
        self._digest(__file__)
        sys.meta_path.insert(0, self)

    def remove(self) -> None:
        """Stand there no longer."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What the finders after us find; its file is noted if it is about to be loaded."""
        finders = list(sys.meta_path)
        for finder in finders[finders.index(self) + 1 :] if self in finders else ():
            find = getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find is not None else None
            if spec is not None:
                with contextlib.suppress(Exception):  # no import fails because of us
                    if spec.has_location and isinstance(spec.origin, str) and _importing():
                        self._note(os.path.abspath(spec.origin))
                return spec  # type: ignore[no-any-return]
        return None

    def seen(self) -> Iterator[tuple[str, bytes]]:
        """Path and digest of what was imported since the last call, oldest first."""
        while self._seen:
            yield self._seen.popleft()

    def _note(self, path: str) -> None:
        digest = self._digest(path)
        if digest is not None:
            self._seen.append((path, digest))


def _importing() -> bool:
    """Whether our finder was asked in order to load, and not by a mere find_spec()."""
    frame = sys._getframe(1).f_back
    while frame is not None and frame.f_code.co_name in FINDING:
        frame = frame.f_back
    return frame is not None and frame.f_code.co_name in IMPORTING


class Moments:
    """Up to when a module was known not to be loaded (wall clock, seconds since the epoch)."""

    def __init__(self, process_started: float | None) -> None:
        self._now = time.time()  # before the names: what is imported in between counts as loaded
        self._names = frozenset(sys.modules)
        self._process_started = process_started or 0.0

    def absent(self, module: str) -> float:
        """The last moment known; 0.0 where none is."""
        return self._process_started if module in self._names else self._now


def process_started(pid: int | str = "self") -> float | None:
    """When a process began (wall clock, seconds); None where the system does not tell.

    From field 22 of /proc/self/stat, in clock ticks since boot: proc(5).
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            ticks = int(file.read().rpartition(b")")[2].split()[19])
        since_boot = ticks / os.sysconf("SC_CLK_TCK")
        return time.time() - (time.clock_gettime(time.CLOCK_BOOTTIME) - since_boot)
    except (OSError, ValueError, IndexError, AttributeError):
        return None


def still_on_disk(
    path: str, *, changed: float, absent: float, cached: str | None, loaded_mtime: int | None
) -> bool | None:
    """Whether the file on disk is the one that was loaded; None without evidence.

    `changed` is its ctime, `absent` a moment at which it was not loaded yet (see `Moments`),
    `cached` where Python keeps its bytecode, `loaded_mtime` the mtime that mod_wsgi noted, in
    microseconds.
    """
    if changed < absent - GRAIN:
        return True
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    if loaded_mtime is not None:
        return loaded_mtime == found.st_mtime_ns // 1000
    return _as_cached(path, found, cached) if cached else None


def _as_cached(path: str, found: os.stat_result, cached: str) -> bool | None:
    """What the bytecode cache says. A cache that this process could not write proves nothing."""
    try:
        written = os.stat(cached).st_ctime
        cache = content(cached)
    except OSError:
        return None
    import importlib.util

    header, bytecode = cache[:HEADER], cache[HEADER:]
    if header[:4] != importlib.util.MAGIC_NUMBER or header[4:8] != bytes(4):
        return None  # another Python's, or made to be trusted whatever the source says (PEP 552)
    equal = header[8:] == stamp(found)
    if equal and found.st_ctime < written:  # the source has not changed since it was compiled
        return True
    if sys.dont_write_bytecode or not os.access(os.path.dirname(cached), os.W_OK | os.X_OK):
        return True if equal else None
    # An equal header alone is not enough: two edits within one second may have the same size.
    return _same_program(path, bytecode)


def stamp(found: os.stat_result) -> bytes:
    """How a cache's header names its source: mtime in whole seconds and size, 32 bits each."""
    words = (int(found.st_mtime), found.st_size)
    return b"".join((word & 0xFFFFFFFF).to_bytes(4, "little") for word in words)


def distrust(path: str) -> None:
    """Remove bytecode that may be of an earlier text of a source that is about to be imported.

    Its header names the size, and the second in which the source was written, and not which of two
    texts of one second: another process may have compiled the one before, and have written that
    down after the later one was saved. What was written well after that second is of the last.
    """
    import importlib.util

    with contextlib.suppress(OSError, ValueError):  # there is none, or it is not ours to remove
        cache = importlib.util.cache_from_source(path)
        if os.stat(cache).st_ctime < int(os.stat(path).st_mtime) + RACY:
            os.remove(cache)


def _same_program(path: str, bytecode: bytes) -> bool | None:
    """Whether a source that was only touched, or written again, is the program of its cache.

    None where the cache is damaged.
    """
    try:
        cached = marshal.loads(bytecode)
        source = content(path)
    except (OSError, EOFError, ValueError, TypeError):
        return None
    if not isinstance(cached, CodeType):
        return None
    try:
        return cached == compile(source, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
