"""What a monitor works with: each part as the settings and the server want it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from wsgireload import settings
from wsgireload.decide.apache_config import ConfigCheck
from wsgireload.decide.timing import Moment
from wsgireload.detect import baseline as loaded
from wsgireload.detect.detector import Watched
from wsgireload.detect.digests import fingerprint, marks_plainly
from wsgireload.detect.modules import script, script_folder, scripts_ask, scripts_stand
from wsgireload.log import Log, Word
from wsgireload.reloader import Reloader
from wsgireload.server import detection as servers
from wsgireload.server.detection import Server
from wsgireload.server.files import open_plainly
from wsgireload.server.restart import Restart
from wsgireload.settings import Settings
from wsgireload.state.journal import Journal
from wsgireload.state.private_dir import first_private
from wsgireload.state.status_file import StatusFile

TYPE_CHECKING = False  # as typing has it, without importing typing, which is large
if TYPE_CHECKING:
    from wsgireload.decide.preflight import Preflight
    from wsgireload.decide.rolling import Roll
    from wsgireload.detect.bytecode import Programs
    from wsgireload.state.group_epoch import Call


class Parts:
    """The parts, made but not running. What few ask for is imported where they do.

    `imports` tells of the modules; `checkpoint` is called by whatever takes long.
    """

    def __init__(
        self,
        chosen: Settings,
        server: Server,
        log: Log,
        imports: loaded.Imports,
        checkpoint: Callable[[], None],
    ) -> None:
        self._chosen = chosen
        self._server = server
        self._trouble = partial(log.say_once, Word.WATCHING)
        self.watched = self._watch(log, imports, checkpoint)
        self.journal = Journal(
            settings.state_folders(),
            fingerprint(f"{server.parent} {server.kind} {server.process_group}".encode()),
            self._trouble,
        )
        interpreter = fingerprint(server.application.encode())
        self.status_file = StatusFile(settings.state_folders(), interpreter)
        windows = server.kind == "windows"
        self.check: ConfigCheck | None = None
        if windows and chosen.check_config:  # elsewhere no restart reads the configuration again
            self.check = ConfigCheck(servers.command(), settings.environment(), time.monotonic)
        self.preflight = self._flight(chosen.preflight) if chosen.preflight is not None else None
        self.roll = self._one_by_one() if chosen.rolling else None
        self.moment = self._right_moment()
        self.restart = Restart(chosen.linger if windows else 0.0)
        self.reloader = Reloader(
            chosen,
            self.watched,
            self.journal,
            self.restart,
            log,
            time.monotonic,
            server.processes,
            self.check,
            self.moment,
            self.preflight,
            self.roll,
        )

    def _watch(self, log: Log, imports: loaded.Imports, checkpoint: Callable[[], None]) -> Watched:
        # A process that was forked from one with modules in it was not empty when it began.
        own = loaded.process_started() if self._chosen.server is None else None
        return Watched(
            self._chosen.ignore,
            log,
            imports,
            loaded.Moments(own),
            checkpoint,
            opener=servers.opener() or open_plainly,
            marks=servers.marks() or marks_plainly,
            programs=_programs() if self._chosen.compare == "code" else None,
        )

    def _flight(self, words: Sequence[str]) -> Preflight:
        from wsgireload.decide.preflight import Preflight, command, environment

        folder, known = script_folder(), environment(settings.environment())
        return Preflight(command(words), folder, known, self.journal, time.monotonic)

    def _right_moment(self) -> Moment | None:
        """Where requests may have us restart: in mod_wsgi's daemon processes."""
        server = self._server
        if server.kind == "daemon" and server.mod_wsgi is not None:
            return Moment(
                self._chosen.when,
                partial(servers.running_requests, server.mod_wsgi),
                scripts_ask,
                time.monotonic,
                self._call() if server.processes > 1 and self.roll is None else None,
            )
        if self._chosen.when == "next-request":
            self._trouble("no request can ask for a restart here: when='now'")
        return None

    def _call(self) -> Call | None:
        from wsgireload.state.group_epoch import Call

        try:
            with first_private(settings.state_folders(), self._trouble) as folder:
                if folder is not None:
                    return Call(folder.keep(f"{self._together()}.call"), time.monotonic)
        except OSError as error:
            self._trouble(f"each process of the group notices by itself: {error}")
        return None

    def _one_by_one(self) -> Roll:
        from wsgireload.decide.rolling import Roll

        inside = self._server.mod_wsgi is not None
        stand = scripts_stand if inside else lambda: True
        return Roll(
            settings.state_folders(), self._together(), stand, self._trouble, time.monotonic
        )

    def _together(self) -> str:
        """A name for what serves the same: a process group, in any Apache of this user."""
        server = self._server
        return fingerprint(f"{server.kind} {server.process_group or script()}".encode())


def _programs() -> Programs:
    from wsgireload.detect.bytecode import Programs

    return Programs()
