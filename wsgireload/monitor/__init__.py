"""The life of a monitor: its thread, how it ends, and what it reports of itself."""

from __future__ import annotations

import contextlib
import os
from functools import partial
from typing import TYPE_CHECKING

from wsgireload import settings, threads
from wsgireload.changes import BY_HAND
from wsgireload.errors import StopScanning
from wsgireload.log import Log, Word
from wsgireload.monitor.early import Early
from wsgireload.monitor.late import Late
from wsgireload.monitor.loading import AGAIN, Loading
from wsgireload.report import Status
from wsgireload.server.detection import Server
from wsgireload.settings import Settings
from wsgireload.threads import time

if TYPE_CHECKING:
    from wsgireload.monitor.hook import Hook
    from wsgireload.monitor.steps import Steps
    from wsgireload.monitor.wiring import Parts

UNLOADED = "the WSGI script cannot be loaded here; another process may load it"


class Monitor:
    """Watches for this interpreter, in a thread of its own, until it is stopped.

    `active`: whether it may restart; `reason`: one sentence why not, else None.
    """

    def __init__(self, chosen: Settings, server: Server, refusal: str | None) -> None:
        self.reason = refusal
        self._chosen = chosen
        self._settings, self._from_environment, self._wrong = _overridden(chosen)
        self._server = server
        self._hook = self._made_hook()
        self._log = Log(server.application, *([self._hook.send] if self._hook else []))
        self._thread: threads.RealThread | None = None
        self._steps: Steps  # made with the parts
        self._is_leaving = self._must_scan = False
        # A step is, now: the first scan is the baseline of tracked files, and of no others.
        self._is_wanted = bool(chosen.track or chosen.trigger)
        self._since = time.time()
        self._late = Late(self._parts, self._fail, never=not self.active)
        if refusal is None:
            self._early = Early(self._settings, server, self._log, self._imported)
            heal = partial(self._request, UNLOADED) if server.kind == "daemon" else lambda: None
            self._loading = Loading(self._early, self._log, heal)

    @property
    def active(self) -> bool:
        return self.reason is None

    def start(self) -> None:
        """Begin to watch; an inactive monitor logs why it does not."""
        if self.reason is not None:
            self._log.say(Word.INACTIVE, self.reason)
            return
        for wrong in self._wrong:
            self._log.say(Word.WATCHING, wrong, loud=True)
        if changed := self._from_environment:
            self._log.say(Word.WATCHING, f"from the environment: {', '.join(changed)}")
        self._early.imports.install()
        self._loading.begin()
        try:  # now: the first request that is answered may show a status
            self._early.budget.recall()
        except Exception as error:  # this is the application's own thread: it has to go on
            self._log.say_once(Word.WATCHING, f"could not read the journal: {error}")
        try:
            self._thread = threads.RealThread(self._run)
        except RuntimeError as error:
            self._fail(f"this interpreter does not let a thread start: {error}")

    def start_again(self, chosen: Settings) -> None:
        """Add what a later start() tracks, and log which of its settings have no effect."""
        if chosen.track:
            self.track(*chosen.track)
        if self.active and (unused := chosen.differing(self._chosen)):
            text = f"a later start() adds only what it tracks; without effect: {', '.join(unused)}"
            self._log.say_once(Word.WATCHING, text, loud=True)

    def reload_required(self) -> bool:
        """Whether the next process has to answer this request: see decide/timing.py."""
        if self.active:
            self._early.requests.asked = True
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
        if self._request(f"{BY_HAND}{reason}"):
            return True
        self._log.say(Word.INACTIVE, f"no restart ({reason}): {self.reason}")
        return False

    def _request(self, reason: str) -> bool:
        if (parts := self._late.get()) is None or not self.active:
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
        return self._loading.complete(parts.complete(status)) if parts else status

    def leave(self, timeout: float) -> None:
        """As `stop`, when this process ends."""
        parts = self._late.get() if self.active else None
        # Before the thread ends and removes files.
        is_ours = parts is not None and parts.leave(self.status)
        self._is_leaving = True
        self._finish(timeout)
        if self._hook:
            self._hook.wait(longest=timeout)
        self._log.wait(timeout)
        if is_ours:
            self._steps.watch_end(self._early.requests)

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

    def forget(self) -> None:
        """In a forked child: there is no thread here, and no lock of the parent's is touched."""
        self._log.forget()
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
        self._log.say(Word.INACTIVE, reason)

    def _made_hook(self) -> Hook | None:
        if (function := self._settings.on_event) is None:
            return None
        from wsgireload.monitor.hook import Hook  # few applications have one

        return Hook(
            function,
            threads.RealThread,
            lambda text: self._log.say_once(Word.WATCHING, text, loud=True),
            lambda: not self.active,
        )

    def _parts(self) -> Parts:
        from wsgireload.monitor.steps import Steps
        from wsgireload.monitor.wiring import Parts

        parts = Parts(self._settings, self._server, self._log, self._early, self._checkpoint)
        self._steps = Steps(parts, self._loading, self._log, self.status)
        return parts

    def _wake(self) -> None:
        self._is_wanted = True
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
        self._log.use_threads(threads.RealThread)
        with contextlib.suppress(Exception):  # an error here must not keep the steps from coming
            while not self._is_wanted and self._loading.comes_first():
                threads.sleep(AGAIN)
            self._early.journal.sweep()  # a start has no time for that
        paths = None
        if (parts := self._late.get()) is None:
            return
        while self.active:
            paths = self._steps.wait(self._steps.take(paths))
            if self._must_scan:
                paths, self._must_scan = None, False
        parts.end()


def _overridden(chosen: Settings) -> tuple[Settings, tuple[str, ...], tuple[str, ...]]:
    """The settings as the environment changes them: see environment.Overridden."""
    variables = settings.environment()
    if not any(name.lower().startswith("wsgireload_") for name in variables):
        return chosen, (), ()
    from wsgireload.environment import overridden  # few sites have one

    return overridden(chosen, variables)
