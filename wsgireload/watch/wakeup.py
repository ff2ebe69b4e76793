"""When to look: after a while, or as soon as what happened is over. Anybody can end the wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wsgireload.watch.events import Events


IDLE = 0.02  # seconds between two hearings of what is of no concern: logs are written all the time


class Stir:
    """Where something may have changed, and since when nothing did any more.

    `paths` are files and folders; None is anywhere. `last` is monotonic; None where nobody told.
    """

    def __init__(self, paths: set[str] | None = None, last: float | None = None) -> None:
        self.paths = paths
        self.last = last


class Wakeup:
    """Waits out a time, or less where somebody wakes it."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def wait(self, seconds: float) -> Stir:
        """Return after so many seconds, or as soon as `wake` is called (or was, meanwhile)."""
        self._event.wait(seconds)
        self._event.clear()
        return Stir()

    def wake(self) -> None:
        """End the wait that is on, or the next one."""
        self._event.set()

    def end(self) -> None:
        """Give back what the waiting took."""


class EventWakeup(Wakeup):
    """The same, and less where the operating system tells of a change: once it has been quiet.

    So files are not read in the midst of somebody's work on them. `quiet` and `bound` are seconds:
    without a further change, and how long to wait for that at most. `concerns` says whether a path
    matters; `stirs` is called as soon as something happens at one that does.
    """

    def __init__(
        self,
        events: Events,
        quiet: float,
        bound: float,
        concerns: Callable[[str], bool],
        stirs: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._events = events
        self._quiet = quiet
        self._bound = bound
        self._concerns = concerns
        self._stirs = stirs
        self._clock = clock
        self._broken = False

    def wait(self, seconds: float) -> Stir:
        if self._broken:
            return super().wait(seconds)
        try:
            return self._gathered(seconds)
        except Exception:  # no event will ever come again: from now on a wait is a mere wait
            self._broken = True
            return Stir()

    def wake(self) -> None:
        super().wake()
        self._events.wake()

    def end(self) -> None:
        self._events.end()

    def _gathered(self, seconds: float) -> Stir:
        told = self._told(seconds)
        if told is not None and not told:
            return Stir(told)
        if self._stirs is not None:
            self._stirs()
        paths, began = told, self._clock()
        last = began
        while self._quiet and (more := self._told(self._quiet)) != set():
            last = self._clock()
            paths = None if paths is None or more is None else paths | more
            if last - began > self._bound:
                break
        return Stir(paths, last)

    def _told(self, seconds: float) -> set[str] | None:
        """What the system tells of and somebody watches; empty when the time is over."""
        end = self._clock() + seconds
        while told := self._events.wait(max(0.0, end - self._clock())):
            if concerning := set(filter(self._concerns, told)):
                return concerning
            if self._clock() >= end:  # there is always more, where a log is written all the time
                return set()
            time.sleep(IDLE)
        return told
