"""The user's `on_event`: called so that it can neither break nor hold up anything.

It is called in a thread beside the monitor's, which lives while there are events. Nothing can end a
function that blocks, so the monitor's own thread must not be in it.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable

from wsgireload import threads
from wsgireload.log import Event

SLOW = 1.0  # seconds for which a restart waits for the function
POLL = 0.01
MOST = 100  # events that wait for a function that blocks; later ones are dropped


class Hook:
    """Sends events to a function, one at a time and in order."""

    def __init__(
        self,
        function: Callable[[Event], object],
        start: Callable[[Callable[[], None]], object],
        trouble: Callable[[str], None],
        is_stopped: Callable[[], bool],
    ) -> None:
        """`start` starts a thread, or raises RuntimeError. `trouble` logs what is wrong."""
        self._function = function
        self._start = start
        self._trouble = trouble
        self._is_stopped = is_stopped
        self._events: list[Event] = []
        self._is_busy = False
        self._changing = threads.allocate_lock()  # held for an assignment
        self._last = ""

    def send(self, event: Event) -> None:
        """Have the function called soon; before a restart, wait a little until it was.

        A restart is announced when it becomes due, and again when it comes: the first one counts.
        """
        if event.kind == "restarting" == self._last:
            return
        self._last = event.kind
        with self._changing:
            self._events += [event][: MOST - len(self._events)]
            starts, self._is_busy = not self._is_busy, True
        if starts:
            try:
                self._start(self._run)
            except RuntimeError:  # no thread here, or none any more
                self._run()
        if event.kind == "restarting":
            self.wait(self._is_stopped, SLOW)

    def wait(self, is_over: Callable[[], bool] = lambda: False, longest: float = SLOW) -> None:
        """Return once all events were sent, after so many seconds, or if it `is_over`."""
        end = time.monotonic() + longest
        while self._is_busy and not is_over():
            if time.monotonic() >= end:
                self._trouble(
                    f"on_event takes more than {longest:g} s; restarts do not wait for it"
                )
                break
            threads.sleep(POLL)

    def _run(self) -> None:
        while event := self._next():
            try:
                self._function(event)
            except BaseException as error:  # SystemExit as well: it would end a thread of ours
                what = traceback.format_exception_only(error)[-1].strip()
                frames = traceback.extract_tb(error.__traceback__)[1:2]  # after this one
                place = "".join(f"; {each.filename}, line {each.lineno}" for each in frames)
                self._trouble(f"on_event raised {what}{place}")

    def _next(self) -> Event | None:
        with self._changing:
            self._is_busy = bool(self._events)
            return self._events.pop(0) if self._events else None
