"""When to scan: after a pause, or as soon as a burst of events is over. `wake` ends the wait."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from wsgireload.threads import allocate_lock, sleep, time

if TYPE_CHECKING:
    from wsgireload.watch.events import Events

SHARE = 10  # a scan may take a tenth of the time: where scans take long, they are made less often
SOON = 0.1  # seconds between two scans while modules are being imported
CALM = 5.0  # intervals or seconds between two scans while nothing happens, whichever is shorter
IDLE = 0.02  # seconds between two reads of irrelevant events: logs are written all the time
QUIET = 1.0  # seconds without an event in a burst: more of them are waited for by the step
OPEN = 5.0  # seconds after a write for which a file counts as open: its closing may be missed

Paths = set[str] | None  # files and folders at which something may have changed; None: anywhere


class Pace:
    """Spaces the steps by what they cost; `interval` is in seconds, `clock` monotonic."""

    def __init__(self, interval: float, clock: Callable[[], float]) -> None:
        self._interval = interval
        self._clock = clock
        self._began = clock()
        self._cost = self._usual = 0.0
        self._waits_since: float | None = None  # when a restart began to wait

    @property
    def rest(self) -> float:
        """Seconds for which what caused the last step should cause no other."""
        return SHARE * self._cost

    def begin(self) -> None:
        self._began = self._clock()

    def pause(self, within: float = float("inf"), *, is_calm: bool = False) -> float:
        """Seconds until the next step, which is due `within` so many.

        `is_calm`: whatever happens ends the wait. One expensive step, as the first is, has no
        effect.
        """
        cost = self._clock() - self._began
        self._usual, self._cost = min(cost, self._cost), cost
        calm = max(self._interval, min(CALM * self._interval, CALM))
        return max(min(calm if is_calm else self._interval, within), SHARE * self._usual)

    def until_check(self, wait: float, pause: float) -> float:
        """Seconds until the next step, which is due after `pause`, or after `wait` if that is less.

        Then a restart waits, which is delayed by a tenth of its wait at most.
        """
        if wait >= pause:
            self._waits_since = None
            return pause
        now = self._clock()
        since = self._waits_since = now if self._waits_since is None else self._waits_since
        return max(wait, min(SHARE * self._usual, (now - since) / SHARE))


class Writing:
    """Which files are being written: they were, and have not been closed since."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}  # by path

    def note(self, written: Iterable[str], closed: Iterable[str]) -> None:
        """Note what the last events have reported."""
        for path in closed:
            self._until.pop(path, None)
        if written := list(written):
            now = self._clock()
            self._until = {path: until for path, until in self._until.items() if until > now}
            self._until.update(dict.fromkeys(written, now + OPEN))

    def left(self, path: str) -> float:
        """Seconds until the file at a path, or at the end of a link, counts as complete."""
        if not self._until:
            return 0.0
        until = self._until.get(path) or self._until.get(os.path.realpath(path), 0.0)
        return max(0.0, until - self._clock())


class Wakeup:
    """Waits a given time, or less if it is woken."""

    def __init__(self) -> None:
        self._asleep = allocate_lock()
        self._asleep.acquire()

    def wait(self, seconds: float, rest: float = 0.0) -> Paths:  # noqa: ARG002 - events only
        """Return after so many seconds, or as soon as `wake` is called (or was, meanwhile).

        `rest` is for what caused the step before this wait, if it had caused another shortly before
        that: so many seconds it ends no wait, and is returned after them.
        """
        self._asleep.acquire(True, seconds)
        return None

    def wake(self) -> None:
        """End the current wait, or else the next one; from any thread."""
        with contextlib.suppress(RuntimeError):  # woken already
            self._asleep.release()

    def end(self) -> None:
        """Release what the waiting took."""


