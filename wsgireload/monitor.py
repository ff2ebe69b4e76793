"""The life of a monitor: its thread, how it ends, and what it reports of itself."""

from __future__ import annotations

import contextlib
import os
import time
import traceback
from functools import partial
from typing import TYPE_CHECKING

from wsgireload import environment, settings, threads
from wsgireload.early import Early
from wsgireload.hook import Hook
from wsgireload.late import Late
from wsgireload.loading import AGAIN, Loading
from wsgireload.log import Event, Log, Word
from wsgireload.report import Awaited, Status
from wsgireload.server import ending
from wsgireload.server.detection import Server
from wsgireload.settings import Settings
from wsgireload.watch.wakeup import SOON, Pace, Wakeup

if TYPE_CHECKING:
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
            lambda text: self.log.say_once(Word.WATCHING, text, loud=True),
            lambda: not self.active,
        )
        sends = () if chosen.on_event is None else (self._hook.send,)
        self.log = Log(server.application, *sends)
        self._thread: threads.RealThread | None = None
        self._is_leaving = self._must_scan = False
        # A step is, now: the first scan is the baseline of tracked files, and of no others.
        self._is_wanted = bool(chosen.track or chosen.trigger)
        self._since = time.time()
        self._first = Wakeup()  # from the wait for the application
        self._late = Late(self._parts, self._fail, never=not self.active)
        if refusal is None:
            self._pace = Pace(chosen.interval, time.monotonic)
            self._early = Early(chosen, server, self.log, self._imported)
            heal = partial(self.restart, UNLOADED) if server.kind == "daemon" else lambda: None
            self._loading = Loading(self._early, self.log, heal)

    @property
    def active(self) -> bool:
        return self.reason is None

    def start(self) -> None:
        """Begin to watch; an inactive monitor logs why it does not."""
        if self.reason is not None:
            self.log.say(Word.INACTIVE, self.reason)
            return
        for wrong in self._environment.wrong:
            self.log.say(Word.WATCHING, wrong, loud=True)
        if changed := self._environment.changed:
            self.log.say(Word.WATCHING, f"from the environment: {', '.join(changed)}")
        self._early.imports.install()
        self._loading.begin()
        try:  # now: the first request that is answered may show a status
            self._early.budget.recall()
        except Exception as error:  # this is the application's own thread: it has to go on
            self.log.say_once(Word.WATCHING, f"could not read the journal: {error}")
        try:
            self._thread = threads.RealThread(self._run)
        except RuntimeError as error:
            self._fail(f"this interpreter does not let a thread start: {error}")

    def reload_required(self) -> bool:
        """Whether the next process has to answer this request: see decide/timing.py."""
        if self.active:
            self._early.asked = True
        # Another process of the group may have been first to notice a change.
        parts = self._late.get() if self._server.processes > 1 else self._late.parts
        return parts is not None and parts.reloader.reload_required()

    def track(self, *paths: str | os.PathLike[str]) -> None:
        """Watch more files, folders or globs; SettingsError for what is no path."""
        more = settings.checked("track", paths)
        if (parts := self._late.get()) is not None and self.active:
            parts.detector.track(more)
            self._wake()

    def scan(self) -> None:
        """Scan everything now, without waiting for an event or for `interval`."""
        self._must_scan = True
        self._wake()

    def restart(self, reason: str = "no reason given") -> bool:
        """Request a restart, beyond budget and timing; False where this monitor may not."""
        if (parts := self._late.get()) is None or not self.active:
            self.log.say(Word.INACTIVE, f"no restart ({reason}): {self.reason}")
            return False
        parts.reloader.request(reason)
        self._wake()
        return True

    def status(self) -> Status:
        """The state of this monitor now."""
        parts = None if self._thread is None else self._late.get()
        status = Status(
            active=self.active,
            reason=self.reason,
            server=self._server.kind,
            pid=os.getpid(),
            application=self._server.application,
            parent=self._server.parent,
            since=self._since,
        )
        return parts.complete(status, self._loading.failed) if parts else status

    def leave(self, timeout: float) -> None:
        """As `stop`, when this process ends."""
        parts = self._late.get() if self.active else None
        is_ours = parts is not None and parts.leave()  # before the thread ends and removes files
        self._is_leaving = True
        self._finish(timeout)
        self._hook.wait(longest=timeout)
        if is_ours:
            ending.watch(self._early.requests, self._report_end, threads.start)

    def stop(self, timeout: float = 5.0) -> None:
        """End the thread, and wait so many seconds for that; stopping twice does no harm."""
        ran = self.active
        self._finish(timeout)
        if ran and (parts := self._late.parts) is not None:
            parts.reloader.withdraw()

    def _finish(self, timeout: float) -> None:
        self._end("it was stopped")
        if self._thread is not None:
            self._thread.join(timeout)

    def is_due(self) -> bool:
        """Whether this process is about to be replaced, or ends."""
        parts = self._late.parts if self.active else None
        return self._is_leaving or (parts is not None and parts.reloader.is_due)

    def _report_end(self, awaited: tuple[Awaited, ...]) -> None:
        if awaited and (parts := self._late.parts) is not None:
            parts.reloader.report_end(awaited)
            parts.write_status(self.status, self._loading)

    def forget(self) -> None:
        """In a forked child: there is no thread here, and no lock of the parent's is touched."""
        self._late.end()
        if self.active:
            self._early.imports.remove()
            if (parts := self._late.parts) is not None:
                parts.forget()
        self._thread = None
        self.reason = "this process was forked from the one that started the monitor"

    def _end(self, reason: str) -> None:
        if self.active:
            self.reason = reason
            self._late.end()
            self._early.imports.remove()
            self._loading.end()
            self._wake()

    def _fail(self, reason: str) -> None:
        self._end(reason)
        self.log.say(Word.INACTIVE, reason)

    def _parts(self) -> Parts:
        from wsgireload.wiring import Parts

        return Parts(self._settings, self._server, self.log, self._early, self._checkpoint)

    def _wake(self) -> None:
        self._is_wanted = True
        self._first.wake()
        if (parts := self._late.parts) is not None:
            parts.wakeup.wake()

    def _imported(self) -> None:
        if self._thread is None or not self._thread.is_current:  # that one is awake
            self._wake()

    def _checkpoint(self) -> None:
        if not self.active:
            raise StopScanning

    def _run(self) -> None:
        """The thread: one step after another until stopped. What a step raises does not end it."""
        with contextlib.suppress(Exception):  # an error here must not keep the steps from coming
            while not self._is_wanted and self._loading.comes_first():
                self._first.wait(AGAIN)
            self._early.journal.sweep()  # a start has no time for that
        paths = None
        if (parts := self._late.get()) is None:
            return
        while self.active:
            wait = self._guarded(parts, paths)
            seconds = self._pace.pause() if wait is None else wait
            # Nothing rests while a restart is decided upon: what changes meanwhile has to count.
            rest = self._pace.rest if seconds >= SOON else 0.0
            changed = parts.wakeup.wait(seconds, rest)
            paths = None if wait is None else changed  # what failed may not have scanned its paths
            if self._must_scan:
                paths, self._must_scan = None, False
        parts.end()

    def _guarded(self, parts: Parts, paths: set[str] | None) -> float | None:
        """Take a step; returns the seconds until the next one, None if it failed."""
        self._pace.begin()
        try:
            if parts.status_file.restart_requested():
                parts.reloader.request("wsgireload restart")
            paths = None if parts.status_file.scan_requested() else paths
            parts.pause.refresh()
            wait = min(parts.reloader.step(paths), parts.pause.left)
            loading = self._loading.goes_on(len(parts.detector))
            if not parts.detector.importing:
                parts.write_status(self.status, self._loading)
            announced = [gate.announce() for gate in parts.gates]
            soon = parts.detector.importing or not all(announced)
            due_in = AGAIN if loading else SOON if soon else parts.detector.due_in
            is_calm = self._loading.is_over and parts.reloader.is_calm and parts.detector.is_calm
            return self._pace.until_check(wait, self._pace.pause(due_in, is_calm=is_calm))
        except StopScanning:
            pass
        except Exception:  # the site must not suffer from an error of ours
            trace = traceback.format_exc()
            lines = " / ".join(map(str.strip, trace.splitlines()))
            text = f"a step failed and will be repeated: {lines}"
            self.log.say_once(Word.HOLDING, text, event=Event("held", details=trace))
        return None
