"""Is writing over? Quiet time, with an upper bound."""

from __future__ import annotations

from collections.abc import Mapping


class Settle:
    """Watches the changes themselves: as long as they go on changing, somebody is still writing."""

    def __init__(self, quiet: float) -> None:
        """`quiet`: seconds without a further change; waits 20 times that or 5 s at most."""
        self.quiet = quiet
        self.bound = max(20 * quiet, 5.0)
        self._changes: dict[str, bytes] = {}
        self._first = self._last = 0.0
        self._decided = True

    def left(self, changes: Mapping[str, bytes], now: float, *, patient: bool = False) -> float:
        """Seconds until writing counts as over, 0.0 when it does.

        `changes` is what differs now, path to digest; `now` is monotonic. `patient` waits for the
        bound, whatever is quiet: for what looks unfinished.
        """
        if changes != self._changes:
            self._first = now if self._decided else self._first
            self._changes, self._last, self._decided = dict(changes), now, False
        quiet = self.bound if patient else self.quiet
        return max(0.0, min(self._last + quiet, self._first + self.bound) - now)

    def decided(self) -> None:
        """These changes were decided upon: a further one begins anew."""
        self._decided = True
