"""The restart that fits the server, and whether the server has taken it up.

mod_wsgi ends a daemon process on SIGINT and on SIGTERM. A library may have taken one of them for
itself, as a JVM does, and a service script notices SIGTERM alone. So the signal that mod_wsgi
handles is sent first, and the other one where nothing comes of it.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence

from wsgireload.errors import NativeError
from wsgireload.server import native
from wsgireload.server.detection import Server
from wsgireload.threads import time

# Seconds: a process that still serves so long after it was replaced is stuck. Apache lets an old
# child serve for its Timeout, which is 60 by default and 300 with XAMPP.
SERVING = 600
REJECTED = 5.0  # seconds in which a process ends that has rejected a request
TAKEN_UP = 30.0  # seconds in which a server has acted upon a request to restart
SELDOM = 3600.0  # else it is requested again, at growing intervals of at most this


class Restart:
    """Requests that this process is replaced. `clock` is monotonic.

    `linger`: on Windows, seconds until this process is ended after it has finished serving; 0 for
    never, and everywhere else. `signals`: those that may end this process, the likelier one first;
    none on Windows.
    """

    def __init__(
        self, linger: float, clock: Callable[[], float], signals: Sequence[str] = ()
    ) -> None:
        self._linger = math.ceil(linger)
        self._clock = clock
        self._signals = signals
        self._requested_at: float | None = None
        self._grace = TAKEN_UP
        self._was_first = False
        self._rejected_at: float | None = None
        self._in_vain = 0  # requests on which the server did not act
        self.signal = ""  # that the latest request sent

    @classmethod
    def of(cls, server: Server, linger: float) -> Restart:
        """The one that fits a server."""
        if server.kind == "windows":
            return cls(linger, time.monotonic)
        # In a service script mod_wsgi waits for no signal, but has Python raise SystemExit.
        signals = ("SIGTERM", "SIGINT") if server.is_service else ("SIGINT", "SIGTERM")
        return cls(0.0, time.monotonic, signals)

    @property
    def requested(self) -> bool:
        """Whether a restart was requested and may still come."""
        return self._requested_at is not None

    def left(self) -> float:
        """Seconds that the server still has to act; 0.0 where it did not."""
        at = self._clock() if self._requested_at is None else self._requested_at
        left = max(0.0, at + self._grace - self._clock())
        # On Windows an old child serves its requests for as long as they take.
        return left or (TAKEN_UP if native.is_replaced() else 0.0)

    @property
    def follows_rejection(self) -> bool:
        """Whether this process is replaced if mod_wsgi rejects a request; called in its thread.

        mod_wsgi then sends SIGINT, and takes no other request, also where SIGINT has no effect.
        """
        return not self._in_vain and "SIGINT" not in native.taken()

    def rejects(self) -> None:
        if self._rejected_at is None:
            self._rejected_at = self._clock()

    @property
    def has_rejected(self) -> bool:
        return self._rejected_at is not None

    @property
    def is_closed(self) -> bool:
        """Whether this process has rejected a request, and goes on without answering any other."""
        return self._rejected_at is not None and self._clock() - self._rejected_at > REJECTED

    def next_signal(self) -> str:
        """Return the signal that the next request sends; "" on Windows."""
        if not self._signals:
            return ""
        no_sigint = native.taken() == {"SIGINT"} or self.is_closed
        signals = ("SIGTERM", "SIGINT") if no_sigint else self._signals
        return signals[self._in_vain % 2]

    def request(self) -> bool:
        """Have the server replace this process with one that loads the new code.

        False: another interpreter of this process has requested it before. NativeError names the
        call that failed.
        """
        self._requested_at = self._clock()  # before the signal, whose effects may come at once
        self.signal = self.next_signal()
        send = native.terminate if self.signal == "SIGTERM" else native.restart
        try:
            self._was_first = send()
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
        self._in_vain += 1
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
