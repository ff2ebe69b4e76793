"""What events missed: everything is looked at now and then, a few files at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

ROUND = 30.0  # seconds in which everything is looked at once, whatever events tell
MOST = 3_000  # files in that time: where there are more, a round takes longer, but no more CPU


class Sweep:
    """Goes round all that is watched, a few at a time: so what no event told of is found."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = clock()
        self._at = 0
        self._began = self._last

    def due(self, paths: Sequence[str]) -> Sequence[str]:
        """Those whose turn it is."""
        now = self._clock()
        share = min((now - self._last) / ROUND, 1.0)
        count = int(share * min(len(paths), MOST))
        if not count:
            return ()
        self._last = now
        first, self._at = self._at, self._at + count
        if self._at >= len(paths):
            self._at = 0
        return paths[first : first + count]

    def round_over(self) -> bool:
        """Whether it is time again for what is done once in a round."""
        over = self._clock() - self._began >= ROUND
        if over:
            self._began = self._clock()
        return over
