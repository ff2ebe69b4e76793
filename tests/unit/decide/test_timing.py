"""Timing: a restart waits for a moment at which it costs no request."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.running import Running

from wsgireload.changes import Change, Changes
from wsgireload.decide.timing import (
    AGAIN,
    ANOTHER,
    CALLED,
    LINE,
    MISSING,
    NEXT,
    OTHERS,
    SOON,
    UNASKED,
    Handover,
    Timing,
)
from wsgireload.decide.verdict import GO, Go, Hold, Verdict, Wait
from wsgireload.state.group import GroupEpoch, GroupLease

EDIT = Changes({"a.py": Change(b"2")})
BY_HAND = Changes({"a.py": Change(b"2")}, "a reason")


class Group(GroupEpoch):
    """Counts the announcements that stand."""

    is_shared = True

    def __init__(self) -> None:
        super().__init__()
        self.announced = 0

    def announce(self) -> None:
        self.announced += 1

    def retract(self) -> None:
        self.announced -= 1


class Lease(GroupLease):
    """Keeps the seconds for which it was taken."""

    taken = 0.0

    def extend(self, seconds: float) -> None:
        self.taken = seconds

    def is_taken(self) -> bool:
        return self.taken > 0


class World:
    """The running requests, the script's hook, the clock, the group. A restart is due at 1000."""

    def __init__(self, when: str, patience: float = 5.0) -> None:
        self.requests = Running()
        self.hook: bool | None = True
        self.now = 1000.0
        self.group = Group()
        self.handover = Handover(self.group)
        self.timing = Timing(
            when, patience, self.handover, self.requests, lambda: self.hook, lambda: self.now
        )

    def check(self, changes: Changes = EDIT, after: float = 0.0) -> Verdict:
        self.now += after
        return self.timing.check(changes)


def waits(verdict: Verdict) -> bool:
    """Whether the gate checks again soon."""
    return isinstance(verdict, Wait) and verdict.seconds == SOON


def test_the_next_request() -> None:
    """With next-request the restart waits for a request, which is handed over."""
    world = World("next-request")
    assert not world.handover.required()
    assert world.check() == Wait(float("inf"), NEXT)
    assert world.handover.required()


def test_next_request_without_the_line() -> None:
    """If no request can trigger the restart, it is held, and the reason has the line to add."""
    world = World("next-request")
    world.hook = None
    held = world.check()
    assert isinstance(held, Hold)
    assert LINE in held.reason
    assert not world.handover.required()


def test_next_request_with_the_line_of_another() -> None:
    """If the script's reload_required is not ours, as that of mod_wsgi-express, auto applies."""
    world = World("next-request")
    world.hook = False
    assert world.check() == Go(UNASKED)
    world.requests.begin(1000.0)
    assert waits(world.check())


def test_next_request_where_mod_wsgi_never_calls() -> None:
    """If mod_wsgi does not call for a request, as with WSGIScriptReloading Off, auto applies."""
    world = World("next-request")
    world.check()
    world.requests.latest = 1000.0 + CALLED  # mod_wsgi may have decided about it before
    assert world.check(after=2.0) == Wait(float("inf"), NEXT)
    world.requests.latest += 0.1
    assert world.check() == Go(UNASKED)


def test_next_request_where_mod_wsgi_calls() -> None:
    """Once mod_wsgi's call reaches us, next-request applies, whosever function the script has."""
    world = World("next-request")
    world.hook = False
    world.requests.asked = True
    assert world.check() == Wait(float("inf"), NEXT)
    world.handover.required()
    world.requests.latest = 1010.0
    assert world.check(after=20) == Wait(float("inf"), NEXT)


def test_auto_while_nothing_runs() -> None:
    """If no request runs, auto restarts at once, and announces it to the group."""
    world = World("auto")
    assert world.check() == GO
    assert world.group.announced == 1


def test_auto_while_something_runs() -> None:
    """While requests run, all are answered here, and no other process is replaced."""
    world = World("auto")
    world.requests.begin(999.5)
    assert waits(world.check())
    assert not world.handover.required()
    assert world.group.announced == 0
    world.requests.requests.clear()
    assert world.check(after=0.1) == GO
    assert world.handover.required()


@pytest.mark.parametrize("patience", [0.0, 0.5, 5.0, 60.0])
def test_auto_has_patience(patience: float) -> None:
    """A request that runs on is waited for during the patience, and no longer."""
    world = World("auto", patience)
    world.requests.begin(1000.0)
    assert waits(world.check(after=0)) == (patience > 0)
    assert waits(world.check(after=patience / 2)) == (patience > 0)
    assert world.check(after=patience / 2) == GO


def test_a_stream_is_not_waited_for() -> None:
    """A request that has run longer than the patience when the restart becomes due is a stream."""
    world = World("auto")
    world.requests.begin(994.9)
    assert world.check() == GO
    world = World("auto")
    world.requests.begin(995.1)
    assert waits(world.check())


def test_a_busy_site_is_not_waited_for() -> None:
    """Short requests that began since are not waited for: on a busy site there is always one."""
    world = World("auto")
    world.requests.begin(1000.0)
    assert waits(world.check())
    world.requests.requests.clear()
    world.requests.begin(1000.1)
    assert world.check(after=0.2) == GO


