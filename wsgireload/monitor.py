"""The life of a monitor: its thread, how it ends, and what it reports of itself."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable
from functools import partial

from wsgireload import environment, settings, threads
from wsgireload.hook import Hook
from wsgireload.loading import AGAIN, Loading
from wsgireload.log import Event, Log, Word
from wsgireload.report import Awaited, Status
from wsgireload.server import detection, ending
from wsgireload.server.detection import Server
from wsgireload.settings import Settings
from wsgireload.watch.wakeup import SOON, Pace
from wsgireload.wiring import Parts

UNLOADED = "the WSGI script cannot be loaded here; another process may load it"


class StopScanning(BaseException):
    """Ends a scan in the middle: the monitor was stopped."""


class Monitor:
    """Watches for this interpreter, in a thread of its own, until it is stopped.

    `active`: whether it may restart; `reason`: one sentence why not, else None.
    """

    def __init__(self, chosen: Settings, server: Server, refusal: str | None) -> None:
        self.reason = refusal
        self._environment = environment.overridden(chosen, settings.environment())
        self._settings = chosen = self._environment.settings
        self._server = server
        self._hook = Hook(
            chosen.on_event or (lambda _event: None),
            threads.RealThread,
            lambda text: self._log.say_once(Word.WATCHING, text, loud=True),
            lambda: self._stopped,
        )
        sends = () if chosen.on_event is None else (self._hook.send,)
        self._log = Log(server.application, *sends)
        self._stopped = refusal is not None
        self._thread: threads.RealThread | None = None
        self._is_leaving = self._must_scan = False
        self._since = time.time()
        self._is_behind: Callable[[], bool] = lambda: False
        if refusal is None:
            self._pace = Pace(chosen.interval, time.monotonic)
            self._parts = Parts(chosen, server, self._log, self._checkpoint, self._imported)
            heal = partial(self.restart, UNLOADED) if server.kind == "daemon" else lambda: None
            self._loading = Loading(self._parts, self._log, heal)
            self._is_behind = self._parts.reloader.reload_required

    @property
    def active(self) -> bool:
        """Whether this monitor may restart."""
        return not self._stopped

    def start(self) -> None:
        """Begin to watch; an inactive monitor logs why it does not."""
        if self._stopped:
            self._log.say(Word.INACTIVE, str(self.reason))
            return
        for wrong in self._environment.wrong:
            self._log.say(Word.WATCHING, wrong, loud=True)
        if changed := self._environment.changed:
            self._log.say(Word.WATCHING, f"from the environment: {', '.join(changed)}")
        self._parts.imports.install()
        self._loading.begin()
        try:  # now: the first request that is answered may show a status
            self._parts.budget.recall()
        except Exception as error:  # this is the application's own thread: it has to go on
            self._log.say_once(Word.WATCHING, f"could not read the journal: {error}")
        try:
            self._thread = threads.RealThread(self._run)
        except RuntimeError as error:
            self._end(f"this interpreter does not let a thread start: {error}")
            self._parts.wakeup.end()
            self._log.say(Word.INACTIVE, str(self.reason))

    def reload_required(self) -> bool:
        """Whether the next process has to answer this request: see decide/timing.py."""
        return self._is_behind()

    def track(self, *paths: str | os.PathLike[str]) -> None:
        """Watch more files, folders or globs; SettingsError for what is no path."""
        more = settings.checked("track", paths)
        if not self._stopped:
            self._parts.detector.track(more)
            self._wake()

    def scan(self) -> None:
        """Scan everything now, without waiting for an event or for `interval`."""
        self._must_scan = True
        self._wake()

    def restart(self, reason: str = "no reason given") -> bool:
        """Request a restart, beyond budget and timing; False where this monitor may not."""
        if self._stopped:
            self._log.say(Word.INACTIVE, f"no restart ({reason}): {self.reason}")
            return False
        self._parts.reloader.request(reason)
        self._wake()
        return True

    def status(self) -> Status:
        """The state of this monitor now."""
        status = Status(
            active=self.active,
            reason=self.reason,
            server=self._server.kind,
            pid=os.getpid(),
            application=self._server.application,
            parent=self._server.parent,
            since=self._since,
        )
        if self._thread is None:
            return status
        return self._parts.complete(status)._replace(failed=self._loading.failed)

    def leave(self, timeout: float) -> None:
        """As `stop`, when this process ends."""
        is_ours = not self._stopped and self._parts.reloader.is_coming
        if not self._stopped:
            self._parts.restart.leaving()
            self._parts.reloader.leave()
        self._is_leaving = True
        self._finish(timeout)
        self._hook.wait()
        if is_ours:
            ending.watch(self._parts.requests, self._report_end, threads.start)

    def stop(self, timeout: float = 5.0) -> None:
        """End the thread, and wait so many seconds for that; stopping twice does no harm."""
        ran = not self._stopped
        self._finish(timeout)
        if ran:
            self._parts.reloader.withdraw()

    def _finish(self, timeout: float) -> None:
        self._end("it was stopped")
        if self._thread is not None:
            self._thread.join(timeout)

    def is_due(self) -> bool:
        """Whether this process is about to be replaced, or ends."""
        return self._is_leaving or (not self._stopped and self._parts.reloader.is_due)

    def _report_end(self, awaited: tuple[Awaited, ...]) -> None:
        if awaited:
            self._parts.reloader.report_end(awaited)
            self._write_status()

    def forget(self) -> None:
        """In a forked child: there is no thread here, and no lock of the parent's is touched."""
        if not self._stopped:
            self._parts.imports.remove()
            self._parts.wakeup.end()
            for gate in self._parts.gates:
                gate.forget()
        self._stopped, self._thread = True, None
        self.reason = "this process was forked from the one that started the monitor"

    def _end(self, reason: str) -> None:
        if not self._stopped:
            self._stopped, self.reason = True, reason
            self._parts.imports.remove()
            self._loading.end()
            self._wake()

    def _wake(self) -> None:
        self._parts.wakeup.wake()

    def _imported(self) -> None:
        if self._thread is None or not self._thread.is_current:  # that one is awake
            self._wake()

    def _checkpoint(self) -> None:
        if self._stopped:
            raise StopScanning

    def _run(self) -> None:
        """The thread: one step after another until stopped. What a step raises does not end it."""
        parts, paths = self._parts, None
        while not self._stopped:
            wait = self._guarded(paths)
            seconds = self._settings.interval if wait is None else wait
            changed = parts.wakeup.wait(seconds, self._pace.rest)
            paths = None if wait is None else changed  # what failed may not have scanned its paths
            if self._must_scan:
                paths, self._must_scan = None, False
        parts.status_file.remove()
        parts.wakeup.end()
        for gate in parts.gates:
            gate.end()

    def _guarded(self, paths: set[str] | None) -> float | None:
        """Take a step; returns the seconds until the next one, None if it failed."""
        parts = self._parts
        self._pace.begin()
        try:
            if parts.status_file.restart_requested():
                parts.reloader.request("wsgireload restart")
            parts.pause.refresh()
            wait = min(parts.reloader.step(paths), parts.pause.left)
            loading = self._loading.goes_on()
            if not parts.detector.importing:
                self._write_status()
        except StopScanning:
            return None
        except Exception:  # the site must not suffer from an error of ours
            trace = traceback.format_exc()
            lines = " / ".join(map(str.strip, trace.splitlines()))
            text = f"a step failed and will be repeated: {lines}"
            self._log.say_once(Word.HOLDING, text, event=Event("held", details=trace))
            return None
        announced = [gate.announce() for gate in parts.gates]
        soon = parts.detector.importing or not all(announced)
        due_in = SOON if soon else parts.detector.due_in
        return min(wait, self._pace.pause(AGAIN if loading else due_in))

    def _write_status(self) -> None:
        reloader, budget = self._parts.reloader, self._parts.budget
        happening = reloader.changes.files, reloader.hold, reloader.restarting, reloader.awaited
        failed = self._loading.failed
        beside = detection.other_reloader()
        if beside is not None:
            self._log.say_once(Word.WATCHING, beside, loud=True)
        parts, pause = self._parts, self._parts.pause.until
        reportable = len(parts.detector), budget.history, beside, pause, failed, *happening
        parts.status_file.write(reportable, self.status, parts.requests.count)
