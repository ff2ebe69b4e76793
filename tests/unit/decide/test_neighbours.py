"""Neighbours: a restart that would load the rejected code of another application is held."""

from __future__ import annotations

import pytest

from wsgireload.changes import Change, Changes
from wsgireload.decide.neighbours import LONGEST, OTHERS, SILENT, WAIT, Neighbours
from wsgireload.decide.verdict import GO, Hold, Verdict
from wsgireload.report import Held, Status
from wsgireload.state.status_file import Neighbour

BROKEN = Held("/shop/views.py", 3, 1, "x = = 1", "SyntaxError: invalid syntax")
WHY = "views.py, line 3: SyntaxError"
STATUS = Status(True, None, "daemon", 1, "localhost|/shop", script="/shop/app.wsgi")
CHANGED = STATUS._replace(changed=("/shop/views.py",))


class World:
    """A process with one neighbour, which answers when a test calls `answer`."""

    def __init__(self, status: Status) -> None:
        self.status = status
        self.requested = 0
        self.answered = 0
        self.now = 100.0
        self.gate = Neighbours(self.others, self.request_scan, lambda: self.now)

    def others(self) -> list[Neighbour]:
        """The neighbour."""
        return [Neighbour("1-shop", self.status, self.requested > self.answered)]

    def request_scan(self, name: str) -> None:
        """Have it scan."""
        assert name == "1-shop"
        self.requested += 1

    def answer(self, status: Status) -> None:
        """Let it decide."""
        self.status, self.answered = status, self.requested

    def verdict(self, requested: str | None = None) -> Verdict:
        """What the gate says to a change of this application's own."""
        return self.gate.check(Changes({"/blog/views.py": Change(b"1")}, requested))


def test_without_neighbours() -> None:
    """A process with one application goes."""
    gate = Neighbours(list, print, lambda: 0.0)
    assert gate.check(Changes({"/blog/views.py": Change(b"1")})) == GO


def test_a_neighbour_without_changes() -> None:
    """It is requested to scan, once, since it may have been saved just now; then this one goes."""
    world = World(STATUS)
    assert world.verdict() == WAIT
    assert world.verdict() == WAIT
    world.answer(STATUS)
    assert world.verdict() == GO
    assert world.requested == 1


@pytest.mark.parametrize("why", [{"held": BROKEN}, {"output": "no such table"}])
def test_rejected_code(why: dict[str, object]) -> None:
    """It holds, and the neighbour and its reason are named; a restart by hand passes."""
    world = World(STATUS)
    assert world.verdict() == WAIT
    world.answer(CHANGED._replace(holding=WHY, **why))  # type: ignore[arg-type]
    held = Hold(f"this process also serves /shop/app.wsgi, which is held: {WHY}")
    assert world.verdict() == held
    assert world.verdict("by hand") == GO
    assert world.verdict() == held
    world.status = STATUS
    assert world.verdict() == WAIT
    world.answer(STATUS)
    assert world.verdict() == GO
    assert world.requested == 2


def test_a_neighbour_that_is_held_for_another_reason() -> None:
    """Its new code was not rejected: it may come with this restart."""
    world = World(CHANGED._replace(holding="the budget of 10 restarts is spent"))
    world.verdict()
    world.answer(world.status)
    assert world.verdict() == GO


@pytest.mark.parametrize(("status", "longest"), [(STATUS, SILENT), (CHANGED, LONGEST)])
def test_a_neighbour_that_does_not_answer(status: Status, longest: float) -> None:
    """It is awaited, which the status shows, but not for ever; then the next one is, too."""
    world = World(status)
    for _ in range(2):
        assert world.verdict() == WAIT
        assert world.gate.awaited == OTHERS
        world.now += longest
        assert world.verdict() == GO
        assert world.gate.awaited == ()
        world.gate.reset()


def test_two_that_wait_for_each_other() -> None:
    """Each goes once the other waits for it."""
    world = World(CHANGED)
    assert world.verdict() == WAIT
    world.status = CHANGED._replace(waiting=world.gate.awaited)
    assert world.verdict() == GO


def test_a_reset() -> None:
    """Where there is nothing to decide any more, nothing is awaited."""
    world = World(CHANGED)
    world.verdict()
    world.gate.reset()
    assert world.gate.awaited == ()
