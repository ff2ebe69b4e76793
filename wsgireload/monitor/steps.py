"""The steps of a monitor's thread, each of which scans, decides and reports."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from wsgireload import threads
from wsgireload.changes import BY_HAND
from wsgireload.errors import StopScanning
from wsgireload.log import Event, Log, Word
from wsgireload.monitor.loading import AGAIN, Loading
from wsgireload.report import Awaited, Status
from wsgireload.server import ending
from wsgireload.server.running import Requests
from wsgireload.watch.wakeup import SOON, Paths

if TYPE_CHECKING:
    from wsgireload.monitor.wiring import Parts


class Steps:
    """Takes the steps of a monitor's parts, and waits between them."""

    def __init__(
        self, parts: Parts, loading: Loading, log: Log, status: Callable[[], Status]
    ) -> None:
        self._parts = parts
        self._loading = loading
        self._log = log
        self._status = status

    def take(self, paths: Paths) -> float | None:
        """Take a step; returns the seconds until the next one, None if it failed."""
        self._parts.pace.begin()
        try:
            return self._step(paths)
        except StopScanning:
            pass
        except Exception:  # the site must not suffer from an error of ours
            trace = traceback.format_exc()
            lines = " / ".join(map(str.strip, trace.splitlines()))
            text = f"a step failed and will be repeated: {lines}"
            self._log.say_once(Word.HOLDING, text, event=Event("held", details=trace))
        return None

    def wait(self, wait: float | None) -> Paths:
        """Wait for the next step, after what `take` has returned; returns its paths."""
        pace = self._parts.pace
        seconds = pace.pause() if wait is None else wait
        # Nothing rests while a restart is decided upon: what changes meanwhile has to count.
        changed = self._parts.wakeup.wait(seconds, pace.rest if seconds >= SOON else 0.0)
        return None if wait is None else changed  # what failed may not have scanned its paths

    def watch_end(self, requests: Requests) -> None:
        """Report what delays the end of this process, which begins now."""
        ending.watch(requests, self._report_end, threads.RealThread)

    def _report_end(self, awaited: tuple[Awaited, ...]) -> None:
        if awaited:
            self._parts.reloader.report_end(awaited)
            self._parts.write_status(self._status, self._loading)

    def _step(self, paths: Paths) -> float:
        parts = self._parts
        if parts.status_file.restart_requested():
            parts.reloader.request(f"{BY_HAND}wsgireload restart")
        paths = None if parts.status_file.scan_requested() else paths
        parts.pause.refresh()
        wait = min(parts.reloader.step(paths), parts.pause.left)
        loading = self._loading.goes_on(len(parts.detector))
        if parts.reloader.changes or not parts.detector.importing:
            parts.write_status(self._status, self._loading)
        announced = [gate.announce() for gate in parts.gates]
        soon = parts.detector.importing or not all(announced)
        due_in = AGAIN if loading else SOON if soon else parts.detector.due_in
        is_calm = self._loading.is_over and parts.reloader.is_calm and parts.detector.is_calm
        return parts.pace.until_check(wait, parts.pace.pause(due_in, is_calm=is_calm))
