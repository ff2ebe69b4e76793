"""Pace: how often to scan."""

from __future__ import annotations

import pytest

from wsgireload.watch.wakeup import SHARE, SOON, Pace

NEVER = float("inf")


class World:
    """Steps that take as long as the test sets."""

    def __init__(self, interval: float) -> None:
        self.now = 1000.0
        self.pace = Pace(interval, lambda: self.now)

    def step(self, cost: float, within: float = float("inf"), *, is_calm: bool = False) -> float:
        """Seconds until the step after one that took so many seconds."""
        self.now += 77.0  # the wait before it is no cost
        self.pace.begin()
        self.now += cost
        return self.pace.pause(within, is_calm=is_calm)


@pytest.mark.parametrize("interval", [0.5, 1.0, 60.0])
def test_the_interval(interval: float) -> None:
    """Cheap scans are made at the interval."""
    world = World(interval)
    assert [world.step(0.01) for _ in range(3)] == [interval] * 3


def test_dear_scans_are_made_less_often() -> None:
    """A scan takes a tenth of the time at most."""
    world = World(1.0)
    world.step(2.0)
    assert world.step(2.0) == pytest.approx(SHARE * 2.0)


def test_one_dear_scan_is_not_the_rule() -> None:
    """The first scan reads all files; the next ones do not."""
    world = World(1.0)
    assert world.step(2.0) == 1.0
    assert world.step(0.01) == 1.0
    assert world.step(2.0) == 1.0
    assert world.step(0.5) == pytest.approx(5.0)


def test_soon() -> None:
    """While modules are imported, scans are made ten times a second, but not without a rest."""
    world = World(1.0)
    assert world.step(0.001, within=SOON) == SOON
    assert world.step(0.001) == 1.0
    world.step(0.5, within=SOON)
    assert world.step(0.5, within=SOON) == pytest.approx(5.0)


def test_soon_is_never_later() -> None:
    """A shorter interval stays."""
    assert World(0.05).step(0.001, within=SOON) == 0.05


def test_within() -> None:
    """A step may be due earlier than at the interval, but not without a rest either."""
    world = World(1.0)
    world.step(0.01)
    assert world.pace.pause(within=0.3) == 0.3
    assert world.pace.pause(within=30.0) == 1.0
    world.step(0.5)
    world.now += 0.5
    assert world.pace.pause(within=0.3) == pytest.approx(5.0)


@pytest.mark.parametrize("cost", [0.0001, 0.02, 0.2])
def test_a_long_wait_for_a_restart(cost: float) -> None:
    """The gates are checked often at first. Scans take a tenth of a long wait, and delay it by one.

    So a process that waits for minutes, as for its turn, does not scan all the time.
    """
    world, poll = World(1.0), 0.05
    world.step(cost)
    world.step(cost)
    for _ in range(2):  # each wait is one of its own
        began, steps, waits = world.now, 0, list[float]()
        while world.now < began + 600:
            world.pace.begin()
            world.now += cost
            waits.append(world.pace.until_check(poll, world.pace.pause()))
            assert waits[-1] <= max(poll, 0.11 * (world.now - began))
            world.now += waits[-1]
            steps += 1
        assert waits[0] == poll
        assert steps * cost <= 0.15 * 600
        assert waits[-1] == pytest.approx(max(poll, SHARE * cost))
        world.pace.until_check(NEVER, world.step(cost))


def test_the_rest_of_what_caused_it() -> None:
    """Nine tenths of the time are free of what causes steps that take long."""
    world = World(1.0)
    assert world.pace.rest == 0.0
    for cost in (2.0, 0.01, 0.5):
        world.step(cost)
        assert world.pace.rest == pytest.approx(SHARE * cost)


@pytest.mark.parametrize(("interval", "calm"), [(0.1, 0.5), (1.0, 5.0), (3.0, 5.0), (60.0, 60.0)])
def test_a_calm(interval: float, calm: float) -> None:
    """While whatever happens is reported, scans are made every 5 s; what is due does not wait."""
    world = World(interval)
    assert world.step(0.01, is_calm=True) == pytest.approx(calm)
    assert world.step(0.001, within=0.02, is_calm=True) == 0.02
    assert world.step(0.01) == interval
