"""A pause: every change is held until it ends, by itself or by hand."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest
from support.standins import Clock

from wsgireload.changes import Change, Changes
from wsgireload.decide.pause import NEVER, Paused
from wsgireload.decide.verdict import GO, Hold
from wsgireload.state.pause import LONGEST, Pause

EDIT = Changes({"a.py": Change(b"2")})
NOON = 1_700_000_000.0  # of the wall clock, at the monotonic time 1000


@dataclass
class World:
    """A gate, on clocks that the test moves; `jump` is by how much the wall clock was set."""

    clock: Clock
    pause: Pause | None = None
    jump: float = 0.0

    def __post_init__(self) -> None:
        self.gate = Paused(lambda: self.pause, self.clock, self.wall)

    def wall(self) -> float:
        return NOON + self.clock.now - Clock.now + self.jump

    def begin(self, seconds: float) -> None:
        """As `wsgireload pause` does it."""
        self.pause = Pause(self.wall(), self.wall() + seconds)

    def holds(self, changes: Changes = EDIT) -> bool:
        """Whether it holds these changes, in a step that begins now."""
        self.gate.refresh()
        return self.gate.check(changes) != GO


@pytest.fixture
def world() -> World:
    """Nothing is paused."""
    return World(Clock())


def test_without_a_pause(world: World) -> None:
    """Nothing is held, and no step is due."""
    assert not world.holds()
    assert (world.gate.until, world.gate.left) == (None, NEVER)


def test_it_ends_by_itself(world: World) -> None:
    """Changes are held until the end, at which a step is due; the file may still be there."""
    world.begin(600)
    assert world.holds()
    assert (world.gate.until, world.gate.left) == (NOON + 600, 600)
    world.clock.now += 599
    assert world.holds()
    assert world.gate.left == 1
    world.clock.now += 1
    assert not world.holds()
    assert (world.gate.until, world.gate.left) == (None, NEVER)


def test_the_reason_lasts(world: World) -> None:
    """The verdict has the end and what to do, and stays the same: it is logged once."""
    world.begin(600)
    world.gate.refresh()
    first = world.gate.check(EDIT)
    world.clock.now += 300
    world.gate.refresh()
    assert world.gate.check(EDIT) == first
    end = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(NOON + 600))
    assert first == Hold(f"paused until {end}; `wsgireload resume` ends it")


def test_resume(world: World) -> None:
    """Without the file nothing is held any more."""
    world.begin(600)
    assert world.holds()
    world.pause = None
    assert not world.holds()


def test_another_end(world: World) -> None:
    """A pause that is made again has its new end, be it earlier."""
    world.begin(600)
    assert world.holds()
    world.begin(10)
    assert world.holds()
    world.clock.now += 10
    assert not world.holds()


def test_a_restart_by_hand_passes(world: World) -> None:
    """Whoever restarts by hand means it; the pause goes on."""
    world.begin(600)
    assert not world.holds(EDIT._replace(requested="wsgireload restart"))
    assert world.holds()


def test_a_pause_holds_an_earlier_request(world: World) -> None:
    """Of a request that still waits and a pause the later one holds; a new request passes."""
    by_hand = EDIT._replace(requested="wsgireload restart")
    assert not world.holds(by_hand)
    world.begin(600)
    assert world.holds(by_hand)
    assert world.holds(by_hand._replace(was_held=True))
    world.gate.reset()  # as for each new request
    assert not world.holds(by_hand)
    world.begin(900)
    assert not world.holds(by_hand)


def test_a_request_that_was_held_does_not_pass(world: World) -> None:
    """It passes once: what becomes of it later, no person awaits any more."""
    world.begin(600)
    assert world.holds(Changes(requested="wsgireload restart", was_held=True))


@pytest.mark.parametrize("jump", [-60.0, -3600.0, -1e9])
def test_a_clock_that_is_set_back(world: World, jump: float) -> None:
    """It prolongs no pause: neither here, nor beyond its whole length in a new process."""
    world.begin(600)
    assert world.holds()
    world.clock.now += 500
    world.jump = jump
    assert world.holds()
    new = World(world.clock, world.pause, jump)
    assert new.holds()
    world.clock.now += 100
    assert not world.holds()
    world.clock.now += 500
    assert not new.holds()


def test_a_clock_that_is_set_forward(world: World) -> None:
    """The pause ends when the wall clock shows its end."""
    world.begin(600)
    assert world.holds()
    world.jump = 600.0
    assert not world.holds()


@pytest.mark.parametrize(
    ("since", "until"),
    [(0.0, 0.0), (NOON, NOON), (NOON, NOON - 1), (NOON + 10, NOON + 5), (-1e12, -1e11)],
)
def test_no_pause(world: World, since: float, until: float) -> None:
    """Times that make no sense are no pause."""
    world.pause = Pause(since, until)
    assert not world.holds()


@pytest.mark.parametrize("pause", [Pause(0.0, 1e12), Pause(NOON, NOON + 1e9), Pause(-1e12, 1e12)])
def test_it_is_never_long(world: World, pause: Pause) -> None:
    """Whatever the file has, it holds for a day at most."""
    world.pause = pause
    assert world.holds()
    world.clock.now += LONGEST
    assert not world.holds()
