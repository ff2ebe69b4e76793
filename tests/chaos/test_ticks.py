"""Eight hours of a process, step by step on a clock of ours: what is kept, and what is said.

The reloader, what is watched, the journal and the files are real; events and the restart are not.
"""

from __future__ import annotations

import gc
import os
import tracemalloc
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.reloading import make_reloader

from wsgireload.decide.settle import Settle
from wsgireload.detect.baseline import Baseline
from wsgireload.detect.detector import Detector
from wsgireload.detect.evidence import Absence
from wsgireload.detect.imports import Imports
from wsgireload.detect.modules import Modules
from wsgireload.errors import NativeError
from wsgireload.log import Log
from wsgireload.server import native
from wsgireload.settings import Settings
from wsgireload.state.journal import Journal
from wsgireload.state.private_dir import Candidates
from wsgireload.watch.wakeup import NoEvents

HOURS = 8
MODULES = TEMPLATES = 20


class Lines(Log):
    """Keeps what is said, without the numbers in it."""

    def __init__(self) -> None:
        super().__init__("site")
        self.lines: Counter[str] = Counter()

    def say(self, word: str, text: str, **_: object) -> None:
        self.lines[f"{word}: {text}"] += 1


class Told:
    """Stands in for events: hears everywhere, and the test says of what."""

    lost = False
    hears = True

    def listen(self, path: str) -> bool:
        return True

    listen_in = listen

    def knows(self, folder: str) -> bool:
        return True

    def listen_for_requests(self) -> None:
        pass

    def listen_anew(self) -> None:
        pass


class Server:
    """A server that refuses requests to restart, or that accepts them and does nothing."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.refuses = True
        self.requests = 0
        patch.setattr(native, "restart", self.restart)
        patch.setattr(native, "rearm", lambda: None)

    def restart(self) -> bool:
        self.requests += 1
        if self.refuses:
            raise NativeError("kill", 1, "Operation not permitted")
        return True


class Day:
    """A process that goes on for hours, whose files are edited, broken, touched and restored."""

    def __init__(
        self, folder: Path, chaos: Any, patch: pytest.MonkeyPatch, *, events: bool
    ) -> None:
        self.random = chaos.random
        self.now = 1000.0
        self.log = Lines()
        self.server = Server(patch)
        self.state = folder / "state"
        self.files = [folder / f"site/module{number}.py" for number in range(MODULES)]
        self.files += [folder / f"site/templates/{number}.html" for number in range(TEMPLATES)]
        (folder / "site/templates").mkdir(parents=True)
        for path in self.files[:-5]:  # the last five appear later
            path.write_text("x = 1\n")
        modules = {path.stem: ModuleType(path.stem) for path in self.files[:MODULES]}
        for path in self.files[:MODULES]:
            modules[path.stem].__file__ = str(path)
        self.edited: set[Path] = set()
        detector = Detector(
            Settings.of(ignore="*.pid", track=folder / "site/templates"),
            self.log,
            Told() if events else NoEvents(),
            Baseline(Imports(lambda: None), Absence(float("inf")), Modules(modules)),
            lambda: None,
            clock=lambda: self.now,
        )
        clock = lambda: self.now  # noqa: E731
        self.journal = Journal(Candidates([str(self.state)], print), "site", clock)
        settle = Settle(0.05, clock)
        self.reloader = make_reloader(detector, self.journal, self.log, clock, settle)
        self.reloader.step()  # before anything changes: what is missing now appears later

    def pause(self, paths: set[str] | None = None) -> float:
        """Take a step; the seconds until the next one."""
        return min(max(self.reloader.step(paths), 0.02), 1.0)

    def change(self) -> set[str]:
        """Something happens to one file; all that is edited is undone sooner or later."""
        path = self.random.choice(sorted(self.edited) or self.files)
        if path not in self.edited:
            path = self.random.choice(self.files)
        what = self.random.randrange(6)
        if what == 0 or path in self.edited:
            self.restore(path)
        elif what == 1:
            path.write_text("x = (\n")
            self.edited.add(path)
        elif what == 2:
            path.write_text(f"x = {self.now}\n")
            self.edited.add(path)
        elif what == 3:
            path.unlink(missing_ok=True)
            self.edited.add(path)
        elif path.exists():
            os.utime(path)
        return {str(path), str(path.parent)}

    def restore(self, path: Path) -> None:
        """As it was when the process began."""
        self.edited.discard(path)
        if path in self.files[-5:]:
            path.unlink(missing_ok=True)
        else:
            path.write_text("x = 1\n")

    def live(self, ticks: int) -> None:
        """So many steps, in most of which nothing happens."""
        for _ in range(ticks):
            stirred: set[str] = set()
            if self.random.random() < 0.05:
                stirred = self.change()
            self.now += self.pause(stirred)

    def undo(self) -> None:
        """All is as it was."""
        for path in sorted(self.edited):
            self.restore(path)
        self.now += 1
        self.reloader.step()
        self.now += 60
        self.reloader.step()


def held() -> tuple[int, int, int]:
    """KiB and objects of Python's, and file descriptors."""
    gc.collect()
    kib = tracemalloc.get_traced_memory()[0] >> 10
    return kib, len(gc.get_objects()), len(os.listdir("/proc/self/fd"))  # noqa: PTH208


@pytest.mark.parametrize("events", [True, False], ids=["events", "polling"])
def test_a_day(chaos: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events: bool) -> None:
    """Edits, errors, touches and undoings leave nothing, and a hold is said once while it holds."""
    day = Day(tmp_path, chaos, monkeypatch, events=events)
    ticks = chaos.often(1500, HOURS * 3600)
    tracemalloc.start()
    try:
        day.live(ticks // 5)  # by then all that is to be known is known
        day.undo()
        before = held()
        day.live(ticks)
        day.undo()
        after = held()
    finally:
        tracemalloc.stop()
    lines = day.log.lines.total()
    chaos.figure("steps", ticks)
    chaos.figure("KiB, objects, descriptors", (before, after))
    chaos.figure("lines", lines)
    chaos.figure("asked for a restart in vain", day.server.requests)
    assert day.reloader.changes.files == {}
    assert after[0] - before[0] < 64
    assert after[1] - before[1] < 200
    assert after[2] == before[2]
    assert len(day.journal.entries() or ()) <= 200
    assert day.server.requests  # or it was no test
    assert lines < ticks * 1.2 * 0.05 * 3  # at most three lines for each change that was made


def test_a_server_that_takes_nothing_up(
    chaos: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked again, ever more seldom, and the log and the journal do not fill."""
    day = Day(tmp_path, chaos, monkeypatch, events=True)
    day.server.refuses = False
    day.reloader.step()
    day.files[0].write_text("x = 2\n")
    end = day.now + HOURS * 3600
    while day.now < end:
        day.now += day.pause()
    chaos.figure("asked in eight hours", day.server.requests)
    chaos.figure("lines", day.log.lines.total())
    assert 10 <= day.server.requests <= 20
    assert day.log.lines.total() < 50
    assert len(day.journal.entries() or ()) == 1  # no other has become a restart


def test_a_hold_that_stays(chaos: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that does not compile for hours is said once."""
    day = Day(tmp_path, chaos, monkeypatch, events=False)
    day.reloader.step()
    day.files[0].write_text("x = (\n")
    for _ in range(chaos.often(500, HOURS * 3600)):
        day.now += day.pause()
    said = [line for line in day.log.lines if "module0.py" in line]
    chaos.figure("lines", day.log.lines.total())
    assert len(said) == 2  # changed, and holding
    assert max(day.log.lines.values()) == 1
