"""A process that holds: requests are answered there, and other processes may be replaced."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import cast

import pytest
from support.journals import History, Writes
from support.running import Running

from wsgireload.changes import Change, Changes
from wsgireload.decide.budget import Budget
from wsgireload.decide.rolling import Rolling
from wsgireload.decide.timing import Handover, Timing
from wsgireload.decide.verdict import GO, Gate, Hold, Verdict
from wsgireload.log import Log
from wsgireload.reloader import Reloader
from wsgireload.server import native
from wsgireload.server.restart import Restart
from wsgireload.state.group import GroupEpoch
from wsgireload.state.journal import Journal
from wsgireload.state.own_writes import OwnWrites
from wsgireload.state.private_dir import Candidates

EDIT = {"a.html": Change(b"2")}


class Detector:
    """One file differs."""

    def scan(
        self, paths: Collection[str] | None = None, *, requested: bool = False
    ) -> dict[str, Change]:
        return EDIT


class Checked(Gate):
    """Counts how often it was reset, which is expensive for a check."""

    def __init__(self) -> None:
        self.resets = 0

    def check(self, changes: Changes) -> Verdict:
        return GO

    def reset(self) -> None:
        self.resets += 1


class World:
    """Two processes that roll, of which the first one has a reloader with real gates."""

    def __init__(self, folder: str) -> None:
        self.now = 1000.0
        self.line = True
        self.history = History()
        self.checked = Checked()
        folders = Candidates([folder], pytest.fail)
        self.rolling, self.other = (
            Rolling(folders, "site", lambda: True, self.clock) for _ in range(2)
        )
        self.now += 1

    def clock(self) -> float:
        return self.now

    def reloader(self, when: str) -> Reloader:
        handover = Handover(GroupEpoch())
        budget = Budget(
            (10, 60.0), cast(Journal, self.history), cast(OwnWrites, Writes()), 1, self.clock
        )
        hook = lambda: self.line or None  # noqa: E731
        timing = Timing(when, 5.0, handover, Running(), hook, self.clock)
        gates = [self.checked, budget, self.rolling, timing]
        restart = Restart(0.0, self.clock)
        return Reloader(Detector(), gates, restart, budget, handover, Log("site"))


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Two processes of a group."""
    return World(str(tmp_path / "state"))


def not_recorded(world: World, patch: pytest.MonkeyPatch) -> None:
    """The restart cannot be recorded, and the process is too young to be replaced uncounted."""
    world.history.writable = False


def not_requested(world: World, patch: pytest.MonkeyPatch) -> None:
    """The server cannot be reached."""

    def failing() -> bool:
        raise PermissionError(1, "Operation not permitted")

    patch.setattr(native, "restart", failing)


def without_the_line(world: World, patch: pytest.MonkeyPatch) -> None:
    """No request can trigger the restart."""
    world.line = False


@pytest.mark.parametrize("why", [not_recorded, not_requested, without_the_line])
def test_a_late_hold_stands_in_no_way(
    world: World, monkeypatch: pytest.MonkeyPatch, why: Callable[..., None]
) -> None:
    """No request replaces a process that holds, and no other process waits for it."""
    why(world, monkeypatch)
    reloader = world.reloader("next-request" if why is without_the_line else "auto")
    for _ in range(3):
        reloader.step()
        assert isinstance(reloader.hold, Hold)
        assert not reloader.reload_required()
        assert world.other.check(Changes(EDIT)) == GO
        world.other.reset()
    assert world.checked.resets == 0
