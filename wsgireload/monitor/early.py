"""The parts of a monitor that have to be there before the application is loaded.

All others are imported and made after that: see wiring.py. Importing them takes the GIL, and time
from the application.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cached_property, partial
from typing import TYPE_CHECKING

from wsgireload import settings
from wsgireload.changes import fingerprint
from wsgireload.decide.budget import Budget
from wsgireload.detect.evidence import Absence, Noted
from wsgireload.detect.imports import Imports
from wsgireload.detect.links import Links
from wsgireload.detect.missing import is_text
from wsgireload.log import Log, Word
from wsgireload.server import detection, process
from wsgireload.server.detection import Server
from wsgireload.server.libraries import is_installed
from wsgireload.server.running import requests
from wsgireload.settings import Settings
from wsgireload.state.journal import Journal
from wsgireload.state.own_writes import OwnWrites
from wsgireload.state.private_dir import Candidates
from wsgireload.threads import time

if TYPE_CHECKING:
    from wsgireload.detect.baseline import Baseline


class Early:
    """They note what is loaded, what the application writes meanwhile, and its requests.

    `began` is the time of the monotonic clock at which they do so.
    """

    def __init__(
        self, chosen: Settings, server: Server, log: Log, on_import: Callable[[], None]
    ) -> None:
        """`on_import` is called in the importing thread when modules come after a while without."""
        self.began = time.monotonic()
        self.trigger = chosen.trigger
        # A service script is never done, and other servers have none.
        has_script = server.mod_wsgi is not None and not server.is_service
        self.is_loading = detection.scripts_loading if has_script else lambda: False
        self.is_up = detection.scripts_loaded if has_script else lambda: True
        started = process.started()
        entries = (path for path in filter(is_text, sys.path) if not is_installed(path))
        self.links = links = Links([*detection.script_paths(), *entries])
        self.imports = Imports(on_import, links)
        # A process that was forked from one with modules in it was not empty when it began.
        self._absence = Absence(started if chosen.server is None else None)
        self._noted = Noted()
        self._noted.note(map(links, [*chosen.track, *filter(None, [chosen.trigger])]))
        self.requests = requests(server.mod_wsgi)
        self.folders = Candidates(settings.state_folders(), partial(log.say_once, Word.WATCHING))
        parent = process.identity(server.parent)
        # The application in this Apache.
        here = f"{parent} {server.kind} {server.process_group}"
        self.application = fingerprint(here.encode())
        clock, first = time.monotonic, detection.is_first_child()
        began = None if started is None else clock() - (time.time() - started)
        self.journal = Journal(self.folders, self.application, clock, began, first)
        own_writes = OwnWrites(self.folders, self.is_up)
        self.budget = Budget(chosen.budget, self.journal, own_writes, server.processes, clock)

    @cached_property
    def baseline(self) -> Baseline:
        """What this process has loaded: needed by the first scan, and imported for that."""
        from wsgireload.detect.baseline import Baseline
        from wsgireload.detect.modules import Modules

        return Baseline(self.imports, self._absence, Modules(links=self.links), self._noted)
