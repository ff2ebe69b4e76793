"""When to scan: after a pause, or as soon as a burst of events is over. `wake` ends the wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from wsgireload.watch.events import Events

SHARE = 10  # a scan may take a tenth of the time: where scans take long, they are made less often
SOON = 0.1  # seconds between two scans while modules are being imported
IDLE = 0.02  # seconds between two reads of irrelevant events: logs are written all the time

Paths = set[str] | None  # files and folders at which something may have changed; None: anywhere


class Pace:
    """Spaces the steps by what they cost; `interval` is in seconds, `clock` monotonic."""

    def __init__(self, interval: float, clock: Callable[[], float]) -> None:
        self._interval = interval
        self._clock = clock
        self._began = clock()
        self._cost = 0.0

    def begin(self) -> None:
        """A step begins."""
        self._began = self._clock()

    def pause(self, *, soon: bool = False, within: float = float("inf")) -> float:
        """Seconds until the next step, which is due `within` so many, or `soon`.

        One expensive step, as the first is, has no effect.
        """
        cost = self._clock() - self._began
        usual, self._cost = min(cost, self._cost), cost
        return max(min(self._interval, SOON if soon else within), SHARE * usual)


class Wakeup:
    """Waits a given time, or less if it is woken."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def wait(self, seconds: float) -> Paths:
        """Return after so many seconds, or as soon as `wake` is called (or was, meanwhile)."""
        self._event.wait(seconds)
        self._event.clear()
        return None

    def wake(self) -> None:
        """End the current wait, or else the next one; from any thread."""
        self._event.set()

    def end(self) -> None:
        """Release what the waiting took."""


class EventWakeup(Wakeup):
    """Waits less also where the operating system reports a change: until the burst is over.

    So files are not read while they are being written. `debounce` is called at each event of a
    burst, and returns the seconds until the burst counts as over; `is_watched` returns whether a
    path matters; `prefetch` is called at the first event of a burst.
    """

    def __init__(
        self,
        events: Events,
        debounce: Callable[[], float],
        is_watched: Callable[[str], bool],
        prefetch: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._events = events
        self._debounce = debounce
        self._is_watched = is_watched
        self._prefetch = prefetch
        self._clock = clock
        self._broken = False

    def wait(self, seconds: float) -> Paths:
        if self._broken:
            return super().wait(seconds)
        try:
            return self._burst(seconds)
        except Exception:  # no event will ever arrive again: from now on a wait is only a wait
            self._broken = True
            return None

    def wake(self) -> None:
        super().wake()
        self._events.wake()

    def end(self) -> None:
        self._events.end()

    def _burst(self, seconds: float) -> Paths:
        paths = self._next(seconds)
        if paths == set():
            return paths
        self._prefetch()
        while left := self._debounce():
            more = self._next(left)
            if more == set():  # quiet at last, or woken
                break
            paths = None if paths is None or more is None else paths | more
        return paths

    def _next(self, seconds: float) -> Paths:
        """Watched paths of the next events; empty when the time is over, None for anywhere."""
        end = self._clock() + seconds
        while found := self._events.wait(max(0.0, end - self._clock())):
            if watched := set(filter(self._is_watched, found)):
                return watched
            if self._clock() >= end:  # there is always more, where a log is written all the time
                return set()
            time.sleep(IDLE)
        return found
