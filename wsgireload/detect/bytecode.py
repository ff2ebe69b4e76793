"""Is it another program? Comments, blank lines and layout do not count where that is asked for.

The program that runs lies in Python's bytecode cache: that of the source which was loaded, by the
time and size in its header. Without such a cache every other byte counts.
"""

from __future__ import annotations

import marshal
import os
from types import CodeType

from wsgireload.detect.baseline import HEADER, stamp
from wsgireload.server.files import content


class Programs:
    """Remembers which source each program was loaded from."""

    def __init__(self) -> None:
        self._stamps: dict[str, bytes] = {}

    def remember(self, path: str) -> None:
        """The file on disk is the one that was loaded."""
        if path not in self._stamps:
            try:
                self._stamps[path] = stamp(os.stat(path))
            except OSError:  # it is gone by now: then nothing is known of it
                return

    def same(self, path: str) -> bool:
        """Whether the source on disk is the same program as the one that was loaded."""
        loaded = self._cached(path)
        if loaded is None:
            return False
        try:
            now = compile(content(path), path, "exec", dont_inherit=True)
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            return False
        return _essence(loaded) == _essence(now)

    def _cached(self, path: str) -> CodeType | None:
        """The program that was loaded; None where the cache is not of that source."""
        import importlib.util

        try:
            cache = content(importlib.util.cache_from_source(path))
            header, bytecode = cache[:HEADER], cache[HEADER:]
            if header[:8] != importlib.util.MAGIC_NUMBER + bytes(4):
                return None
            found = marshal.loads(bytecode) if header[8:] == self._stamps.get(path) else None
        except (OSError, NotImplementedError, EOFError, ValueError, TypeError):
            return None
        return found if isinstance(found, CodeType) else None


def _essence(code: CodeType) -> tuple[object, ...]:
    """All of a program but where its lines stand in the source."""
    constants = [_essence(each) if isinstance(each, CodeType) else each for each in code.co_consts]
    return (
        code.co_code,
        [(type(each), repr(each)) for each in constants],  # 1, 1.0 and True are not the same
        (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars),
        (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags),
        (code.co_name, code.co_qualname, code.co_exceptiontable),
    )
