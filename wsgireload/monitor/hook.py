"""The user's `on_event`: called so that it can neither break nor hold up anything."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import partial

from wsgireload import threads
from wsgireload.log import Event
from wsgireload.threads import Beside, RealThread, time

SLOW = 1.0  # seconds for which a restart waits for the function
POLL = 0.01


class Hook:
    """Sends events to a function, one at a time and in order."""

    def __init__(
        self,
        function: Callable[[Event], object],
        start: Callable[[Callable[[], None]], RealThread],
        trouble: Callable[[str], None],
        is_stopped: Callable[[], bool],
    ) -> None:
        """`start` starts a thread, or raises RuntimeError. `trouble` logs what is wrong."""
        self._function = function
        self._trouble = trouble
        self._is_stopped = is_stopped
        self._beside = Beside(start)
        self._last = ""

    def send(self, event: Event) -> None:
        """Have the function called soon; before a restart, wait a little until it was.

        A restart is announced when it becomes due, and again when it comes: the first one counts.
        """
        if event.kind == "restarting" == self._last:
            return
        self._last = event.kind
        self._beside.call(partial(self._call, event))
        if event.kind == "restarting":
            self.wait(self._is_stopped, SLOW)

    def wait(self, is_over: Callable[[], bool] = lambda: False, longest: float = SLOW) -> None:
        """Return once all events were sent, after so many seconds, or if it `is_over`."""
        end = time.monotonic() + longest
        while self._beside.is_busy and not is_over():
            if time.monotonic() >= end:
                self._trouble(
                    f"on_event takes more than {longest:g} s; restarts do not wait for it"
                )
                break
            threads.sleep(POLL)

    def _call(self, event: Event) -> None:
        try:
            self._function(event)
        except BaseException as error:  # SystemExit as well: it would end a thread of ours
            what = traceback.format_exception_only(error)[-1].strip()
            frames = traceback.extract_tb(error.__traceback__)[1:2]  # after this one
            place = "".join(f"; {each.filename}, line {each.lineno}" for each in frames)
            self._trouble(f"on_event raised {what}{place}")
