"""A process that watches a site which is saved again and again, and what has to come of it.

All the monitor's parts are real, and so is the clock: events, the wait for quiet, what is watched,
the flow. Stand-ins are the modules, the journal (with a budget there would be no more than ten
restarts a minute) and the server that is asked.
"""

from __future__ import annotations

import os
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from importlib.util import spec_from_file_location
from itertools import cycle
from pathlib import Path
from types import ModuleType

from support.reloading import make_reloader
from support.saves import IDLE_WAYS, WAYS, Save
from wsgireload.decide.settle import Settle
from wsgireload.detect.baseline import Baseline
from wsgireload.detect.detector import Detector
from wsgireload.detect.digest import Digest, digest_of
from wsgireload.detect.modules import Modules
from wsgireload.log import Log
from wsgireload.server.watcher import Watcher
from wsgireload.settings import Settings
from wsgireload.watch.events import Events
from wsgireload.watch.wakeup import EventWakeup, NoEvents, Wakeup, Writing

MODULES, TEMPLATES, LASTS = 400, 100, 20
SETTLE = 0.01  # seconds
DEADLINE = 20.0


class Forgetful:
    """Stands in for the journal: there is always budget left."""

    def entries(self) -> list[object]:
        return []

    def record(self, _entry: object) -> bool:
        return True

    def withdraw(self, _entry: object) -> None:
        """Nothing was kept."""


class Server:
    """Stands in for the native module: counts the requests to restart."""

    requests = 0

    def restart(self) -> bool:
        self.requests += 1
        return True


class Process:
    """What watches in one life of the application."""

    def __init__(self, site: Site, events: Events | None) -> None:
        self.site = site
        self.events = events
        self.imported: deque[tuple[str, Digest]] = deque()
        self.modules: dict[str, ModuleType] = {}
        for path in site.modules:
            name = f"{path.parent.name}.{path.stem}"
            self.modules[name] = module = ModuleType(name)
            module.__file__ = str(path)
            module.__spec__ = spec_from_file_location(name, path)
            self.load(path)
        self.server = Server()
        self.log = Log("app")
        writing = Writing(time.monotonic)
        self.settle = Settle(SETTLE, time.monotonic, SETTLE / 5, writing.left)
        baseline = Baseline(self, self, Modules(self.modules))  # type: ignore[arg-type]
        tracking = Settings.of(track=site.templates)
        self.detector = Detector(tracking, self.log, events or NoEvents(), baseline, lambda: None)
        self.wakeup = Wakeup()
        if events is not None:
            watched = self.detector.is_watched
            self.wakeup = EventWakeup(events, self.settle.notice, watched, lambda: None, writing)
        self.reloaded()
        assert len(self.detector) == MODULES + TEMPLATES + LASTS

    def seen(self) -> Iterator[tuple[str, Digest]]:
        """Stands in for the import hook."""
        while self.imported:
            yield self.imported.popleft()

    def missing(self) -> Iterator[tuple[str, list[str]]]:
        """No import has failed."""
        return iter(())

    def until(self, _module: str) -> float:
        """Stands in for the times until which a module was absent."""
        return 0.0

    def load(self, path: Path) -> None:
        """Import a module, or read a template."""
        self.imported.append((str(path), digest_of(str(path))))

    def reloaded(self) -> None:
        """Begin anew, from what was loaded."""
        self.server = Server()
        self.differs: dict[str, Digest] = {}
        self.settle.reset()
        self.reloader = make_reloader(
            self.detector, Forgetful(), self.log, time.monotonic, self.settle
        )
        self.step(None if not len(self.detector) else set())
        assert self.differs == {}

    def step(self, paths: set[str] | None) -> None:
        """Take a step, or scan alone once a restart was requested."""
        if self.server.requests:
            files = self.detector.scan(paths)
        else:
            self.pause = min(self.reloader.step(paths), 1.0)
            files = self.reloader.changes.files
        self.differs = {path: change.digest for path, change in files.items()}

    def glance(self) -> None:
        """Scan in the midst of a save."""
        self.detector.scan(self.events.wait(0.0) if self.events is not None else None)

    def turns(self) -> None:
        """Take steps until all that happened by now was scanned, and is decided upon.

        On a busy machine a restart may be requested before all events have come: the rest has to
        come all the same.
        """
        end, known = time.monotonic() + DEADLINE, False
        while not known or (self.differs and not self.server.requests):
            assert time.monotonic() < end
            last = next(self.site.last)
            if not known:
                os.utime(last)  # events come in order
            paths = self.wakeup.wait(self.pause if self.events is not None or known else 0.0)
            self.step(paths)
            known = known or self.events is None or (paths is not None and str(last) in paths)


class Site:
    """The files, and what is in them."""

    def __init__(self, root: Path) -> None:
        self.templates = root / "site/templates"
        self.modules = [root / f"site/pkg{n % 20}/m{n}.py" for n in range(MODULES)]
        self.files = self.modules + [self.templates / f"t{n}.html" for n in range(TEMPLATES)]
        # One is touched at the end: with its event all earlier ones have come. Another each time,
        # as the event of the one before may not have come yet.
        lasts = [self.templates / f"last{n}.html" for n in range(LASTS)]
        self.last = cycle(lasts)
        for path in (*self.files, *lasts):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"answer = 0\n")


class Replay:
    """Saves, and what has to come of them."""

    def __init__(self, root: Path, watcher: Callable[[random.Random], Watcher] | None):
        self.seed = random.randrange(1 << 32)
        print(f"seed {self.seed}")
        self.chance = random.Random(self.seed)
        self.site = Site(root)
        self.watcher = watcher
        self.restarts = 0
        self.process = self.begun()

    def begun(self) -> Process:
        """A process from its very start."""
        if self.watcher is None:
            return Process(self.site, None)
        trouble: list[str] = []
        watcher = self.watcher(random.Random(self.seed))
        events = Events(trust=False, trouble=trouble.append, watcher=watcher)
        process = Process(self.site, events)
        assert trouble == []
        return process

    def batch(self, saves: int) -> None:
        """So many saves, and what comes of them."""
        some = self.site.files[:: 25 if self.chance.random() < 0.5 else 1]  # again and again: 20
        touched = self.chance.choices(some, k=saves)
        before = {path: digest_of(str(path)) for path in touched}
        for path in touched:
            for _ in self.save(path):
                if self.chance.random() < 0.05:
                    self.process.glance()
        after = {path: digest_of(str(path)) for path in touched}
        expected = {str(path): after[path] for path in touched if after[path] != before[path]}
        self.process.turns()
        assert self.process.server.requests == bool(expected), expected
        assert self.process.differs == expected
        if expected:
            self.restart(expected)

    def save(self, path: Path) -> Save:
        """One save, which may well change nothing."""
        if self.chance.random() < 0.2:
            return self.chance.choice(IDLE_WAYS)(path)
        content = path.read_bytes()
        if self.chance.random() < 0.7:
            content = b"answer = %d\n" % self.chance.randrange(10 ** self.chance.choice((1, 3, 30)))
        return self.chance.choice(WAYS)(path, content)

    def restart(self, differing: Iterable[str]) -> None:
        """Another process takes over: sometimes a new one, mostly the same that imports anew."""
        self.restarts += 1
        if self.restarts % 100 == 0:
            self.end()
            self.process = self.begun()
        else:
            for path in differing:
                self.process.load(Path(path))
            self.process.reloaded()

    def end(self) -> None:
        """End the process that is on."""
        if self.process.events is not None:
            self.process.events.end()
