"""Which monitors run what lies on disk, with proof: each has scanned since this began.

A status alone proves nothing: it may be older than the deployment. So each monitor is requested to
scan everything, and its status counts once it has answered. A process that comes later is requested
as well. A process that was preloaded must have a successor; without preloading the next request
loads the application, and it loads what lies on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from wsgireload.cli.running.monitors import RunningMonitor
from wsgireload.log import few, shown
from wsgireload.report import NEXT_REQUEST, Status

GRACE = 3.0  # seconds: a process that a request waits for is up by then, and its monitor as well
ABSENT = 60.0  # seconds without the successor of a process
CURRENT, NEXT, PENDING, FAILED = "current", "next-request", "pending", "failed"

Key = tuple[str, float | None]  # a status file, and when its monitor began: pids come again
Place = tuple[str, str, int]  # a process group, an application in it, its Apache


class Finding(NamedTuple):
    """What holds of one monitor, or of one that is missing: `pid` is None then."""

    name: str
    pid: int | None
    state: str
    text: str

    def __str__(self) -> str:
        return shown(self.name) + ("" if self.pid is None else f", pid {self.pid}")


class Rollout:
    """Follows monitors until they run what lies on disk; `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._has_scanned: dict[Key, bool] = {}  # of the monitors that were requested to
        self._last: dict[Place, RunningMonitor] = {}  # the one that began last
        self._incomplete: dict[Place, float] = {}  # since when processes are missing

    def look(
        self, running: Sequence[RunningMonitor], ended: Sequence[RunningMonitor] = ()
    ) -> list[Finding]:
        """Return what holds now; `ended` are processes that were replaced before all this began."""
        for each in (*ended, *running):
            known = self._last.setdefault(_place(each), each)
            if (each.status.since or 0.0) >= (known.status.since or 0.0):
                self._last[_place(each)] = each
        findings = [self._judge(each) for each in running]
        for place, last in list(self._last.items()):
            if place[2] and not last.has_apache():
                del self._last[place]  # its Apache has ended, and took all with it
                continue
            count = sum(_place(each) == place for each in running)
            findings += self._missing(place, last, count)
        return findings

    def _judge(self, found: RunningMonitor) -> Finding:
        key = found.path, found.status.since
        if self._has_scanned.get(key):  # since before this status was read
            return _finding(found, *_outcome(found.status))
        try:
            if key not in self._has_scanned:
                if found.request_scan():
                    self._has_scanned[key] = False
            else:
                self._has_scanned[key] = found.has_scanned()
        except FileNotFoundError:
            pass  # it has ended, with its folder
        except OSError as error:
            return _finding(found, FAILED, f"cannot request a scan: {error.strerror or error}")
        doing = _doing(found.status) or found.status.loading or "scanning, or being loaded"
        return _finding(found, PENDING, shown(doing))

    def _missing(self, place: Place, last: RunningMonitor, count: int) -> list[Finding]:
        """Return what holds where fewer processes run than should; nothing where all do."""
        status = last.status
        wanted = status.processes if status.preloaded else 1
        is_going = last.is_alive()
        if count >= wanted:
            self._incomplete.pop(place, None)
            return []
        waited = self._clock() - self._incomplete.setdefault(place, self._clock())
        if is_going and not count:
            text = "its monitor has ended, its process has not"
            return [_finding(last, FAILED if waited >= ABSENT else PENDING, text)]
        state, text = PENDING, f"{count} of {wanted} processes run"
        if status.preloaded and waited >= ABSENT:
            state, text = FAILED, f"{text}, for {ABSENT:.0f} s: see Apache's error log"
        elif not status.preloaded and waited >= (GRACE if status.preloaded is False else ABSENT):
            state, text = NEXT, "not loaded yet: the next request loads what lies on disk"
        return [Finding(last.title, None, state, text)]


def _place(found: RunningMonitor) -> Place:
    return found.title, found.status.application, found.status.parent


def _finding(found: RunningMonitor, state: str, text: str) -> Finding:
    return Finding(found.title, found.status.pid, state, text)


def _outcome(status: Status) -> tuple[str, str]:
    """Return the state of a monitor that has scanned, and why."""
    if status.holding:
        return FAILED, f"holding: {shown(status.holding)}"
    if NEXT_REQUEST in status.waiting:
        return NEXT, "the next request replaces it"
    if doing := _doing(status):
        return PENDING, doing
    if status.failed:
        return FAILED, f"could not load the application: {shown(status.failed.described())}"
    return CURRENT, "runs what lies on disk"


def _doing(status: Status) -> str:
    """Return what a monitor has still to do, by its status; "" for nothing."""
    if status.waiting:
        return f"restarting, waits for {few(shown(each.what) for each in status.waiting)}"
    if status.restarting:
        return "restarting"
    return f"changed: {few(map(shown, status.changed))}" if status.changed else ""
