"""What events missed: everything is looked at now and then, a few files at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

ROUND = 30.0  # seconds in which everything is looked at once, whatever events tell
MOST = 3_000  # files in that time: where there are more, a round takes longer, but no more CPU
PAUSE = 5.0  # seconds between two shares of it: many at once cost less than each by itself


class Sweep:
    """Goes round all that is watched, a few at a time: so what no event told of is found."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = clock()
        self._at = 0
        self._began = self._last
        self._rounds = 0

    def due(self, paths: Sequence[str]) -> Sequence[str]:
        """Those whose turn it is."""
        now, most = self._clock(), min(len(paths), MOST)
        if now - self._last < PAUSE:
            return ()
        passed = min(now - self._last, ROUND)
        count = int(passed / ROUND * most)
        if not count:
            return ()
        self._last = now - passed + count * ROUND / most  # a part of a file's time is kept
        first = self._at if self._at < len(paths) else 0
        due = [*paths[first : first + count]]
        due += paths[: count - len(due)]  # and the next round begins
        self._at = (first + count) % len(paths)
        return due

    def round_over(self) -> bool:
        """Whether it is time again for what is done once in a round."""
        over = self._clock() - self._began >= ROUND
        if over:
            self._began = self._clock()
            self._rounds += 1
        return over

    def tenth_round(self) -> bool:
        """Whether this round is one for what costs more the more modules there are."""
        return self._rounds % 10 == 0
