"""Python's bytecode caches: stale ones, and the evidence that a cache gives of loaded code.

A cache names its source by size and by mtime in whole seconds (PEP 552). So two texts of the same
size that were written within one second have the same cache, as far as Python can see.
"""

from __future__ import annotations

import _imp
import contextlib
import errno
import marshal
import os
import sys
from collections.abc import Iterable, Iterator
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from types import CodeType

from wsgireload.detect.digest import changed_ns
from wsgireload.server.files import beginning, content

HEADER = 16  # bytes: magic number, flags, stamp or hash of the source
BY_STAMP = MAGIC_NUMBER + bytes(4)  # how the usual cache begins
MOST_COMPILED = 200_000  # bytes of a source: compiling it stops this whole process for 0.15 s
PAGE = 512  # bytes; most file systems have larger pages
RACY = 2.0  # seconds in which a source is read, compiled, and its bytecode written


def stamp(found: os.stat_result) -> bytes:
    """A source as the header of its cache names it: mtime in seconds and size, 32 bits each."""
    words = (int(found.st_mtime), found.st_size)
    return b"".join((word & 0xFFFFFFFF).to_bytes(4, "little") for word in words)


def distrust(source: str, cache: str | None, found: os.stat_result | None = None) -> None:
    """Before an import, remove a cache that does not load, or may be of an earlier text.

    `found` is the stat of the source, where the caller has it already.

    Another process may have compiled an earlier text of the same second, and have written its
    cache after the later text was saved. A cache that was written well after that second is valid,
    as is one that was made before a restart, and one that Python would not write again stays.

    On a full disk some Pythons write the beginning of a cache, in whole pages, and then cannot
    import its source any more.
    """
    if cache is None or source.lower().endswith(".pyc"):  # a module that is bytecode alone
        return
    with contextlib.suppress(OSError, ValueError, NotImplementedError):  # there may be none
        kept = os.stat(cache)
        if kept.st_size % PAGE == 0 and _program(content(cache)[HEADER:]) is None:
            os.remove(cache)
            return
        found = found or os.stat(source)
        # Some archives and clocks give a source a time that is yet to come.
        racy = kept.st_ctime < min(int(found.st_mtime), changed_ns(found) / 1e9) + RACY
        racy = racy and not sys.dont_write_bytecode and not _is_made_ahead(cache, source)
        if racy and beginning(cache, 8) == BY_STAMP:
            os.remove(cache)


def freshen(sources: Iterable[str]) -> list[str]:
    """Before a restart, remove the caches that Python would take for those of changed sources.

    Returns the caches that remain for which the new process would run old code: those that could
    not be removed, and those that say of themselves that no source is to be compared with them.
    """
    stuck = []
    for source in sources:
        with contextlib.suppress(OSError, NotImplementedError):  # it is gone, as with a module
            used = cache_from_source(source)
            remain = [cache for cache in _caches(source, used) if _remains(cache, source)]
            stuck += [cache for cache in remain if cache == used]
    return stuck


def _caches(source: str, used: str) -> Iterator[str]:
    """All caches of a source for this Python: of any optimization, and those of import hooks.

    `used` is the one that Python goes by. Import hooks (typeguard, beartype, pytest) add a tag of
    their own. A process that has set a prefix for its caches began without it.
    """
    name = os.path.basename(used).removesuffix(".pyc").partition(".opt-")[0]
    for folder in {os.path.dirname(used), os.path.join(os.path.dirname(source), "__pycache__")}:
        with contextlib.suppress(OSError):  # there is none
            for entry in os.listdir(folder):
                if entry.startswith(name) and entry.endswith(".pyc"):
                    yield os.path.join(folder, entry)


def _remains(cache: str, source: str) -> bool:
    """Remove a cache that Python would take for that of a changed source; True if it stays."""
    try:
        read = content(cache)
    except OSError:
        return False  # Python cannot read it either, and compiles the source
    if read[:8] != BY_STAMP:
        return _is_unchecked(read) and read[8:HEADER] != source_hash(content(source))
    if read[8:HEADER] != stamp(os.stat(source)) or _is_made_ahead(cache, source):
        return False
    if sys.dont_write_bytecode and _younger(cache, source):
        return False  # nobody would write it again
    try:
        os.remove(cache)
    except FileNotFoundError:
        return False
    except OSError:
        return not _younger(cache, source)
    return False


def _is_made_ahead(cache: str, source: str) -> bool:
    """Whether decide/compile_sources.py has made a cache of the source as it is now.

    It has the very time of its source then, in nanoseconds, and was written later.
    """
    try:
        return os.stat(cache).st_mtime_ns == os.stat(source).st_mtime_ns and _younger(cache, source)
    except OSError:
        return False


def _is_unchecked(read: bytes) -> bool:
    """Whether Python never compares a cache with its source (PEP 552)."""
    if read[:4] != MAGIC_NUMBER or len(read) < HEADER:
        return False
    policy, flags = _imp.check_hash_based_pycs, read[4]
    return bool(flags & 1) and policy != "always" and (policy == "never" or not flags & 2)


def _younger(cache: str, source: str) -> bool:
    """Whether a cache is of the new source already: pip compiles the files that it installs."""
    try:
        return changed_ns(os.stat(cache)) > changed_ns(os.stat(source))
    except OSError:
        return False


def is_source_of(path: str, found: os.stat_result, cache: str) -> bool | None:
    """Whether a source, with this stat, is the one that a cache was compiled from.

    None if the cache proves nothing: it is damaged, of another version, by a hash of the source, or
    this process could not write it.
    """
    try:
        written = os.stat(cache).st_ctime
        header = beginning(cache, HEADER)
    except OSError:
        return None
    if header[:8] != BY_STAMP:
        return None
    equal = header[8:] == stamp(found)
    if equal and found.st_ctime < written:  # the source has not changed since it was compiled
        return True
    if sys.dont_write_bytecode or not os.access(os.path.dirname(cache), os.W_OK | os.X_OK):
        return True if equal else None
    try:
        read = content(cache)
        program = _program(read[HEADER:]) if read[:HEADER] == header else None
        return None if program is None else program == _compiled(path)
    except OSError:
        return None


def _program(code: bytes) -> CodeType | None:
    """The program in a cache; None if it is damaged."""
    try:
        found = marshal.loads(code)
    except Exception:  # of any kind: SystemError and MemoryError as well
        return None
    return found if isinstance(found, CodeType) else None


def fault_of(path: str) -> str | None:
    """Why a module without a source could not be loaded; None if it can, or is missing."""
    try:
        read = content(path)
    except OSError:
        return None
    if read[:4] != MAGIC_NUMBER:
        return "no bytecode of this version of Python"
    return "damaged bytecode" if _program(read[HEADER:]) is None else None


def _compiled(source: str) -> CodeType | None:
    """The program on disk; None if it does not compile. OSError: unreadable or large."""
    text = content(source)
    if len(text) > MOST_COMPILED:
        raise OSError(errno.EFBIG, "too large to compile", source)
    try:
        return compile(text, source, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
