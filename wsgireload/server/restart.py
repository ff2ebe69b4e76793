"""The restart that fits the server, and whether the server has taken it up."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable

from wsgireload.errors import NativeError
from wsgireload.server import native

# Seconds: a process that still serves so long after it was replaced is stuck. Apache lets an old
# child serve for its Timeout, which is 60 by default and 300 with XAMPP.
SERVING = 600
TAKEN_UP = 30.0  # seconds in which a server has acted upon a request to restart
SELDOM = 3600.0  # else it is requested again, at growing intervals of at most this


class Restart:
    """Requests that this process is replaced. `clock` is monotonic.

    `linger`: on Windows, seconds until this process is ended after it has finished serving; 0 for
    never, and everywhere else.
    """

    def __init__(self, linger: float, clock: Callable[[], float]) -> None:
        self._linger = math.ceil(linger)
        self._clock = clock
        self._requested_at: float | None = None
        self._grace = TAKEN_UP
        self._was_first = False

    @property
    def requested(self) -> bool:
        """Whether a restart was requested and may still come."""
        return self._requested_at is not None

    def left(self) -> float:
        """Seconds that the server still has to act; 0.0 where it did not."""
        at = self._clock() if self._requested_at is None else self._requested_at
        return max(0.0, at + self._grace - self._clock())

    def request(self) -> bool:
        """Have the server replace this process with one that loads the new code.

        False: another interpreter of this process has requested it before. NativeError names the
        call that failed.
        """
        self._requested_at = self._clock()  # before the signal, whose effects may come at once
        try:
            self._was_first = native.restart()
        except Exception:
            self._requested_at = None
            raise
        if self._was_first:
            self._leave_within(SERVING + self._linger)
        return self._was_first

    def give_up(self) -> float:
        """Allow another request, as the server did not act; returns the seconds it had."""
        waited, self._grace = self._grace, min(2 * self._grace, SELDOM)
        self._requested_at = None
        if self._was_first:  # only the interpreter that made the request repeats it
            native.rearm()
        return waited

    def reset(self) -> None:
        """Give the next request its full time again: there is nothing to restart for."""
        self._grace = TAKEN_UP

    def leaving(self) -> None:
        """Note that this process has finished serving, and has only to end."""
        # Also where Apache's own `-k restart` replaces it: that leaves stuck children behind too.
        self._leave_within(self._linger)

    def _leave_within(self, seconds: int) -> None:
        if self._linger:
            with contextlib.suppress(NativeError):  # the restart itself is on its way all the same
                native.linger(seconds)
