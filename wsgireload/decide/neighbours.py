"""What else would be replaced: the other applications of this process, with their changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from wsgireload.changes import Changes
from wsgireload.decide.verdict import GO, Gate, Hold, Verdict, Wait
from wsgireload.log import shown
from wsgireload.report import Awaited
from wsgireload.state.status_file import Neighbour

WAIT = Wait(0.02)  # seconds between two checks whether the others have decided
SILENT = 5.0  # seconds until one that does not answer is no longer awaited
LONGEST = 70.0  # the same for one whose code has changed: longer than a preflight takes
OTHERS = (Awaited("another application of this process"),)


class Neighbours(Gate):
    """Holds while another application of this process has new code that was rejected.

    It runs in an interpreter of its own, with a monitor of its own, but a restart would load that
    code. So each other monitor is requested to scan, since both may have been saved at once, and
    its decision is awaited. `awaited` shows the others that this one has decided. A restart by hand
    passes.
    """

    def __init__(
        self,
        others: Callable[[], Iterable[Neighbour]],
        request_scan: Callable[[str], object],
        clock: Callable[[], float],
    ) -> None:
        """`request_scan` takes the name of one of the `others`; `clock` is monotonic."""
        self._others = others
        self._request_scan = request_scan
        self._clock = clock
        self._requested: dict[str, float] = {}  # when each was requested to scan

    def check(self, changes: Changes) -> Verdict:
        if changes.by_hand:
            return GO
        others = list(self._others())
        for each in others:
            status = each.status
            if status.held or status.output:
                self.reset()
                name = shown(status.script or status.application)
                return Hold(f"this process also serves {name}, which is held: {status.holding}")
        self.awaited = OTHERS if any(map(self._is_awaited, others)) else ()
        return WAIT if self.awaited else GO

    def reset(self) -> None:
        self.awaited = ()
        self._requested.clear()

    def _is_awaited(self, other: Neighbour) -> bool:
        now = self._clock()
        if other.name not in self._requested:
            self._requested[other.name] = now
            self._request_scan(other.name)
            return True
        has_decided = not other.is_scan_pending or other.status.waiting == OTHERS
        longest = LONGEST if other.status.changed else SILENT
        return not has_decided and now - self._requested[other.name] < longest
