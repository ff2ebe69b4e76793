"""The restart budget, from the times of earlier restarts."""

from __future__ import annotations

import os
from typing import cast

import pytest
from support.journals import History, Writes

from wsgireload.changes import DELETED, Change, Changes
from wsgireload.decide.budget import LONGEST, Budget, pause, restarts, slowness
from wsgireload.decide.verdict import GO, Hold, Verdict
from wsgireload.report import Restarted
from wsgireload.state.journal import Entry, Journal
from wsgireload.state.own_writes import OwnWrites

EDIT = Changes({"a.py": Change(b"2")})
BY_HAND = Changes({"a.py": Change(b"2")}, "a reason")


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([], 0.0),
        ([0.0], 0.0),
        ([0.0, 1.0], 0.0),
        ([0.0, 1.0, 2.0], 60.0),  # the third within a minute: spent
        ([0.0, 1.0, 2.0, 62.0], 120.0),  # and at once again: twice as long
        ([0.0, 1.0, 2.0, 62.0, 182.0], 240.0),
        ([0.0, 1.0, 2.0, 200.0], 0.0),  # it had calmed down
        ([0.0, 40.0, 80.0, 120.0], 120.0),  # a slow loop is a loop
        ([0.0, 61.0, 122.0, 183.0], 0.0),  # never one within a minute of another
    ],
)
def test_pause(times: list[float], expected: float) -> None:
    """Three in a row are the budget; each one more doubles the wait until calm returns."""
    assert pause(times, (3, 60.0)) == expected


def test_a_wild_loop_ends_in_an_hour_of_waiting() -> None:
    """The doubling has an end."""
    times = [0.0]
    for _ in range(40):
        times.append(times[-1] + max(1.0, pause(times, (2, 60.0))))
    assert pause(times, (2, 60.0)) == LONGEST


class World:
    """A budget of three restarts in 60 s, its journal and a clock that the test moves.

    `by_us`: whether the application wrote what changed.
    """

    def __init__(
        self, processes: int = 1, by_us: bool | None = True, limit: tuple[int, float] = (3, 60.0)
    ) -> None:
        self.now = 1000.0
        self.history = History()
        self.writes = Writes(by_us)
        self.budget = self.next(processes, limit)

    def next(self, processes: int = 1, limit: tuple[int, float] = (10, 60.0)) -> Budget:
        """The budget of a new process."""
        journal, writes = cast(Journal, self.history), cast(OwnWrites, self.writes)
        return Budget(limit, journal, writes, processes, lambda: self.now)

    def past(self, *times: float, what: str | None = None) -> None:
        """Restarts so many seconds ago, each because of gen.py and of something else."""
        self.history.kept = [
            Entry(self.now - ago, 1, "gen.py changed", what or str(ago), ("gen.py", f"{ago}.py"))
            for ago in times
        ]


def reason(verdict: Verdict) -> str:
    """Why it holds."""
    assert isinstance(verdict, Hold)
    return verdict.reason


def test_within_the_budget() -> None:
    """Restarts at long enough intervals pass."""
    world = World()
    assert world.budget.check(EDIT) == GO
    world.past(50, 40)
    assert world.budget.check(EDIT) == GO


def test_another_process_restarts_meanwhile() -> None:
    """A restart recorded after the clock was read, by another process, spends no budget."""
    world = World()
    world.past(10, -0.001)
    assert world.budget.check(EDIT) == GO


def test_a_spent_budget_holds() -> None:
    """The reason names limit, culprit and the wait; it ends when that is over."""
    world = World()
    world.past(30, 20, 10)
    held = reason(world.budget.check(EDIT))
    assert "the budget of 3 restarts in 60 s is spent; the application itself writes a.py" in held
    assert "60 s after the last" in held
    world.now += 49.9
    assert reason(world.budget.check(EDIT)) == held
    world.now += 0.1
    assert world.budget.check(EDIT) == GO


def test_a_restart_of_this_very_moment() -> None:
    """A restart that another process records while this one reads the journal holds nothing."""
    world = World()
    world.past(-0.001)
    assert world.budget.check(EDIT) == GO


def test_a_change_from_outside() -> None:
    """A change that the application did not write passes, and so does one of unknown origin."""
    for by_us in (False, None):
        world = World(by_us=by_us)
        world.past(30, 20, 10)
        assert world.budget.check(EDIT) == GO


def test_a_change_from_outside_ends_a_loop() -> None:
    """Restarts before it do not count any more."""
    world = World()
    world.past(30, 20, 10)
    kept = world.history.kept or []
    kept[1] = kept[1]._replace(by_us=False)
    assert world.budget.check(EDIT) == GO


