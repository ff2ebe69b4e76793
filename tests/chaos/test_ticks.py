"""Eight hours of a process, step by step on a clock of ours: what is kept, and what is said.

The reloader, what is watched, the journal and the files are real; events and the restart are not.
"""

from __future__ import annotations

import gc
import os
import tracemalloc
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from wsgireload.detect.baseline import Imports, Moments
from wsgireload.detect.detector import Watched
from wsgireload.errors import NativeError
from wsgireload.log import Log
from wsgireload.reloader import Reloader
from wsgireload.settings import Settings
from wsgireload.state.journal import Journal
from wsgireload.watch.wakeup import Stir

HOURS = 8
MODULES = TEMPLATES = 20


class Lines(Log):
    """Keeps what is said, without the numbers in it."""

    def __init__(self) -> None:
        super().__init__("site")
        self.lines: Counter[str] = Counter()

    def say(self, word: str, text: str) -> None:
        self.lines[f"{word}: {text}"] += 1


class Told:
    """Stands in for events: hears everywhere, and the test says of what."""

    lost = False

    def listen(self, path: str) -> bool:
        return True

    listen_in = listen

    def knows(self, folder: str) -> bool:
        return True


class Server:
    """A server that cannot be asked, or that takes nothing up."""

    def __init__(self) -> None:
        self.deaf = True
        self.asked = 0

    def ask(self) -> bool:
        self.asked += 1
        if self.deaf:
            raise NativeError("kill", 1, "Operation not permitted")
        return True

    def ask_again(self) -> None:
        pass

    def freshen(self, sources: Iterable[str]) -> list[str]:
        return []


class Day:
    """A process that goes on for hours, whose files are edited, broken, touched and restored."""

    def __init__(self, folder: Path, chaos: Any, *, events: bool) -> None:
        self.random = chaos.random
        self.now = 1000.0
        self.log = Lines()
        self.server = Server()
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
        self.watched = Watched(
            ["*.pid"],
            self.log,
            Imports(lambda _: None),
            Moments(float("inf")),
            modules=modules,
            clock=lambda: self.now,
        )
        self.watched.events = Told() if events else None  # type: ignore[assignment]
        self.watched.track([str(folder / "site/templates")])
        journal = Journal([str(self.state)], "site", print, lambda: self.now)
        chosen = Settings.of(settle=0.05)
        self.reloader = Reloader(
            chosen, self.watched, journal, self.server, self.log, lambda: self.now
        )

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
            pause = self.reloader.step(Stir(stirred, self.now))
            self.now += min(max(pause, 0.02), 1.0)

    def undo(self) -> None:
        """All is as it was."""
        for path in sorted(self.edited):
            self.restore(path)
        self.now += 1
        self.reloader.step(Stir())
        self.now += 60
        self.reloader.step(Stir())


def held() -> tuple[int, int, int]:
    """KiB and objects of Python's, and file descriptors."""
    gc.collect()
    kib = tracemalloc.get_traced_memory()[0] >> 10
    return kib, len(gc.get_objects()), len(os.listdir("/proc/self/fd"))  # noqa: PTH208


@pytest.mark.parametrize("events", [True, False], ids=["events", "polling"])
def test_a_day(chaos: Any, tmp_path: Path, events: bool) -> None:
    """Edits, errors, touches and undoings leave nothing, and a hold is said once while it holds."""
    day = Day(tmp_path, chaos, events=events)
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
    chaos.figure("asked for a restart in vain", day.server.asked)
    assert day.reloader.differs == {}
    assert after[0] - before[0] < 64
    assert after[1] - before[1] < 200
    assert after[2] == before[2]
    assert len(list(day.state.iterdir()) if day.state.exists() else []) <= 200
    assert day.server.asked  # or it was no test
    assert lines < ticks * 1.2 * 0.05 * 3  # at most three lines for each change that was made


def test_a_server_that_takes_nothing_up(chaos: Any, tmp_path: Path) -> None:
    """It is asked again, ever more seldom, and the log and the journal do not fill."""
    day = Day(tmp_path, chaos, events=True)
    day.server.deaf = False
    day.reloader.step()
    day.files[0].write_text("x = 2\n")
    end = day.now + HOURS * 3600
    while day.now < end:
        day.now += max(day.reloader.step(), 0.02)
    chaos.figure("asked in eight hours", day.server.asked)
    chaos.figure("lines", day.log.lines.total())
    assert 10 <= day.server.asked <= 20
    assert day.log.lines.total() < 50
    assert len(list(day.state.iterdir())) == day.server.asked


def test_a_hold_that_stays(chaos: Any, tmp_path: Path) -> None:
    """A file that does not compile for hours is said once."""
    day = Day(tmp_path, chaos, events=False)
    day.reloader.step()
    day.files[0].write_text("x = (\n")
    for _ in range(chaos.often(500, HOURS * 3600)):
        day.now += max(day.reloader.step(), 0.02)
    said = [line for line in day.log.lines if "module0.py" in line]
    chaos.figure("lines", day.log.lines.total())
    assert len(said) == 2  # changed, and holding
    assert max(day.log.lines.values()) == 1
