"""The parts of a monitor, chosen by the settings and the server, and put in order.

Imported, and made, once the application is loaded. What cannot wait for that is in early.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from wsgireload import (
    settings,
    streaming,  # noqa: F401 - requests use it, also after an upgrade has replaced its file
)
from wsgireload.changes import fingerprint
from wsgireload.decide.binaries import Binaries
from wsgireload.decide.compiler import Compiler
from wsgireload.decide.missing_modules import MissingModules
from wsgireload.decide.neighbours import Neighbours
from wsgireload.decide.pause import Paused
from wsgireload.decide.settle import Settle
from wsgireload.decide.syntax import StaleBytecode, Syntax
from wsgireload.decide.timing import Handover, Timing
from wsgireload.decide.verdict import Gate
from wsgireload.detect.bytecode import fault_of, freshen
from wsgireload.detect.detector import Detector
from wsgireload.detect.importers import Importers
from wsgireload.detect.modules import cached, compiles
from wsgireload.detect.tracked import path_files
from wsgireload.log import Log, Word
from wsgireload.monitor.early import Early
from wsgireload.reloader import Reloader
from wsgireload.report import Status
from wsgireload.server import apache, detection, native
from wsgireload.server.detection import Server
from wsgireload.server.recipe import other_reloader
from wsgireload.server.restart import Restart
from wsgireload.settings import Settings
from wsgireload.state.group import GroupEpoch, GroupLease, SharedAnswer
from wsgireload.state.pause import application_name
from wsgireload.state.private_dir import NO_GROUP
from wsgireload.state.status_file import StatusFile
from wsgireload.threads import time
from wsgireload.watch.events import Events
from wsgireload.watch.wakeup import EventWakeup, NoEvents, Pace, Wakeup, Writing

if TYPE_CHECKING:
    from wsgireload.decide.rolling import Rolling
    from wsgireload.monitor.loading import Loading


class Parts:
    """The parts of a monitor, made but not running."""

    def __init__(
        self,
        chosen: Settings,
        server: Server,
        log: Log,
        early: Early,
        checkpoint: Callable[[], None],
    ) -> None:
        """`checkpoint` may raise to end a step in the middle."""
        self._chosen = chosen
        self._server = server
        self._log = log
        self._early = early
        self._checkpoint = checkpoint
        self._trouble = partial(log.say_once, Word.WATCHING)
        # mod_wsgi's daemon processes alone can be replaced by a request, or with their group.
        self._daemon = server.mod_wsgi if server.kind == "daemon" else None
        self._named = server.kind, server.process_group, detection.script()
        self._group = application_name(*self._named)  # the same in any Apache of this user

        clock, events, budget = time.monotonic, self._events(), early.budget
        self.detector = Detector(chosen, log, events, early.baseline, checkpoint)
        self.detector.track(path_files())
        self.pace = Pace(chosen.interval, clock)
        self.status_file = self._status_file()
        events.listen_for(self.status_file.requests)
        self.pause = Paused(self.status_file.pause, clock, time.time)
        self.restart = Restart.of(server, chosen.linger)
        # A process that rolls is on its own.
        self._is_alone = self._daemon is None or server.processes == 1 or chosen.rolling
        # Each process of a group has time to report its requests, before the first is replaced.
        brief, writing = chosen.settle_alone if self._is_alone else None, Writing(clock)
        settle = Settle(chosen.settle, clock, brief, writing.left)
        handover = self._handover()
        self.gates = self._gates(settle, handover)
        self.reloader = Reloader(self.detector, self.gates, self.restart, budget, handover, log)
        self.wakeup = self._wakeup(events, settle, writing)

    def complete(self, status: Status) -> Status:
        """Return a status with what the parts report; from any thread."""
        reloader, budget = self.reloader, self._early.budget
        hold, made_by = reloader.hold, budget.made_by  # once: another thread changes them
        return status._replace(
            files=len(self.detector),
            own=self.detector.own,
            looks=reloader.scans,
            changed=tuple(reloader.changes.files),
            holding=hold.reason if hold else None,
            held=hold.place if hold else None,
            output=hold.output if hold else None,
            restarting=reloader.restarting,
            generation=budget.generation,
            reloaded=made_by.reason if made_by else None,
            history=budget.history,
            waiting=reloader.awaited,
            beside=other_reloader(),
            paused=self.pause.until,
            script=detection.script() or None,
            requests=self._early.requests.count,
            processes=self._server.processes,
            preloaded=self._early.requests.preloaded if self._early.is_up() else None,
            list_paths=self.detector.paths,
        )

    def write_status(self, status: Callable[[], Status], loading: Loading) -> None:
        """Write the status file if what is reportable of the status has changed."""
        reloader, budget = self.reloader, self._early.budget
        happening = reloader.changes.files, reloader.hold, reloader.restarting, reloader.awaited
        beside = other_reloader()
        if beside is not None:
            self._log.say_once(Word.WATCHING, beside, loud=True)
        known = loading.failed, loading.slow
        state = len(self.detector), budget.history, beside, self.pause.until, known
        is_decided = loading.is_known and reloader.is_decided and not self.detector.undecided
        count = self._early.requests.count
        self.status_file.write((*state, *happening), status, count, is_decided=is_decided)

    def leave(self, status: Callable[[], Status]) -> bool:
        """This process ends; returns whether a restart of ours has brought it about."""
        is_ours = self.reloader.is_coming
        self.restart.leaving()
        self.reloader.leave()
        if is_ours:
            self.status_file.keep_last(status)
        return is_ours

    def end(self) -> None:
        self.status_file.remove()
        self.wakeup.end()
        for gate in self.gates:
            gate.end()

    def forget(self) -> None:
        """This is a forked child: see `Gate.forget`."""
        self.wakeup.end()
        for gate in self.gates:
            gate.forget()

    def _status_file(self) -> StatusFile:
        server, interval = self._server, self._chosen.interval
        interpreter = fingerprint(server.application.encode())
        identities = apache.identities(server.parent)
        own = application_name(*self._named, identities[-1])
        described = interpreter, server.process_group, interval, own, identities
        return StatusFile(self._early.folders, *described)

    def _gates(self, settle: Settle, handover: Handover) -> list[Gate]:
        compiler = Compiler(settings.environment(), time.monotonic, cached)
        doubts = settle.left_in_doubt, settle.is_endless
        return [
            self.pause,
            settle,
            Syntax(self._checkpoint, compiler, *doubts, compiles),
            Binaries(fault_of, self.detector.is_binary_module, native.path()),
            *self._checks(),
            Neighbours(self.status_file.neighbours, self.status_file.request_scan, time.monotonic),
            self._early.budget,
            *self._rolling(),
            StaleBytecode(freshen, self._log),
            *self._timing(handover),
        ]

    def _wakeup(self, events: Events | NoEvents, settle: Settle, writing: Writing) -> Wakeup:
        if not isinstance(events, Events):
            return Wakeup()

        def prefetch() -> None:
            for gate in self.gates:
                gate.prefetch()

        return EventWakeup(events, settle.notice, self.detector.is_watched, prefetch, writing)

    def _events(self) -> Events | NoEvents:
        """The operating system's events, if it has any; else everything is polled."""
        if self._chosen.watch != "poll":
            try:
                return Events(trust=self._chosen.watch == "events", trouble=self._trouble)
            except Exception as error:  # most likely a NativeError
                why = getattr(error, "message", error)
                self._trouble(f"everything is polled, every {self._chosen.interval:g} s: {why}")
        return NoEvents()

    def _checks(self) -> Iterator[Gate]:
        """Of modules; in the background that of Apache's configuration, and the user's own."""
        if self._chosen.preflight != "import":  # which tries whether the new code does without them
            importers = Importers(self._early.links, self._checkpoint)
            yield MissingModules(importers, self.detector.unread)
        if self._server.kind == "windows" and self._chosen.check_config:
            from wsgireload.decide.apache_config import ApacheConfig
            from wsgireload.decide.unchecked import Unchecked

            # Elsewhere no restart reads the configuration again.
            for gate in (ApacheConfig, Unchecked):
                yield gate(native.command_line(), settings.environment(), time.monotonic)
        if (words := self._chosen.preflight) is not None:
            from wsgireload.decide import preflight

            shared = SharedAnswer(self._early.folders, f"{self._early.application}.preflight")
            command = preflight.prepared(words, preflight.LIMIT)
            yield preflight.Preflight(command, shared, time.monotonic)

    def _rolling(self) -> Iterator[Gate]:
        if rolling := self._chosen.rolling:
            from wsgireload.decide.rolling import Rolling

            machine = Rolling(self._early.folders, self._group, self._early.is_up, time.monotonic)
            yield machine if isinstance(rolling, bool) else self._turn(rolling, machine)

    def _turn(self, rolling: str | tuple[str, ...], machine: Rolling) -> Gate:
        """The turn of a fleet, of which this machine is one."""
        from wsgireload.coordinator import LIFE, Coordinator
        from wsgireload.decide import coordinator, preflight, turn

        life = Coordinator.of(rolling).life if isinstance(rolling, str) else LIFE
        program = ("python", "-P", "-m", "wsgireload.turn")
        words = (*program, rolling) if isinstance(rolling, str) else rolling
        owner = coordinator.owner(settings.environment())
        requests = coordinator.Requests(preflight.prepared(words, coordinator.LIMIT), owner)
        version = partial(turn.version, self._chosen.trigger)
        return turn.Turn(machine, requests, version, self._trouble, life, time.monotonic)

    def _timing(self, handover: Handover) -> Iterator[Gate]:
        when = self._chosen.when
        if self._daemon is not None and not self._server.is_service and when != "now":
            patience, hook = self._chosen.patience, detection.reload_hook
            yield Timing(when, patience, handover, self._early.requests, hook, time.monotonic)
        elif when == "next-request":
            self._trouble("no request can trigger a restart here: when='now' applies")

    def _handover(self) -> Handover:
        """Of the process group, if there is one."""
        folders = NO_GROUP if self._is_alone else self._early.folders
        epoch = GroupEpoch(folders, f"{self._group}.call", began=self._early.began)
        lease = GroupLease(folders, f"{self._group}.wait")
        return Handover(epoch, lambda: self.restart.follows_rejection, lease)
