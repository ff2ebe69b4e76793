"""An application in a folder, with a detector of what differs from what was loaded."""

from __future__ import annotations

import importlib.util
import py_compile
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

from support.standins import Lines
from wsgireload.detect.baseline import Baseline
from wsgireload.detect.detector import Detector, Events
from wsgireload.detect.digest import digest_of
from wsgireload.detect.imports import note
from wsgireload.detect.links import Links
from wsgireload.detect.modules import Modules
from wsgireload.settings import Settings
from wsgireload.watch.wakeup import NoEvents

BEFORE, AFTER = b"answer = 1\n", b"answer = 2\n"


class Application:
    """A folder, the modules that were loaded from it, and the imports that were seen.

    Stands in for the import hook, and for the times at which modules are known to be absent.
    """

    def __init__(self, root: Path, *ignore: str) -> None:
        self.root = root
        self.modules: dict[str, object] = {}
        self.imported: deque[tuple[str, bytes]] = deque()
        self.not_found: list[str] = []
        self.loaded_after = float("inf")  # every file on disk is older than the load
        self.log = Lines()
        self.links = Links()
        self.detector = self.make(NoEvents(), ignore=ignore)

    def make(
        self,
        events: Events,
        checkpoint: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        **settings: object,
    ) -> Detector:
        """A detector that has not scanned yet."""
        modules = Modules(self.modules, self.links)
        self.baseline = Baseline(self, self, modules)  # type: ignore[arg-type]
        return Detector(Settings.of(**settings), self.log, events, self.baseline, checkpoint, clock)

    def seen(self) -> Iterator[tuple[str, bytes]]:
        """As `Imports.seen`."""
        while self.imported:
            yield self.imported.popleft()

    def missing(self) -> Iterator[tuple[str, list[str]]]:
        """As `Imports.missing`."""
        while self.not_found:
            yield self.not_found.pop(), [str(self.root)]

    def until(self, module: str) -> float:
        """As `Absence.until`."""
        return self.loaded_after

    def was_there(self, module: str) -> bool:
        """As `Absence.was_there`."""
        return True

    def write(self, name: str, content: bytes = BEFORE) -> str:
        """Write a file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return str(path)

    def load(self, name: str, content: bytes = BEFORE) -> str:
        """Write a module and load it, with its cache."""
        path = self.write(name, content)
        module = ModuleType(name)
        module.__file__ = path
        module.__spec__ = importlib.util.spec_from_file_location(name, path)
        self.modules[name] = module
        py_compile.compile(path, doraise=True)
        return path

    def see(self, name: str, content: bytes = BEFORE) -> str:
        """Load a module whose import is seen."""
        path = self.load(name, content)
        found = note(path)
        assert found is not None
        self.imported.append((path, found))
        return path

    def differs(self) -> dict[str, str]:
        """Scan: which files differ, and how."""
        found = self.detector.scan()
        assert all(digest_of(path) == change.digest for path, change in found.items())
        return {str(Path(path).relative_to(self.root)): each.kind for path, each in found.items()}
