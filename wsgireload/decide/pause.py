"""While a person has paused an application, its changes are held: a deployment or a rebase runs."""

from __future__ import annotations

from collections.abc import Callable

from wsgireload.changes import Changes
from wsgireload.decide.verdict import GO, NEVER, Gate, Hold, Verdict
from wsgireload.state.pause import Pause
from wsgireload.threads import time


class Paused(Gate):
    """Holds every restart but one that is requested by hand meanwhile.

    After `refresh`: `until` is the end of the pause, in seconds since 1970, None without one, and
    `left` the seconds until then, infinite without one. It ends when the wall clock shows that
    time, and at the latest after as many seconds as it had left when it was noticed. So a wall
    clock that is set back does not prolong it.
    """

    def __init__(
        self,
        read: Callable[[], Pause | None],
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        """`read` returns the pause; `clock` is monotonic, `wall` shows seconds since 1970."""
        self._read = read
        self._clock = clock
        self._wall = wall
        self._known: Pause | None = None
        self._end = 0.0  # of the monotonic clock
        self._was_requested = False  # a restart by hand, before the pause
        self.until: float | None = None
        self.left = NEVER

    def refresh(self) -> None:
        """Notice a pause that has begun, has been changed, or is over."""
        known, now, wall = self._read(), self._clock(), self._wall()
        if known != self._known:
            self._known, self._end = known, now + (known.left(wall) if known else 0.0)
        left = min(self._end - now, known.until - wall) if known else 0.0
        self.until, self.left = (known.until, left) if known and left > 0 else (None, NEVER)

    def check(self, changes: Changes) -> Verdict:
        if self.until is None:
            self._was_requested = changes.by_hand
        if self.until is None or (changes.by_hand and not self._was_requested):
            return GO
        end = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.until))
        return Hold(f"paused until {end}; `wsgireload resume` ends it")

    def reset(self) -> None:
        self._was_requested = False
