"""Moment: a restart waits for one at which nobody loses by it."""

from __future__ import annotations

import pytest

from wsgireload.decide.syntax import Hold
from wsgireload.decide.timing import LINE, SOON, UNASKED, Moment


class Calls:
    """Stands in for what the processes of a group tell each other."""

    def __init__(self) -> None:
        self.made = 0
        self.theirs = False

    def make(self) -> None:
        self.made += 1

    def retract(self) -> None:
        self.made -= 1

    def heard(self) -> bool:
        return self.theirs


class World:
    """What the moment asks: how many requests run, whether the script has the line, the time."""

    def __init__(self, when: str) -> None:
        self.running: int | None = 0
        self.line = True
        self.now = 1000.0
        self.calls = Calls()
        self.moment = Moment(
            when,
            lambda: self.running,
            lambda: self.line,
            lambda: self.now,
            self.calls,  # type: ignore[arg-type]
        )


def test_now() -> None:
    """Now is now, whatever runs, and no request is turned away."""
    world = World("now")
    world.running = 3
    assert world.moment.wait() == 0.0
    assert not world.moment.required()


def test_the_next_request() -> None:
    """With next-request it is never now: a request has to come, and is told so."""
    world = World("next-request")
    assert not world.moment.required()
    assert world.moment.wait() == float("inf")
    assert world.moment.required()


def test_next_request_without_the_line() -> None:
    """Where no request can ask, that is the reason for the hold, with the line to add."""
    world = World("next-request")
    world.line = False
    held = world.moment.wait()
    assert isinstance(held, Hold)
    assert LINE in held.reason
    assert not world.moment.required()


@pytest.mark.parametrize("running", [0, None])
def test_auto_while_nothing_runs(running: int | None) -> None:
    """Where nothing runs, or that cannot be known, auto is now."""
    world = World("auto")
    world.running = running
    assert world.moment.wait() == 0.0


def test_auto_while_something_runs() -> None:
    """Until nothing runs auto asks again soon, and a request that comes is turned away."""
    world = World("auto")
    world.running = 1
    assert world.moment.wait() == SOON
    assert world.moment.required()
    world.running = 0
    assert world.moment.wait() == 0.0


def test_auto_without_the_line() -> None:
    """Without the line auto is now, and it is said what to add."""
    world = World("auto")
    world.line, world.running = False, 1
    assert world.moment.wait() == 0.0
    assert LINE in world.moment.note
    assert not world.moment.required()


def test_auto_where_nobody_asks() -> None:
    """Where requests run on and on and mod_wsgi never asks, auto does not wait for ever."""
    world = World("auto")
    world.running = 1
    world.moment.wait()
    world.now += UNASKED
    assert world.moment.wait() == SOON
    world.now += 0.1
    assert world.moment.wait() == 0.0


def test_auto_where_somebody_asks() -> None:
    """One who asked has the process replaced: what runs is waited for, by mod_wsgi."""
    world = World("auto")
    world.running = 1
    world.moment.wait()
    world.moment.required()
    world.now += 2 * UNASKED
    assert world.moment.wait() == SOON


def test_it_passes() -> None:
    """What is undone or held is no reason to turn requests away."""
    world = World("next-request")
    world.moment.wait()
    world.moment.passed()
    assert not world.moment.required()


@pytest.mark.parametrize("when", ["auto", "next-request"])
def test_the_group_is_called(when: str) -> None:
    """Who waits for a request calls the others, once, and takes it back where it stays."""
    world = World(when)
    world.running = 1
    world.moment.wait()
    world.moment.wait()
    assert world.calls.made == 1
    world.moment.passed()
    world.moment.passed()
    assert world.calls.made == 0


def test_the_group_calls() -> None:
    """A request is turned away though this process has not noticed anything itself."""
    world = World("auto")
    world.calls.theirs = True
    assert world.moment.required()


def test_the_group_calls_while_held() -> None:
    """Who holds its own restart follows nobody, until nothing is held any more."""
    world = World("auto")
    world.calls.theirs = True
    world.moment.passed(held=True)
    assert not world.moment.required()
    world.moment.passed()
    assert world.moment.required()
