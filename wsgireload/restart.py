"""How: the restart that fits the server, and what has to be out of its way."""

from __future__ import annotations

import os
from collections.abc import Iterable

from wsgireload import native
from wsgireload.loaded import HEADER, stamp


def ask() -> bool:
    """Have the server replace this process with one that loads the new code.

    True: asked just now; False: it was asked before, by another interpreter of this process.
    NativeError names the call that failed.
    """
    return native.restart()


def ask_again() -> None:
    """Let `ask` ask once more: the server did not take the restart up."""
    native.rearm()


def freshen(sources: Iterable[str]) -> list[str]:
    """Remove bytecode that would pass for the new source: same size, same second, other text.

    Returns the caches that could not be removed, from which the old code will run again.
    """
    import importlib.util

    stuck = []
    for source in sources:
        for optimization in ("", 1, 2):
            cache = importlib.util.cache_from_source(source, optimization=optimization)
            try:
                with open(cache, "rb") as file:
                    claimed = file.read(HEADER)[8:]
                if claimed == stamp(os.stat(source)):
                    os.remove(cache)
            except FileNotFoundError:
                continue
            except OSError:
                stuck.append(cache)
    return stuck
