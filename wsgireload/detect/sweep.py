"""A slow scan of everything, a few files at a time, which finds what events have missed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

ROUND = 30.0  # seconds in which every file is scanned once, whatever the events are
MOST = 3_000  # files in that time: with more, a round takes longer, but no more CPU
PAUSE = 5.0  # seconds between two shares: several files at once cost less than one at a time


class Sweep:
    """Goes through all paths, again and again, a share at a time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = clock()
        self._at = 0
        self._began = self._last
        self._rounds = 0

    def due(self, paths: Sequence[str]) -> Sequence[str]:
        now, most = self._clock(), min(len(paths), MOST)
        if now - self._last < PAUSE:
            return ()
        passed = min(now - self._last, ROUND)
        count = int(passed / ROUND * most)
        if not count:
            return ()
        self._last = now - passed + count * ROUND / most  # keeps the time of a part of a file
        first = self._at if self._at < len(paths) else 0
        due = [*paths[first : first + count]]
        due += paths[: count - len(due)]  # the next round begins
        self._at = (first + count) % len(paths)
        return due

    def round_over(self) -> bool:
        over = self._clock() - self._began >= ROUND
        if over:
            self._began = self._clock()
            self._rounds += 1
        return over

    def tenth_round(self) -> bool:
        """Whether this round includes the work that grows with the number of modules."""
        return self._rounds % 10 == 0