def served(world: World, pace: float, saves: int, limit: tuple[int, float] = (10, 60.0)) -> float:
    """Save one file again and again, each time with a new process; the longest hold, in seconds."""
    longest = 0.0
    for number in range(saves):
        budget, since = world.next(1, limit), world.now
        save = Changes({"a.py": Change(b"%d" % number)})
        while budget.check(save) != GO:
            world.now += 0.1
        assert budget.spend(save) == GO
        longest = max(longest, world.now - since)
        world.now += pace
    return longest


def test_forty_saves_in_a_minute() -> None:
    """Each restarts at once; so does autosave during nine minutes of typing."""
    assert served(World(by_us=False), 1.5, 40) == 0
    assert served(World(by_us=False), 3.0, 180) == 0


def test_a_file_that_something_rewrites_for_ever() -> None:
    """Its restarts are delayed: at first by ten seconds at most, and more and more."""
    world = World(by_us=False)
    assert 4 < served(world, 0.5, 500) < 10
    held = reason(world.next().check(Changes({"a.py": Change(b"?")})))
    assert held == "a.py alone caused the last 500 restarts; the next may come 9.2 s after the last"
    assert 20 < served(world, 0.5, 1000) < 40
    world.now += 100
    assert served(world, 1.0, 40) == 0


def test_another_change_ends_that() -> None:
    """It passes at once, and the file that something rewrites begins anew."""
    world = World(by_us=False)
    served(world, 0.5, 500)
    assert world.next().check(Changes({"b.py": Change(b"2")})) == GO
    both = Changes({"a.py": Change(b"2"), "b.py": Change(b"2")})
    assert world.next().check(both) == GO
    world.next().spend(both)
    assert served(world, 0.5, 40) == 0


def test_a_strict_budget_keeps_its_pace() -> None:
    """After four restarts at any pace, a budget of one restart in 600 s allows just that."""
    assert [slowness(burst, (1, 600.0)) for burst in (4, 5, 6)] == [0.0, 600.0, 600.0]
    assert slowness(41, (10, 60.0)) < 0.1


def test_slowness_ends_in_an_hour() -> None:
    """The delay grows by a fiftieth of a second with each restart, to an hour."""
    assert slowness(90, (10, 60.0)) == pytest.approx(1.0)
    assert slowness(10**7, (10, 60.0)) == LONGEST


def test_what_repeats_is_named() -> None:
    """Every tenth restart for the same file is reported as such."""
    world, said = World(by_us=False), []
    for number in range(20):
        budget = world.next()
        budget.recall()
        said.append(budget.repeated())
        budget.spend(Changes({"a.py": Change(b"%d" % number)}))
        world.now += 600
    budget = world.next()
    budget.recall()
    assert [*filter(None, said)] == ["; a.py alone caused the last 10 restarts"]
    assert budget.repeated() == "; a.py alone caused the last 20 restarts"


def test_restarts_by_hand_are_not_named() -> None:
    """Ten restarts without a change have no file in common."""
    world = World(by_us=False)
    for _ in range(10):
        world.next().spend(Changes(requested="a reason"))
    budget = world.next()
    budget.recall()
    assert budget.repeated() == ""


def test_processes_of_a_group_count_once() -> None:
    """Three processes that restart for one change are one restart in a row."""
    world = World(3, by_us=False)
    for change in (b"1", b"1", b"1", b"2"):
        world.next(3).spend(Changes({"a.py": Change(change)}))
    assert [entry.row for entry in world.history.kept or ()] == [1, 1, 1, 2]


@pytest.mark.parametrize(
    ("restarts", "limit", "observed"),
    [
        (0, (10, 60.0), False),
        (4, (10, 60.0), False),
        (5, (10, 60.0), True),
        (1, (3, 60.0), True),
        (0, (1, 60.0), False),
        (1, (1, 60.0), True),
    ],
)
def test_what_is_observed(restarts: int, limit: tuple[int, float], observed: bool) -> None:
    """Once half of the budget is spent, the next process observes what it writes."""
    world = World(limit=limit)
    world.past(*range(restarts, 0, -1))
    world.budget.recall()
    assert world.writes.observed == ({"gen.py", "of another application"} if observed else set())


def test_nothing_is_observed_after_a_pause_or_a_person() -> None:
    """Restarts of an hour ago, or from outside, are no reason."""
    for past in (
        [Entry(1.0 + at, 1, "r", str(at)) for at in range(3)],
        [Entry(999, 1, "r", "f", by_us=False)],
    ):
        world = World()
        world.history.kept = past
        world.budget.recall()
        assert world.writes.observed == set()


def test_what_the_application_wrote_is_recorded() -> None:
    """The entry has who wrote the files: the next process knows whether it is part of a loop."""
    for by_us in (True, False, None):
        world = World(by_us=by_us)
        world.budget.spend(EDIT)
        assert [entry.by_us for entry in world.history.kept or ()] == [by_us]
    world.budget.end()
    assert world.writes.ignored


