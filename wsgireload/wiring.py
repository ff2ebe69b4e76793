"""The parts of a monitor, chosen by the settings and the server, and put in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

from wsgireload import settings
from wsgireload.changes import fingerprint
from wsgireload.decide.apache_config import ApacheConfig
from wsgireload.decide.budget import Budget
from wsgireload.decide.compiler import Compiler
from wsgireload.decide.pause import Paused
from wsgireload.decide.rolling import Rolling
from wsgireload.decide.settle import Settle
from wsgireload.decide.syntax import StaleBytecode, Syntax
from wsgireload.decide.timing import Handover, Timing
from wsgireload.decide.verdict import Gate
from wsgireload.detect.baseline import Absence, Baseline
from wsgireload.detect.bytecode import freshen
from wsgireload.detect.detector import Detector
from wsgireload.detect.imports import Imports
from wsgireload.detect.missing import path_files
from wsgireload.detect.modules import Modules
from wsgireload.log import Log, Word
from wsgireload.reloader import Reloader
from wsgireload.report import Status
from wsgireload.server import detection, native
from wsgireload.server.detection import Server
from wsgireload.server.restart import Restart
from wsgireload.server.running import requests
from wsgireload.settings import Settings
from wsgireload.state.group_epoch import GroupEpoch
from wsgireload.state.group_lease import GroupLease
from wsgireload.state.journal import Journal
from wsgireload.state.own_writes import OwnWrites
from wsgireload.state.pause import application_name
from wsgireload.state.private_dir import NO_GROUP, Candidates
from wsgireload.state.shared_answer import SharedAnswer
from wsgireload.state.status_file import StatusFile
from wsgireload.watch.events import Events, NoEvents
from wsgireload.watch.wakeup import EventWakeup, Wakeup


class Parts:
    """The parts of a monitor, made but not running."""

    def __init__(
        self,
        chosen: Settings,
        server: Server,
        log: Log,
        checkpoint: Callable[[], None],
        on_import: Callable[[], None],
    ) -> None:
        """`checkpoint` may raise to end a step in the middle.

        `on_import` is called in the importing thread when modules come after a while without any.
        """
        self._chosen = chosen
        self._server = server
        self._trouble = partial(log.say_once, Word.WATCHING)
        self._folders = Candidates(settings.state_folders(), self._trouble)
        # mod_wsgi's daemon processes alone can be replaced by a request, or with their group.
        self._daemon = server.mod_wsgi if server.kind == "daemon" else None
        # The same application: in this Apache, and in any Apache of this user.
        parent = detection.process_identity(server.parent)
        here = fingerprint(f"{parent} {server.kind} {server.process_group}".encode())
        script = detection.script()
        self._group = application_name(server.kind, server.process_group, script)

        # A service script is never done, and other servers have none.
        has_script = server.mod_wsgi is not None and not server.is_service
        self.is_loading = detection.scripts_loading if has_script else lambda: False
        self.is_up = detection.scripts_loaded if has_script else lambda: True

        clock, events = time.monotonic, self._events()
        self.imports = Imports(on_import)
        self.detector = self._detector(log, events, checkpoint)
        interpreter = fingerprint(server.application.encode())
        group, interval = server.process_group, chosen.interval
        self.status_file = StatusFile(self._folders, interpreter, group, interval, self._group)
        self.pause = Paused(self.status_file.pause, clock, time.time)
        self.budget = self._budget(here)
        self.restart = self._restart()
        settle = Settle(chosen.settle, clock)
        handover = self._handover()
        compiler = Compiler(settings.environment(), clock)
        self.gates = [
            self.pause,
            settle,
            Syntax(checkpoint, compiler),
            *self._checks(here),
            self.budget,
        ]
        self.requests = requests(server.mod_wsgi)
        self.gates += [*self._rolling(), StaleBytecode(freshen, log), *self._timing(handover)]
        self.reloader = Reloader(
            self.detector, self.gates, self.restart, self.budget, handover, log
        )
        self.wakeup = self._wakeup(events, settle)

    def complete(self, status: Status) -> Status:
        """Return a status with what the parts report; from any thread."""
        reloader, budget = self.reloader, self.budget
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
            beside=detection.other_reloader(),
            paused=self.pause.until,
            script=detection.script() or None,
            requests=self.requests.count,
            list_paths=self.detector.paths,
        )

    def _detector(
        self, log: Log, events: Events | NoEvents, checkpoint: Callable[[], None]
    ) -> Detector:
        # A process that was forked from one with modules in it was not empty when it began.
        started = detection.process_started() if self._chosen.server is None else None
        baseline = Baseline(self.imports, Absence(started), Modules())
        detector = Detector(self._chosen, log, events, baseline, checkpoint)
        detector.track(path_files())
        return detector

    def _restart(self) -> Restart:
        if self._server.kind == "windows":
            return Restart(self._chosen.linger, time.monotonic)
        # In a service script mod_wsgi waits for no signal, but has Python raise SystemExit.
        signals = ("SIGTERM", "SIGINT") if self._server.is_service else ("SIGINT", "SIGTERM")
        return Restart(0.0, time.monotonic, signals)

    def _wakeup(self, events: Events | NoEvents, settle: Settle) -> Wakeup:
        if isinstance(events, NoEvents):
            return Wakeup()

        def prefetch() -> None:
            for gate in self.gates:
                gate.prefetch()

        return EventWakeup(events, settle.notice, self.detector.is_watched, prefetch)

    def _events(self) -> Events | NoEvents:
        """The operating system's events, if it has any; else everything is polled."""
        if self._chosen.watch == "poll":
            return NoEvents()
        try:
            return Events(trust=self._chosen.watch == "events", trouble=self._trouble)
        except Exception as error:  # most likely a NativeError
            why = getattr(error, "message", error)
            self._trouble(f"everything is polled, every {self._chosen.interval:g} s: {why}")
            return NoEvents()

    def _checks(self, application: str) -> Iterator[Gate]:
        """The checks that run in the background: of Apache's configuration, and the user's own."""
        if self._server.kind == "windows" and self._chosen.check_config:
            # Elsewhere no restart reads the configuration again.
            yield ApacheConfig(native.command_line(), settings.environment(), time.monotonic)
        if self._chosen.preflight is not None:
            from wsgireload.decide import preflight

            words = self._chosen.preflight
            yield preflight.Preflight(
                preflight.command(words, detection.script_paths()),
                preflight.folder(words, detection.script_folder()),
                preflight.environment(settings.environment()),
                SharedAnswer(self._folders, f"{application}.preflight"),
                time.monotonic,
            )

    def _budget(self, application: str) -> Budget:
        started, clock = detection.process_started(), time.monotonic
        began = None if started is None else clock() - (time.time() - started)
        first = detection.is_first_child()
        return Budget(
            self._chosen.budget,
            Journal(self._folders, application, clock, began, first),
            OwnWrites(self._folders, self.is_up),
            self._server.processes,
            clock,
        )

    def _rolling(self) -> Iterator[Gate]:
        rolling = self._chosen.rolling
        if rolling:
            machine = Rolling(self._folders, self._group, self.is_up, time.monotonic)
            yield machine if isinstance(rolling, bool) else self._turn(rolling, machine)

    def _turn(self, rolling: str | tuple[str, ...], machine: Rolling) -> Gate:
        """The turn of a fleet, of which this machine is one."""
        from wsgireload.coordinator import LIFE, Coordinator
        from wsgireload.decide import coordinator, preflight, turn
        from wsgireload.server.machine import owner

        life = Coordinator.of(rolling).life if isinstance(rolling, str) else LIFE
        program = ("python", "-P", "-m", "wsgireload.turn")
        words = (*program, rolling) if isinstance(rolling, str) else rolling
        environment = settings.environment()
        requests = coordinator.Requests(
            preflight.command(words),
            owner(environment),
            preflight.environment(environment),
            preflight.folder(words, detection.script_folder()),
            time.monotonic,
        )
        version = partial(turn.version, self._chosen.trigger)
        return turn.Turn(machine, requests, version, self._trouble, life, time.monotonic)

    def _timing(self, handover: Handover) -> Iterator[Gate]:
        when = self._chosen.when
        if self._daemon is not None and not self._server.is_service and when != "now":
            patience, hook = self._chosen.patience, detection.reload_hook
            yield Timing(when, patience, handover, self.requests, hook, time.monotonic)
        elif when == "next-request":
            self._trouble("no request can trigger a restart here: when='now' applies")

    def _handover(self) -> Handover:
        """Of the process group, if there is one; a process that rolls is on its own."""
        is_alone = self._daemon is None or self._server.processes == 1 or self._chosen.rolling
        folders = NO_GROUP if is_alone else self._folders
        epoch = GroupEpoch(folders, f"{self._group}.call")
        lease = GroupLease(folders, f"{self._group}.wait")
        return Handover(epoch, lambda: self.restart.follows_rejection, lease)
