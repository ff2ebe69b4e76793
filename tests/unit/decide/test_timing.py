"""Timing: a restart waits for a moment at which it costs no request."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from wsgireload.changes import Change, Changes
from wsgireload.decide.timing import LINE, NEXT, SOON, UNASKED, Handover, Timing
from wsgireload.decide.verdict import GO, Go, Hold, Verdict, Wait
from wsgireload.state.group_epoch import GroupEpoch

EDIT = Changes({"a.py": Change(b"2")})
BY_HAND = Changes({"a.py": Change(b"2")}, "a reason")


class Group(GroupEpoch):
    """Counts the announcements that stand."""

    def __init__(self) -> None:
        super().__init__()
        self.announced = 0

    def announce(self) -> None:
        self.announced += 1

    def retract(self) -> None:
        self.announced -= 1


class World:
    """How many requests run, whether the script has the line, the time, the group."""

    def __init__(self, when: str) -> None:
        self.running: int | None = 0
        self.line = True
        self.now = 1000.0
        self.group = Group()
        self.handover = Handover(self.group)
        self.timing = Timing(
            when, self.handover, lambda: self.running, lambda: self.line, lambda: self.now
        )

    def check(self, changes: Changes = EDIT) -> Verdict:
        return self.timing.check(changes)


def test_the_next_request() -> None:
    """With next-request it is never now: a request has to come, and is handed over."""
    world = World("next-request")
    assert not world.handover.required()
    assert world.check() == Wait(float("inf"), NEXT)
    assert world.handover.required()


def test_next_request_without_the_line() -> None:
    """Where no request can trigger it, that is the reason for the hold, with the line to add."""
    world = World("next-request")
    world.line = False
    held = world.check()
    assert isinstance(held, Hold)
    assert LINE in held.reason
    assert not world.handover.required()


@pytest.mark.parametrize("running", [0, None])
def test_auto_while_nothing_runs(running: int | None) -> None:
    """Where nothing runs, or that is unknown, auto is now."""
    world = World("auto")
    world.running = running
    assert world.check() == GO


def test_auto_while_something_runs() -> None:
    """Until nothing runs auto checks again soon, and a request that comes is handed over."""
    world = World("auto")
    world.running = 1
    assert world.check() == Wait(SOON, NEXT)
    assert world.handover.required()
    world.running = 0
    assert world.check() == GO


def test_auto_without_the_line() -> None:
    """Without the line auto is now, and the log line names what to add."""
    world = World("auto")
    world.line, world.running = False, 1
    verdict = world.check()
    assert isinstance(verdict, Go)
    assert LINE in verdict.note
    assert not world.handover.required()


def test_auto_where_mod_wsgi_never_asks() -> None:
    """Where requests run on and on and mod_wsgi never asks, auto does not wait for ever."""
    world = World("auto")
    world.running = 1
    world.check()
    world.now += UNASKED
    assert world.check() == Wait(SOON, NEXT)
    world.now += 0.1
    assert world.check() == GO


def test_auto_where_mod_wsgi_asks() -> None:
    """A request that was handed over has the process replaced: mod_wsgi waits for the others."""
    world = World("auto")
    world.running = 1
    world.check()
    world.handover.required()
    world.now += 2 * UNASKED
    assert world.check() == Wait(SOON, NEXT)


def test_each_restart_has_its_time() -> None:
    """The patience with requests that run on begins anew after a reset."""
    world = World("auto")
    world.running = 1
    world.check()
    world.timing.reset()
    world.now += UNASKED + 1
    assert world.check() == Wait(SOON, NEXT)


@pytest.mark.parametrize("when", ["auto", "next-request"])
def test_a_person_does_not_wait(when: str) -> None:
    """A restart by hand comes at once, and hands over no request."""
    world = World(when)
    world.running, world.line = 1, False
    assert world.check(BY_HAND) == GO
    assert not world.handover.pending


@pytest.mark.parametrize("staying", [Timing.reset, Timing.release])
def test_it_stays(staying: Callable[[Timing], None]) -> None:
    """A restart that is undone or held is no reason to hand requests over."""
    world = World("next-request")
    world.check()
    staying(world.timing)
    assert not world.handover.required()


@pytest.mark.parametrize("when", ["auto", "next-request"])
def test_the_group_is_announced_to(when: str) -> None:
    """A process that waits for a request announces that once, and takes it back if it stays."""
    world = World(when)
    world.running = 1
    world.check()
    world.check()
    assert world.group.announced == 1
    world.timing.reset()
    world.timing.reset()
    assert world.group.announced == 0


def test_requests_are_answered_here() -> None:
    """As long as nothing has begun no request is handed over, and none counts as taken."""
    handover = Handover(GroupEpoch())
    assert not handover.required()
    assert not handover.pending
    assert not handover.taken


def test_requests_are_handed_over() -> None:
    """From its beginning on each request is handed over, and the first one is noticed."""
    handover = Handover(GroupEpoch())
    handover.begin()
    assert handover.pending
    assert not handover.taken
    assert handover.required()
    assert handover.taken
    assert handover.required()


def test_it_is_withdrawn() -> None:
    """A restart that is undone or held hands over no request; the next one begins anew."""
    handover = Handover(GroupEpoch())
    handover.begin()
    assert handover.required()
    handover.withdraw()
    assert not handover.required()
    assert not handover.pending
    handover.begin()
    assert not handover.taken


def test_the_group_is_reached_once() -> None:
    """The other processes are announced to once, and once it is taken back."""
    group = Group()
    handover = Handover(group)
    handover.withdraw()
    assert group.announced == 0
    handover.begin()
    handover.required()
    handover.begin()
    assert handover.taken  # the second begin is none
    assert group.announced == 1
    handover.withdraw()
    handover.withdraw()
    assert group.announced == 0