def test_a_person_is_no_loop() -> None:
    """A restart by hand passes, with or without a journal."""
    world = World()
    world.past(3, 2, 1)
    assert world.budget.check(BY_HAND) == GO
    world.history.kept = None
    assert world.budget.check(BY_HAND) == GO
    assert world.budget.spend(BY_HAND) == GO


@pytest.mark.parametrize(("processes", "passes"), [(3, True), (1, False)])
def test_a_group_restarts_once_for_a_change(processes: int, passes: bool) -> None:
    """The restarts of its processes for the same change count as one."""
    world = World(processes)
    world.past(3, 2, 1, what="f")
    assert (world.budget.check(EDIT) == GO) == passes


def test_without_a_journal_a_loop_is_slow() -> None:
    """Where restarts cannot be counted a process has to live for a third of the window."""
    world = World()
    world.history.kept = None
    assert "a process has to run 20 s" in reason(world.budget.check(EDIT))
    world.now += 19.9
    assert isinstance(world.budget.check(EDIT), Hold)
    world.now += 0.1
    assert world.budget.check(EDIT) == GO
    assert world.budget.spend(EDIT) == GO


def test_a_restart_that_cannot_be_recorded_is_slow_too() -> None:
    """It is held while the process is young, and recorded once that is possible."""
    world = World()
    world.history.writable = False
    assert world.budget.check(EDIT) == GO
    assert "without a journal" in reason(world.budget.spend(EDIT))
    world.history.writable = True
    assert world.budget.spend(EDIT) == GO
    assert len(world.history.kept or ()) == 1


def test_what_is_recorded() -> None:
    """Time, process, reason, fingerprint, the first ten paths and the generation to come."""
    world = World()
    world.budget.generation = 4
    changes = Changes({f"{number:02}.py": Change(b"2", DELETED) for number in range(12)})
    assert world.budget.spend(changes) == GO
    [entry] = world.history.kept or ()
    assert entry == Entry(
        1000.0,
        os.getpid(),
        "00.py deleted, 01.py deleted, 02.py deleted and 9 more",
        changes.fingerprint(),
        tuple(f"{number:02}.py" for number in range(10)),
        5,
        by_us=True,
    )


def test_a_modified_file_has_changed() -> None:
    """The recorded reason is the one of the log line."""
    world = World()
    world.budget.spend(EDIT)
    assert [entry.reason for entry in world.history.kept or ()] == ["a.py changed"]


def test_a_restart_is_recorded_once() -> None:
    """Of two threads the first records the restart."""
    world = World()
    assert world.budget.spend(EDIT) == GO
    assert world.budget.spend(EDIT) == GO
    assert len(world.history.kept or ()) == 1


def test_the_end_of_a_process_is_recorded_once() -> None:
    """Of two interpreters that wait for requests, one records that their process is replaced."""
    world = World()
    first, second = world.budget, world.next()
    first.spend(EDIT)
    second.spend_at_end(EDIT)
    assert len(world.history.kept or ()) == 1
    world.now += 60.0
    world.next().spend_at_end(EDIT)  # of the next process, which has the same pid
    assert len(world.history.kept or ()) == 2


def test_a_refund() -> None:
    """A restart that did not happen leaves no record, and the next one is recorded."""
    world = World()
    world.past(90)
    world.budget.spend(EDIT)
    world.budget.refund()
    world.budget.refund()
    assert len(world.history.kept or ()) == 1
    world.budget.spend(EDIT)
    assert len(world.history.kept or ()) == 2


def test_a_renewal() -> None:
    """A restart without an effect counts, is not taken back, and may be recorded again."""
    world = World()
    world.budget.spend(EDIT)
    world.budget.renew()
    world.budget.refund()
    assert len(world.history.kept or ()) == 1
    world.budget.spend(EDIT)
    assert len(world.history.kept or ()) == 2


def test_nothing_to_refund() -> None:
    """Where no restart could be recorded none is taken back."""
    world = World()
    world.history.writable = False
    world.now += 20
    assert world.budget.spend(EDIT) == GO
    world.past(90)
    world.budget.refund()
    assert len(world.history.kept or ()) == 1


def test_the_last_twenty() -> None:
    """Twenty restarts are reported, the newest first, in seconds since 1970."""
    past = [Entry(at, 1, f"{at}", f"{at}", up=at + 0.25) for at in range(100, 130)]
    reported = restarts(past, 4.9e6)
    assert len(reported) == 20
    assert reported[0] == Restarted(4.9e6 + 129, "129", 0.25)
    assert reported[-1].reason == "110"


def test_no_duration() -> None:
    """A restart that no new process has answered has no duration."""
    [reported] = restarts([Entry(1.0, 1, "r", "f")], 4.9e6)
    assert reported.took is None
