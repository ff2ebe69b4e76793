"""How: the restart that fits the server, and what has to be out of its way."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterable

from wsgireload.detect.baseline import HEADER, stamp
from wsgireload.detect.digests import changed_ns
from wsgireload.errors import NativeError
from wsgireload.server import native
from wsgireload.server.files import content

# Seconds: what still serves so long after it was replaced is stuck. Apache lets an old child serve
# for its Timeout, which is 60 by default and 300 with XAMPP.
SERVING = 600


class Restart:
    """Asks this process's server. `linger`: on Windows, seconds after which this process is ended
    if it is still there, though it has finished serving; 0 for never, and everywhere else.
    """

    def __init__(self, linger: float = 0.0) -> None:
        self._linger = math.ceil(linger)

    def ask(self) -> bool:
        """Have the server replace this process with one that loads the new code.

        True: asked just now; False: it was asked before, by another interpreter of this process.
        NativeError names the call that failed.
        """
        asked = native.restart()
        if asked:
            self._leave_within(SERVING + self._linger)
        return asked

    def leaving(self) -> None:
        """Say that this process has finished serving, and has only to end.

        Whoever asked for that: Apache's own `-k restart` leaves stuck children behind as well.
        """
        self._leave_within(self._linger)

    def _leave_within(self, seconds: int) -> None:
        if self._linger:
            with contextlib.suppress(NativeError):  # what was asked for is on its way all the same
                native.linger(seconds)

    def ask_again(self) -> None:
        """Let `ask` ask once more: the server did not take the restart up."""
        native.rearm()

    def freshen(self, sources: Iterable[str]) -> list[str]:
        """As the function: see there."""
        return freshen(sources)


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
                if content(cache)[8:HEADER] == stamp(os.stat(source)):
                    os.remove(cache)
            except FileNotFoundError:
                continue
            except OSError:
                if not _younger(cache, source):
                    stuck.append(cache)
    return stuck


def _younger(cache: str, source: str) -> bool:
    """Whether bytecode is of the new source already: pip compiles what it has installed."""
    try:
        return changed_ns(os.stat(cache)) > changed_ns(os.stat(source))
    except OSError:
        return False
