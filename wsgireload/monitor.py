"""The life of a monitor: its thread, how it ends, and what it tells of itself."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from wsgireload import loaded, settings
from wsgireload import server as servers
from wsgireload.checksums import Digest, fingerprint, marks_plainly, open_plainly
from wsgireload.config import ConfigCheck
from wsgireload.errors import NativeError
from wsgireload.events import Events
from wsgireload.journal import Journal
from wsgireload.log import Log, Word, few, shown
from wsgireload.moment import Moment
from wsgireload.reloader import ANYWHERE, Reloader
from wsgireload.restart import Restart
from wsgireload.server import Server
from wsgireload.settings import Settings
from wsgireload.sources import script_folder, scripts_ask
from wsgireload.wakeup import EventWakeup, Stir, Wakeup
from wsgireload.watched import Watched, note

TYPE_CHECKING = False  # as typing has it, without importing typing, which is large
if TYPE_CHECKING:
    from wsgireload.preflight import Preflight
    from wsgireload.program import Programs
    from wsgireload.report import Status

LONG_AGO = 60.0  # seconds: a restart that lies further back is not told as the one just made


class StopLooking(BaseException):
    """Ends a look in the middle: the monitor has been told to stop."""


class Monitor:
    """Watches for this interpreter, from a thread of its own, until it is stopped.

    `active` says whether it may restart, `reason` in one sentence why not.
    """

    def __init__(self, chosen: Settings, server: Server, refusal: str | None) -> None:
        self.reason = refusal
        self._server = server
        self._log = Log(server.application)
        self._wakeup = Wakeup()
        self._stopped = refusal is not None
        self._thread: threading.Thread | None = None
        self._check: ConfigCheck | None = None
        self._preflight: Preflight | None = None
        self._moment: Moment | None = None
        self._settings = chosen
        if refusal is None:
            self._prepare(chosen, server)

    def _prepare(self, chosen: Settings, server: Server) -> None:
        windows = server.kind == "windows"
        self._watched = self._watch(chosen)
        self._journal = Journal(
            settings.state_folders(),
            fingerprint(f"{server.parent} {server.kind} {server.process_group}".encode()),
            partial(self._log.say_once, Word.WATCHING),
        )
        if windows and chosen.check_config:  # elsewhere no restart reads the configuration again
            self._check = ConfigCheck(servers.command(), settings.environment(), time.monotonic)
        if chosen.preflight is not None:
            self._preflight = self._flight(chosen.preflight)
        self._restart = Restart(chosen.linger if windows else 0.0)
        self._reloader = Reloader(
            chosen,
            self._watched,
            self._journal,
            self._restart,
            self._log,
            time.monotonic,
            server.processes,
            self._check,
            self._right_moment(chosen, server),
            self._preflight,
        )

    def _watch(self, chosen: Settings) -> Watched:
        # A process that was forked from one with modules in it was not empty when it began.
        own = loaded.process_started() if chosen.server is None else None
        opener = servers.opener() or open_plainly
        self._imports = loaded.Imports(lambda path: self._imported(path, opener))
        return Watched(
            chosen.ignore,
            self._log,
            self._imports,
            loaded.Moments(own),
            self._checkpoint,
            opener=opener,
            marks=servers.marks() or marks_plainly,
            programs=_programs() if chosen.compare == "code" else None,
        )

    def _right_moment(self, chosen: Settings, server: Server) -> Moment | None:
        """Where requests may have us restart: in mod_wsgi's daemon processes."""
        if server.kind == "daemon" and server.mod_wsgi is not None:
            self._moment = Moment(
                chosen.when,
                partial(servers.running_requests, server.mod_wsgi),
                scripts_ask,
                time.monotonic,
            )
        elif chosen.when == "next-request":
            self._log.say_once(Word.WATCHING, "no request can ask for a restart here: when='now'")
        return self._moment

    def _flight(self, words: Sequence[str]) -> Preflight:
        from wsgireload.preflight import Preflight, command, environment  # few ask for it

        folder, known = script_folder(), environment(settings.environment())
        return Preflight(command(words), folder, known, self._journal, time.monotonic)

    @property
    def active(self) -> bool:
        """Whether this monitor may restart."""
        return not self._stopped

    def start(self) -> None:
        """Begin to watch; an inactive monitor says why it does not."""
        if self._stopped:
            self._log.say(Word.INACTIVE, str(self.reason))
            return
        self._imports.install()
        if self._settings.track:
            self._watched.track(self._settings.track)
        if self._settings.trigger:
            self._watched.track([self._settings.trigger])
        try:
            self._thread = _begin(self._run)
        except RuntimeError as error:
            self._end(f"this interpreter does not let a thread start: {error}")
            self._log.say(Word.INACTIVE, str(self.reason))

    def reload_required(self) -> bool:
        """Whether the next request is to be answered by another process: see moment.py."""
        return self._moment is not None and self._moment.required()

    def track(self, *paths: str | os.PathLike[str]) -> None:
        """Watch more files, folders or globs; SettingsError for what is no path."""
        more = settings.paths("track", paths)
        if not self._stopped:
            self._watched.track(more)
            self._wakeup.wake()

    def restart(self, reason: str = "no reason given") -> bool:
        """Restart now, with the same guards; False where this monitor may not."""
        if self._stopped:
            self._log.say(Word.INACTIVE, f"no restart ({reason}): {self.reason}")
            return False
        self._reloader.by_hand = reason
        self._wakeup.wake()
        return True

    def status(self) -> Status:
        """What this monitor knows of itself now."""
        from dataclasses import replace

        from wsgireload.report import Status

        server, watching = self._server, self._thread is not None
        told = Status(self.active, self.reason, server.kind, os.getpid(), server.application)
        if not watching:
            return told
        reloader = self._reloader
        return replace(
            told,
            files=len(self._watched),
            looks=reloader.looks,
            changed=tuple(reloader.differs),
            holding=reloader.hold.reason if reloader.hold else None,
        )

    def leave(self, timeout: float) -> None:
        """As `stop`, when this process ends."""
        if not self._stopped:
            self._restart.leaving()
            self._reloader.leave()
        self.stop(timeout)

    def stop(self, timeout: float = 5.0) -> None:
        """End the thread, and wait so many seconds for that; stopping twice does no harm."""
        self._end("it was stopped")
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def forget(self) -> None:
        """In a forked child: there is no thread here, and no lock of the parent's is touched."""
        self._stopped, self._thread = True, None
        self.reason = "this process was forked from the one that started the monitor"
        self._imports.remove()

    def _end(self, reason: str) -> None:
        if not self._stopped:
            self._stopped, self.reason = True, reason
            self._imports.remove()
            self._wakeup.wake()

    def _imported(self, path: str, opener: Callable[[str], int]) -> Digest | None:
        """Called in the thread that imports, before the file is loaded."""
        if not self._watched.growing:  # the first after a while: there is something to listen to
            self._watched.growing = True
            self._wakeup.wake()
        return note(path, opener)

    def _checkpoint(self) -> None:
        if self._stopped:
            raise StopLooking

    def _run(self) -> None:
        """The thread: one step after another until stopped. What a step raises does not end it."""
        turn, stir = self._greet, ANYWHERE
        self._hear()
        while not self._stopped:
            stir = self._wakeup.wait(self._guarded(turn, stir) or self._settings.interval)
            turn = self._reloader.step
        self._wakeup.end()
        for running in (self._check, self._preflight):
            if running is not None:
                running.stop()

    def _hear(self) -> None:
        """Have the operating system wake us, where it can; else we look at everything each time."""
        if self._settings.watch == "poll":
            return
        trouble = partial(self._log.say_once, Word.WATCHING)
        try:
            events = Events(trust=self._settings.watch == "events", trouble=trouble)
        except NativeError as error:
            trouble(f"everything is polled, every {self._settings.interval:g} s: {error.message}")
            return
        self._watched.events = events
        self._wakeup = EventWakeup(
            events,
            self._settings.settle,
            self._reloader.patience,
            self._watched.concerns,
            self._check.foresee if self._check is not None else None,
        )

    def _guarded(self, turn: Callable[[Stir], float], stir: Stir) -> float | None:
        try:
            return turn(stir)
        except StopLooking:
            return None
        except Exception:  # the site must not suffer from what we did not foresee
            import traceback

            trouble = f"a look failed and will be tried again:\n{traceback.format_exc()}"
            self._log.say_once(Word.HOLDING, trouble)
            return None

    def _greet(self, stir: Stir) -> float:
        """Take the first look, and say what is watched and, after a restart, why there was one."""
        before = self._journal.claim()
        pause = self._reloader.step(stir)
        if before is not None and time.monotonic() - before.at < LONG_AGO:
            lasted = time.monotonic() - before.at
            self._log.say(Word.RELOADED, f"{before.reason}; new code up after {lasted:.2f} s")
        text = f"{len(self._watched)} files"
        if unproven := self._watched.unproven:
            text += f"; taken as loaded without proof: {few(map(shown, unproven))}"
        self._log.say(Word.WATCHING, text)
        return pause


def _programs() -> Programs:
    from wsgireload.program import Programs  # it takes a while, and few ask for it

    return Programs()


def _begin(run: Callable[[], None]) -> threading.Thread:
    """Start the thread; an interpreter with a GIL of its own forbids daemon threads."""
    for daemon in (True, False):
        try:
            thread = threading.Thread(target=run, name="wsgireload", daemon=daemon)
            thread.start()
        except RuntimeError:
            if not daemon:
                raise
        else:
            return thread
    raise AssertionError("unreachable")