class EventWakeup(Wakeup):
    """Waits less also where the operating system reports a change: until the burst is over.

    So files are not read while they are being written. `debounce` is called at each event of a
    burst, with whether that is one save that is complete, and returns the seconds until the burst
    counts as over; `is_watched` returns whether a path matters; `prefetch` is called at the first
    event of a burst.
    """

    def __init__(
        self,
        events: Events,
        debounce: Callable[[bool], float],
        is_watched: Callable[[str], bool],
        prefetch: Callable[[], None],
        writing: Writing,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._events = events
        self._debounce = debounce
        self._is_watched = is_watched
        self._prefetch = prefetch
        self._writing = writing
        self._clock = clock
        self._broken = False
        # Paths; None among them stands for an event that may be anywhere.
        self._causes: set[str | None] = set()  # of the last step
        self._caused: dict[str | None, float] = {}  # until when another step may not follow at once
        self._resting: dict[str | None, float] = {}  # until when each ends no wait
        self._late: set[str | None] = set()  # of these, the ones that have had an event

    def wait(self, seconds: float, rest: float = 0.0) -> Paths:
        if self._broken:
            return super().wait(seconds)
        self._let_rest(rest)
        try:
            paths = self._burst(seconds)
        except Exception:  # no event will ever arrive again: from now on a wait is only a wait
            self._broken = True
            return None
        self._causes = {None} if paths is None else set(paths)
        return paths

    def _let_rest(self, seconds: float) -> None:
        """Begin a rest for what caused the last step, if it had caused one before."""
        now = self._clock()
        if not seconds:
            self._resting.clear()
        self._resting = {each: until for each, until in self._resting.items() if until > now}
        self._caused = {each: until for each, until in self._caused.items() if until > now}
        again = self._causes & self._caused.keys()
        self._resting.update(dict.fromkeys(again, now + seconds))
        self._caused.update(dict.fromkeys(self._causes, now + 2 * seconds))

    def wake(self) -> None:
        super().wake()
        self._events.wake()

    def end(self) -> None:
        self._events.end()

    def _burst(self, seconds: float) -> Paths:
        paths = self._next(seconds)
        if paths == set():
            return paths
        until = self._clock() + self._quiet(paths)
        with contextlib.suppress(Exception):  # the step that follows finds out
            self._prefetch()  # takes some milliseconds, which are part of the quiet time
        more = self._next(max(0.0, until - self._clock()))  # or all of it, on a busy machine
        while more != set():  # neither quiet nor woken
            paths = None if paths is None or more is None else paths | more
            until = self._clock() + self._quiet(paths)
            if until <= self._clock():
                break
            more = self._next(until - self._clock())
        return paths

    def _quiet(self, paths: Paths) -> float:
        """Seconds without an event after which a step follows."""
        return min(self._debounce(self._is_saved(paths)), QUIET)

    def _is_saved(self, paths: Paths) -> bool:
        return paths is not None and len(paths) == 1 and paths <= self._events.saved

    def _next(self, seconds: float) -> Paths:
        """Watched paths of the next events; empty when the time is over, None for anywhere."""
        end = self._clock() + seconds
        while True:
            due = min([end, *(self._resting.get(each, 0.0) for each in self._late)])
            found = self._events.wait(max(0.0, due - self._clock()))
            if found != set():
                self._writing.note(self._events.written, self._events.saved)
            self._late |= {None} if found is None else {p for p in found if self._is_watched(p)}
            now = self._clock()
            ready = {each for each in self._late if self._resting.get(each, 0.0) <= now}
            if ready:
                self._late -= ready
                return None if None in ready else {each for each in ready if each is not None}
            # There is always more where a log, or a file that rests, is written all the time.
            if found == set() or now >= end:
                return set()
            sleep(IDLE)


class NoEvents:
    """Stands in for `Events` with polling: nothing to register, and every scan is a full one."""

    lost = True
    hears = False

    def listen_for(self, requests: Iterable[str]) -> None:
        """Do nothing: every scan comes soon."""

    def listen_for_requests(self) -> None:
        """Do nothing."""

    def listen(self, path: str) -> bool:  # noqa: ARG002 - the same for all
        return True

    listen_in = listen

    def knows(self, folder: str) -> bool:  # noqa: ARG002
        return False

    def listen_anew(self) -> None:
        """Do nothing: there is nothing to forget."""