def test_a_later_request_that_runs_long_is_waited_for() -> None:
    """A request that began since counts if it has run for a while when the others have ended."""
    world = World("auto")
    world.requests.begin(1000.0)
    world.check()
    world.requests.begin(1000.5)
    del world.requests.requests[0]
    assert waits(world.check(after=2.0))
    world.requests.requests.clear()
    assert world.check() == GO


def test_requests_of_other_applications() -> None:
    """Requests of other interpreters are waited for, no longer than the patience."""
    world = World("auto")
    world.requests.others = 1
    assert waits(world.check())
    world.check(after=3.0)
    assert world.handover.awaited == OTHERS
    assert world.check(after=2.0) == GO


def test_a_process_of_the_group_waits() -> None:
    """A process without requests waits for those of another one, whose lease it finds at once."""
    busy, idle = World("auto"), World("auto")
    busy.handover.lease = idle.handover.lease = lease = Lease()
    busy.requests.begin(999.5)
    busy.timing.prefetch()
    assert lease.taken == 0.5
    assert waits(idle.check())
    assert idle.group.announced == 0
    busy.check(after=0.25)
    assert lease.taken == 0.75
    lease.taken = 0.0
    assert idle.check() == GO
    lease.taken = 1.0
    idle.timing.reset()
    assert waits(idle.check(after=2.0))
    assert idle.check(after=5.0) == GO


@pytest.mark.parametrize(("when", "began"), [("next-request", 999.5), ("auto", 994.0)])
def test_nobody_waits_for_these(when: str, began: float) -> None:
    """The group waits neither for a stream nor for a restart by the next request."""
    world = World(when)
    world.handover.lease = lease = Lease()
    world.requests.begin(began)
    world.timing.prefetch()
    world.check()
    assert lease.taken == 0.0


def test_what_it_waits_for_is_named() -> None:
    """After 2 s the log and the status name the requests; the log once."""
    world = World("auto")
    world.requests.begin(999.0)
    assert world.check() == Wait(SOON)
    assert world.check(after=1.9) == Wait(SOON)
    assert world.handover.awaited == ()
    named = world.check(after=0.1)
    assert isinstance(named, Wait)
    assert named.announcement == (
        "waiting up to 5 s for request GET /slow in thread 4242, which has run for 3 s"
    )
    assert [each.what for each in world.handover.awaited] == ["request GET /slow in thread 4242"]
    world.requests.begin(1001.0)
    assert world.check(after=1.5) == named
    assert len(world.handover.awaited) == 2
    world.timing.release()
    assert world.handover.awaited == ()


@pytest.mark.parametrize(("hook", "why"), [(None, MISSING), (False, ANOTHER)])
def test_auto_without_the_line(hook: bool | None, why: str) -> None:
    """Without the line auto waits as well, and the log says whether to add it."""
    world = World("auto")
    world.hook = hook
    world.requests.begin(1000.0)
    assert waits(world.check())
    verdict = world.check(after=5.0)
    assert isinstance(verdict, Go)
    assert LINE in verdict.note
    assert verdict.note.endswith(why)
    assert not world.handover.required()


@pytest.mark.parametrize("hook", [None, False])
def test_auto_without_the_line_in_one_process(hook: bool | None) -> None:
    """No other process answers beside it: there is nothing to note."""
    world = World("auto")
    world.hook, world.group.is_shared = hook, False
    assert world.check() == GO
    assert not world.handover.required()


def test_each_restart_has_its_time() -> None:
    """The patience begins anew with the next restart."""
    world = World("auto")
    world.requests.begin(1000.0)
    world.check()
    world.timing.reset()
    world.requests.begin(1006.0)
    assert waits(world.check(after=6.5))
    assert world.check(after=5.0) == GO


def test_saves_do_not_prolong_it() -> None:
    """Another save within the wait, which has to settle first, does not restart the patience."""
    world = World("auto")
    world.requests.begin(1000.0)
    for _ in range(4):
        assert waits(world.check())
        world.timing.reset()
        assert waits(world.check(after=AGAIN))
        world.now += 0.25
    assert world.check() == GO


def test_due() -> None:
    """A restart that waits is due, so that streams may end; once it is withdrawn it is not."""
    world = World("auto")
    world.requests.begin(1000.0)
    assert not world.handover.due
    world.check()
    assert world.handover.due
    world.timing.release()
    assert not world.handover.due


@pytest.mark.parametrize("when", ["auto", "next-request"])
def test_a_person_does_not_wait(when: str) -> None:
    """A restart by hand comes at once, and hands over no request."""
    world = World(when)
    world.requests.begin(1000.0)
    world.hook = None
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


class _Besieged(Handover):
    """Requests come the very moment that they are to be handed over."""

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "pending" and value:
            assert self.required()


def test_a_request_at_once() -> None:
    """A request that comes while the handover begins is noticed, in whichever thread."""
    handover = _Besieged(GroupEpoch())
    handover.begin()
    assert handover.taken
