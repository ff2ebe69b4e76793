"""The life of a monitor: its thread, how it ends, and what it tells of itself."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from functools import partial

from wsgireload import settings
from wsgireload.decide import budget
from wsgireload.detect import baseline as loaded
from wsgireload.detect.detector import note
from wsgireload.detect.digests import Digest
from wsgireload.log import Log, Word, few, shown
from wsgireload.reloader import ANYWHERE
from wsgireload.report import Held, Restarted, Status
from wsgireload.server import detection as servers
from wsgireload.server.detection import Server
from wsgireload.server.files import open_plainly
from wsgireload.settings import Settings
from wsgireload.state.history import restarts
from wsgireload.state.journal import RECENT
from wsgireload.watch.events import Events
from wsgireload.watch.wakeup import EventWakeup, Stir, Wakeup
from wsgireload.wiring import Parts

TYPE_CHECKING = False  # as typing has it, without importing typing, which is large
if TYPE_CHECKING:
    from wsgireload.decide.timing import Moment
    from wsgireload.state.journal import Entry

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
        self._settings = chosen
        self._moment: Moment | None = None
        self._since = time.time()
        self._before: Entry | None = None
        self._past: list[Entry] | None = None
        self._told: tuple[list[Entry] | None, tuple[Restarted, ...]] = (None, ())
        if refusal is None:
            opener = servers.opener() or open_plainly
            self._imports = loaded.Imports(lambda path: self._imported(path, opener))
            self._parts = Parts(chosen, server, self._log, self._imports, self._checkpoint)
            self._moment = self._parts.moment

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
        self._recall()
        if self._settings.track:
            self._parts.watched.track(self._settings.track)
        if self._settings.trigger:
            self._parts.watched.track([self._settings.trigger])
        try:
            self._thread = _begin(self._run)
        except RuntimeError as error:
            self._end(f"this interpreter does not let a thread start: {error}")
            self._log.say(Word.INACTIVE, str(self.reason))

    def _recall(self) -> None:
        """What came before this process. Known before it answers anything, as a page may show it:
        which takes a few small files.
        """
        try:
            self._before = self._parts.journal.claim()
            self._past = self._parts.journal.entries(RECENT * self._server.processes)
        except Exception as error:  # this is the application's own thread: it has to go on
            self._log.say_once(Word.WATCHING, f"what came before cannot be read: {error}")
        generations = [entry.generation for entry in self._past or ()]
        self._parts.reloader.generation = max(generations, default=0)

    def reload_required(self) -> bool:
        """Whether the next request is to be answered by another process: see moment.py."""
        return self._moment is not None and self._moment.required()

    def track(self, *paths: str | os.PathLike[str]) -> None:
        """Watch more files, folders or globs; SettingsError for what is no path."""
        more = settings.paths("track", paths)
        if not self._stopped:
            self._parts.watched.track(more)
            self._wakeup.wake()

    def restart(self, reason: str = "no reason given") -> bool:
        """Restart now, with the same guards; False where this monitor may not."""
        if self._stopped:
            self._log.say(Word.INACTIVE, f"no restart ({reason}): {self.reason}")
            return False
        self._parts.reloader.by_hand = reason
        self._wakeup.wake()
        return True

    def status(self) -> Status:
        """Return what this monitor knows of itself now."""
        told = Status(
            active=self.active,
            reason=self.reason,
            server=self._server.kind,
            pid=os.getpid(),
            application=self._server.application,
            parent=self._server.parent,
            since=self._since,
        )
        if self._thread is None:
            return told
        reloader, hold = self._parts.reloader, self._parts.reloader.hold
        held = None
        if hold is not None and hold.path is not None:
            held = Held(hold.path, hold.line, hold.column, hold.text, hold.error)
        return told._replace(
            files=len(self._parts.watched),
            looks=reloader.looks,
            changed=tuple(reloader.differs),
            holding=hold.reason if hold else None,
            held=held,
            restarting=reloader.restarting,
            generation=None if self._past is None else reloader.generation,
            reloaded=self._before.reason if self._before else None,
            history=self._history(self._past),
            list_paths=self._parts.watched.paths,
        )

    def _history(self, past: list[Entry] | None) -> tuple[Restarted, ...]:
        """Return the earlier restarts. Cached, as the page and the state file read them often."""
        if past is not None and self._told[0] is not past:
            pairs = ((entry.at, entry.what) for entry in past)
            times = set(budget.distinct(pairs, self._server.processes))
            first = [entry for entry in past if entry.at in times]
            self._told = past, restarts(first, time.time() - time.monotonic())
        return self._told[1]

    def _publish(self) -> None:
        if not self._parts.watched.growing:
            group = self._server.process_group
            self._parts.status_file.write(self.status(), group, self._settings.interval)

    def leave(self, timeout: float) -> None:
        """As `stop`, when this process ends."""
        if not self._stopped:
            self._parts.restart.leaving()
            self._parts.reloader.leave()
        self._finish(timeout)

    def stop(self, timeout: float = 5.0) -> None:
        """End the thread, and wait so many seconds for that; stopping twice does no harm."""
        ran = not self._stopped
        self._finish(timeout)
        if ran:
            self._parts.reloader.stay()

    def _finish(self, timeout: float) -> None:
        self._end("it was stopped")
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def forget(self) -> None:
        """In a forked child: there is no thread here, and no lock of the parent's is touched."""
        if not self._stopped:
            self._imports.remove()
            self._wakeup.end()  # the child's copy of the events' handle: the parent watches on
            if self._parts.roll is not None:
                self._parts.roll.forget()
        self._stopped, self._thread = True, None
        self.reason = "this process was forked from the one that started the monitor"

    def _end(self, reason: str) -> None:
        if not self._stopped:
            self._stopped, self.reason = True, reason
            self._imports.remove()
            self._wakeup.wake()

    def _imported(self, path: str, opener: Callable[[str], int]) -> Digest | None:
        """Called in the thread that imports, before the file is loaded."""
        watched = self._parts.watched
        if not watched.growing:  # the first after a while: there is something to listen to
            watched.growing = True
            self._wakeup.wake()
        digest = note(path, opener)
        loaded.distrust(path)
        return digest

    def _checkpoint(self) -> None:
        if self._stopped:
            raise StopLooking

    def _run(self) -> None:
        """The thread: one step after another until stopped. What a step raises does not end it."""
        turn, stir = self._greet, ANYWHERE
        self._hear()
        while not self._stopped:
            stir = self._wakeup.wait(self._guarded(turn, stir) or self._settings.interval)
            turn = self._parts.reloader.step
        self._parts.status_file.remove()
        self._wakeup.end()
        for running in (self._parts.check, self._parts.preflight):
            if running is not None:
                running.stop()

    def _hear(self) -> None:
        """Have the operating system wake us, where it can; else we look at everything each time."""
        if self._settings.watch == "poll":
            return
        trouble = partial(self._log.say_once, Word.WATCHING)
        try:
            events = Events(trust=self._settings.watch == "events", trouble=trouble)
        except Exception as error:  # most likely a NativeError
            why = getattr(error, "message", error)
            trouble(f"everything is polled, every {self._settings.interval:g} s: {why}")
            return
        self._parts.watched.events = events
        self._wakeup = EventWakeup(
            events,
            self._settings.settle,
            self._parts.reloader.patience,
            self._parts.watched.concerns,
            self._parts.check.foresee if self._parts.check is not None else None,
        )

    def _guarded(self, turn: Callable[[Stir], float], stir: Stir) -> float | None:
        try:
            if self._parts.status_file.restart_requested():
                self._parts.reloader.by_hand = "wsgireload restart"
            pause = turn(stir)
            self._publish()
            return pause
        except StopLooking:
            return None
        except Exception:  # the site must not suffer from what we did not foresee
            import traceback

            lines = " / ".join(map(str.strip, traceback.format_exc().splitlines()))
            self._log.say_once(Word.HOLDING, f"a look failed and will be tried again: {lines}")
            return None

    def _greet(self, stir: Stir) -> float:
        """Take the first look, and say what is watched and, after a restart, why there was one."""
        pause = self._parts.reloader.step(stir)
        before, up = self._before, time.monotonic()
        if before is not None and up - before.at < LONG_AGO:
            self._log.say(
                Word.RELOADED, f"{before.reason}; new code up after {up - before.at:.2f} s"
            )
            self._answer(before.but(up=up))
        text = f"{len(self._parts.watched)} files"
        if unproven := self._parts.watched.unproven:
            text += f"; taken as loaded without proof: {few(map(shown, unproven))}"
        self._log.say(Word.WATCHING, text)
        return pause

    def _answer(self, entry: Entry) -> None:
        """Note that the new code is up, for this process and for those that come after it."""
        self._parts.journal.answered(entry)
        self._past = [entry if each.at == entry.at else each for each in self._past or ()]


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
