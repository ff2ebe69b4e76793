"""Has writing ended? Quiet time since the last change, with an upper bound for a burst."""

from __future__ import annotations

from collections.abc import Callable

from wsgireload.changes import DELETED, Change, Changes
from wsgireload.decide.verdict import GO, Gate, Verdict, Wait
from wsgireload.log import few, shown
from wsgireload.report import Awaited
from wsgireload.server.running import NAMED

LONGEST = 60.0  # seconds for which code that is being written, or brought, is waited for
CALM = 1.0  # seconds without an event, after which a save is likely to remain the only one


class Settle(Gate):
    """Waits until nothing has changed for `quiet` seconds; `clock` is monotonic.

    One save that the system reports as complete, after a calm, waits for `brief` seconds instead.
    A burst is waited out for 20 times `quiet`, or 5 s if that is longer: writing may go on for
    ever. Code that is missing or empty is awaited as long, and other files where nothing differs
    but what is missing: most likely they are about to be written. So is each of many that come one
    after another, and code that is being written, as by a slow upload, for a minute in all.
    `open_for` returns the seconds for which a file counts as open, unless it is closed before.
    """

    def __init__(
        self,
        quiet: float,
        clock: Callable[[], float],
        brief: float | None = None,
        open_for: Callable[[str], float] = lambda _path: 0.0,
    ) -> None:
        self._quiet = self._needed = quiet
        self._brief = quiet if brief is None else brief
        self._bound = max(20 * quiet, 5.0)
        self._clock = clock
        self._open_for = open_for
        self._unfinished: set[str] = set()
        self._came = float("-inf")  # when a file ceased to be unfinished, or became it
        self._open_since: float | None = None  # code that has changed is still being written
        self._first = self._last = float("-inf")
        self._in_burst = False
        self._is_alone = False  # nothing came before the current event, or it came just before it
        self._by_event = False  # an event has been noticed since the last check
        self._seen: dict[str, Change] = {}

    def notice(self, is_saved: bool = False) -> float:
        """Note an event of the operating system just now; returns `left`.

        `is_saved`: it completes the save of a file, and there was no event of another one.
        """
        self._by_event = True
        self._extend_burst(is_saved)
        return self.left()

    def left(self, *, patient: bool = False) -> float:
        """Seconds until writing counts as over; a `patient` caller waits for the bound."""
        return self._left(self._bound if patient else self._needed)

    def left_in_doubt(self) -> float:
        """Seconds until it does where the last save may not have been the only one."""
        return self._left(self._quiet)

    def is_endless(self) -> bool:
        """Whether the changes that passed last were still being written at the bound."""
        return self._in_burst

    def check(self, changes: Changes) -> Verdict:
        went_on = changes.files != self._seen
        if went_on and not self._by_event:
            self._extend_burst()  # polling has noticed it, or it went on while we scanned
        self._seen, self._by_event = changes.files, False
        unfinished, is_open = self._left_unfinished(changes), self._left_open(changes)
        if left := max(unfinished, is_open):
            self.awaited = self._named(changes, is_open=is_open > unfinished)
            return Wait(left)
        self.awaited = ()
        # Writing that goes on beyond the bound remains one burst: it may not begin another wait.
        self._in_burst = went_on and self._clock() - self._first >= self._bound
        return GO

    def reset(self) -> None:
        self._seen, self._in_burst, self._by_event = {}, False, False
        self._unfinished, self._open_since = set(), None
        self.awaited = ()

    def _named(self, changes: Changes, *, is_open: bool) -> tuple[Awaited, ...]:
        """What is awaited, if it is for some time; as a rule it is over much sooner."""
        if (
            self._clock() - self._first < NAMED
            and self.left(patient=bool(self._unfinished)) < NAMED
        ):
            return ()
        if is_open:
            written = (path for path in changes.files if self._open_for(path))
            return (Awaited(f"the end of writing to {few(map(shown, written))}"),)
        if self._unfinished:
            missing = few(map(shown, sorted(self._unfinished)))
            return (Awaited(f"code that is missing or empty: {missing}"),)
        return (Awaited(f"{self._quiet:g} s without a change (settle)"),)

    def _left_unfinished(self, changes: Changes) -> float:
        """Seconds until writing counts as over: with each file that comes, the bound anew."""
        are_gone = all(change.kind == DELETED for change in changes.files.values())
        unfinished = {path for path, each in changes.files.items() if are_gone or each.unfinished}
        if unfinished != self._unfinished:
            self._unfinished, self._came = unfinished, self._last
        # What has been awaited in vain, and is held, delays nothing else.
        left = self.left(patient=bool(unfinished) and self._clock() < self._came + self._bound)
        until = min(self._came + self._bound, self._first + max(self._bound, LONGEST))
        return max(left, until - self._clock()) if unfinished else left

    def _left_open(self, changes: Changes) -> float:
        """Seconds for which changed code may still be written."""
        code = (path for path, change in changes.files.items() if change.is_code)
        left, now = max(map(self._open_for, code), default=0.0), self._clock()
        if not left:
            self._open_since = None
            return 0.0
        if self._open_since is None:
            self._open_since = now
        return max(0.0, min(left, self._open_since + LONGEST - now))

    def _left(self, quiet: float) -> float:
        return max(0.0, min(self._last + quiet, self._first + self._bound) - self._clock())

    def _extend_burst(self, is_saved: bool = False) -> None:
        now = self._clock()
        if now - self._last > self._brief:  # it was quiet meanwhile
            self._is_alone = now - self._last > CALM
        self._needed = self._brief if is_saved and self._is_alone else self._quiet
        self._last = now
        if not self._in_burst:
            self._first, self._in_burst = now, True
