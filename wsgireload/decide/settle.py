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

    def left(
        self,
        changes: Mapping[str, bytes],
        now: float,
        last: float | None = None,
        *,
        patient: bool = False,
    ) -> float:
        """Seconds until writing counts as over, 0.0 when it does.

        `changes` is what differs now, path to digest; `now` is monotonic, and so is `last`, when
        they are known to have happened. `patient` waits for the bound, whatever is quiet: for what
        looks unfinished.
        """
        if changes != self._changes:
            self._last = now if last is None else last
            self._first = self._last if self._decided else self._first
            self._changes, self._decided = dict(changes), False
        quiet = self.bound if patient else self.quiet
        return max(0.0, min(self._last + quiet, self._first + self.bound) - now)

    def decided(self) -> None:
        """These changes were decided upon: a further one begins anew."""
        self._decided = True
