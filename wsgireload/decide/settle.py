"""Has writing ended? Quiet time since the last change, with an upper bound for a burst."""

from __future__ import annotations

from collections.abc import Callable

from wsgireload.changes import Change, Changes
from wsgireload.decide.verdict import GO, Gate, Verdict, Wait


class Settle(Gate):
    """Waits until nothing has changed for `quiet` seconds; `clock` is monotonic.

    A burst is waited out for 20 times that, or 5 s if that is longer: writing may go on for ever.
    A source that is missing or empty is awaited as long: most likely it is about to be written.
    """

    def __init__(self, quiet: float, clock: Callable[[], float]) -> None:
        self._quiet = quiet
        self._bound = max(20 * quiet, 5.0)
        self._clock = clock
        self._first = self._last = float("-inf")
        self._in_burst = False
        self._by_event = False  # an event has been noticed since the last check
        self._seen: dict[str, Change] = {}

    def notice(self) -> float:
        """Note an event of the operating system just now; returns `left`."""
        self._by_event = True
        self._extend_burst()
        return self.left()

    def left(self, *, patient: bool = False) -> float:
        """Seconds until writing counts as over; a `patient` caller waits for the bound."""
        quiet = self._bound if patient else self._quiet
        return max(0.0, min(self._last + quiet, self._first + self._bound) - self._clock())

    def check(self, changes: Changes) -> Verdict:
        went_on = changes.files != self._seen
        if went_on and not self._by_event:
            self._extend_burst()  # polling has noticed it, or it went on while we scanned
        self._seen, self._by_event = changes.files, False
        unfinished = any(change.unfinished for change in changes.files.values())
        if left := self.left(patient=unfinished):
            return Wait(left)
        # Writing that goes on beyond the bound remains one burst: it may not begin another wait.
        self._in_burst = went_on and self._clock() - self._first >= self._bound
        return GO

    def reset(self) -> None:
        self._seen, self._in_burst, self._by_event = {}, False, False

    def _extend_burst(self) -> None:
        self._last = self._clock()
        if not self._in_burst:
            self._first, self._in_burst = self._last, True
