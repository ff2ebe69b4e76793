"""When the application is loaded, and what the log says then: what is watched, and why."""

from __future__ import annotations

import sys
from _thread import get_ident
from collections.abc import Callable

from wsgireload.log import Event, Log, Word, few, shown
from wsgireload.monitor.early import Early
from wsgireload.monitor.stand_in import StandIn
from wsgireload.report import Failed, Status
from wsgireload.server import detection
from wsgireload.server.load_failure import LoadFailure, place_of
from wsgireload.threads import time

LONG_AGO = 60.0  # seconds: a restart that lies further back is not reported as the one just made
AGAIN = 0.02  # seconds between two checks whether the application is loaded
SLOWLY = 30.0  # seconds, after which the log reports that it is still being loaded
UNKNOWN = 1.0  # seconds in which mod_wsgi logs why loading has failed
FIRST = 2.0  # seconds of loading without a scan beside it; most applications are loaded by then
ANSWER = 0.1  # seconds after loading in which a request that waits for it is answered


class Loading:
    """The time from the start of a monitor until its application is loaded."""

    def __init__(
        self, early: Early, log: Log, restart: Callable[[], object] = lambda: None
    ) -> None:
        """`restart` requests another process where this one cannot load the script."""
        self._early = early
        self._log = log
        self._began = time.monotonic()
        self._has_script = early.is_loading()
        self.is_over = False  # the application is loaded
        self._failure = LoadFailure()
        self._restart = restart
        self._stand_in: StandIn | None = None
        self._failed_at: float | None = None  # it was noticed then; None while it is being loaded
        self._loaded_at: float | None = None  # likewise
        self._thread = 0  # the one that loads the script
        self._slow: str | None = None  # what the log says of it

    @property
    def failed(self) -> Failed | None:
        """Why the application could not be loaded, as long as it is not."""
        return None if self.is_over else self._failure.last

    @property
    def slow(self) -> str | None:
        """The log line about a script that takes long to load; None without one, or after it."""
        return self._slow if self._early.is_loading() else None

    def complete(self, status: Status) -> Status:
        """Return a status with what is known of loading; from any thread."""
        return status._replace(failed=self.failed, loading=self.slow)

    @property
    def is_known(self) -> bool:
        """Whether the application is loaded, or why it could not be."""
        return self.is_over or self.failed is not None

    def begin(self) -> None:
        """The monitor begins, in the thread that loads the script."""
        if self._has_script:
            self._thread = get_ident()
            script = detection.loading_script()
            if script is not None:
                self._stand_in = StandIn(script, self._restart)
                self._failure.on_failure = self._stand_in.begin
                name = script.__name__
                self._failure.is_gone = lambda: name not in sys.modules
            self._failure.watch()

    def end(self) -> None:
        self._failure.end()
        if self._stand_in is not None:
            self._stand_in.end()

    def comes_first(self) -> bool:
        """Whether a scan would delay the application: until it is loaded, and its first answer.

        A scan takes the GIL from the thread that loads. The import hook notes meanwhile what is
        loaded.
        """
        now = time.monotonic()
        if self._early.is_loading():
            return now - self._began < FIRST
        if not (self._has_script and self._early.is_up()):
            return False
        self._loaded_at = self._loaded_at or now
        return now - self._loaded_at < ANSWER and not self._early.requests.has_answered

    def goes_on(self, files: int) -> bool:
        """Whether to check again soon; called after a scan of `files`. Logs the end of loading."""
        if self.is_over:
            return False
        now = time.monotonic()
        if self._early.is_loading():
            self._failed_at = None
            if now - self._began < SLOWLY:
                return True
            self._report_slowness()
        elif self._has_script and not self._early.is_up():  # the next request loads it again
            self._failed_at = self._failed_at or now
            if self.failed is None and now - self._failed_at < UNKNOWN:
                return True
            self._report_failure()
        else:
            self.is_over = True
            self._failure.end()
            self._report(files)
        return False

    def _report_slowness(self) -> None:
        if self._slow is None:  # the place may be another one the next time
            place = place_of(self._thread)
            self._slow = text = f"the WSGI script is still being loaded{place and ': '}{place}"
            self._log.say(Word.WATCHING, text)

    def _report_failure(self) -> None:
        why, event = "the traceback above says why", Event("failed")
        if failed := self.failed:
            why, paths = failed.described(), (failed.path,) if failed.path else ()
            event = event._replace(paths=paths, line=failed.line, details=failed.traceback)
        text = f"the WSGI script could not be loaded: {why}"
        self._log.say_once(Word.WATCHING, text, loud=True, event=event)

    def _report(self, files: int) -> None:
        budget = self._early.budget
        up = self._loaded_at or time.monotonic()
        made_by = budget.made_by
        if made_by is not None and self._began - made_by.at < LONG_AGO:
            budget.complete(made_by._replace(up=up))
            took = f"new code up after {up - made_by.at:.2f} s"
            event = Event("reloaded", paths=made_by.paths, seconds=round(up - made_by.at, 3))
            text = f"{made_by.reason}; {took}{budget.repeated()}"
            self._log.say(Word.RELOADED, text, event=event)
        text = f"{files} files"
        if trigger := self._early.trigger:
            text += f"; nothing restarts until {shown(trigger)} changes"
        baseline = self._early.baseline
        for paths, when in (
            (baseline.unproven, "imported before start()"),
            (baseline.built, "written while the application was loaded"),
        ):
            if paths:
                text += f"; {when}, assumed unchanged: {few(map(shown, paths))}"
        self._log.say(Word.WATCHING, text)
