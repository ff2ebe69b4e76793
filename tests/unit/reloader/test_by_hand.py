"""Restarts that somebody requests."""

from collections.abc import Collection
from pathlib import Path

import pytest
from support.reloaderworld import World, past

from wsgireload.changes import Change, Changes
from wsgireload.decide.verdict import GO, Gate, Hold, Verdict
from wsgireload.detect.digest import EMPTY
from wsgireload.server.restart import TAKEN_UP


def test_by_hand(world: World) -> None:
    """A restart by hand needs no change; where a signal is in vain, the other one is sent."""
    reloader = world.reloader()
    reloader.request("deployed")
    world.run(reloader, TAKEN_UP)
    assert world.server.requests == 1
    assert world.said("restarting") == ["restarting: deployed"]
    world.run(reloader, 5.0)
    assert world.said("holding")[0].endswith("retrying, as SIGINT had no effect")
    assert world.said("restarting")[1].endswith("; by SIGTERM")
    world.run(reloader, 3600.0)
    assert world.server.requests == 2
    assert "retrying" not in world.said("holding")[1]
    assert (reloader.hold, reloader.restarting) == (None, False)


def test_by_hand_is_held_too(world: World, tmp_path: Path) -> None:
    """Code that does not compile holds a restart by hand too."""
    path = tmp_path / "view.py"
    path.write_text("x = (\n")
    reloader = world.reloader()
    world.detector.python, world.detector.differs = {str(path)}, {str(path): b"2"}
    reloader.request("deployed")
    world.run(reloader, 5.0)
    assert world.server.requests == 0


class Check(Gate):
    """Stands in for a check that takes time: its verdict stays until it is reset."""

    def __init__(self) -> None:
        self.now: Verdict = Hold("no database")
        self.verdict: Verdict | None = None

    def check(self, changes: Changes) -> Verdict:
        self.verdict = self.verdict or self.now
        return self.verdict

    def reset(self) -> None:
        self.verdict = None


def test_by_hand_is_checked_anew(world: World) -> None:
    """An earlier verdict does not count for a person, who may have removed its reason."""
    check = Check()
    reloader = world.reloader(roll=check)
    world.detector.differs = {"a.py": b"2"}
    for number in (1, 2):
        world.run(reloader, 5.0)
        check.now = GO if number == 2 else Hold("no database")
        world.run(reloader, 5.0)
        assert world.server.requests == 0
        assert world.said("holding") == number * ["holding: no database"]
        reloader.request("deployed")
        assert reloader.hold is not None
    world.run(reloader, 5.0)
    assert world.server.requests == 1


class Exempt(Gate):
    """Stands in for a gate that lets a restart by hand pass, as a pause does."""

    def __init__(self) -> None:
        self.is_closed = False

    def check(self, changes: Changes) -> Verdict:
        return Hold("paused") if self.is_closed and not changes.by_hand else GO


@pytest.mark.parametrize("ended_by", ["its end", "another request"])
def test_a_request_that_was_held(world: World, tmp_path: Path, ended_by: str) -> None:
    """It does not pass a pause that begins later; a new request does."""
    path = tmp_path / "view.py"
    path.write_text("x = (\n")
    world.detector.python, world.detector.differs = {str(path)}, {str(path): b"2"}
    reloader = world.reloader(roll=(pause := Exempt()))
    reloader.request("deployed")
    world.run(reloader, 2.0)
    pause.is_closed = True
    path.write_text("x = 1\n")
    world.detector.differs = {str(path): b"3"}
    world.run(reloader, 10.0)
    assert world.server.requests == 0
    assert world.said("holding")[1:] == ["holding: paused"]
    if ended_by == "its end":
        pause.is_closed = False
    else:
        reloader.request("deployed")
    world.run(reloader, 2.0)
    assert world.server.requests == 1


def test_by_hand_during_a_scan(world: World) -> None:
    """What was saved before the request is scanned before the restart, which may have to wait."""
    reloader = world.reloader()
    scan = world.detector.scan

    def scan_in_vain(
        paths: Collection[str] | None = None, *, requested: bool = False
    ) -> dict[str, Change]:
        found = scan(paths)
        if not world.detector.differs:
            world.detector.differs, world.detector.python = {"a.py": EMPTY}, {"a.py"}
            reloader.request("deployed")
        return found

    world.detector.scan = scan_in_vain  # type: ignore[method-assign]
    world.run(reloader, 1.0)
    assert world.server.requests == 0  # an empty source may be half a save


@pytest.mark.parametrize("counted", [True, False])
def test_by_hand_passes_the_budget(world: World, *, counted: bool) -> None:
    """A spent budget, or one without a journal, does not hold a restart by hand."""
    world.history.kept = past(970.0, 980.0, 990.0) if counted else None
    world.detector.differs = {"gen.py": b"2"}
    reloader = world.reloader()
    reloader.request("deployed")
    world.run(reloader, 1.0)
    assert (world.server.requests, world.said("holding")) == (1, [])
