"""The restart budget, from the times of earlier restarts."""

from __future__ import annotations

import os
from typing import cast

import pytest

from wsgireload.changes import DELETED, Change, Changes
from wsgireload.decide.budget import LONGEST, Budget, pause
from wsgireload.decide.verdict import GO, Hold, Verdict
from wsgireload.state.journal import Entry, Journal

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
        ([0.0, 40.0, 80.0, 120.0], 0.0),  # never three within a minute
    ],
)
def test_pause(times: list[float], expected: float) -> None:
    """Three in a minute are the budget; each one more doubles the wait until calm returns."""
    assert pause(times, (3, 60.0)) == expected


def test_a_wild_loop_ends_in_an_hour_of_waiting() -> None:
    """The doubling has an end."""
    times = [0.0]
    for _ in range(40):
        times.append(times[-1] + max(1.0, pause(times, (2, 60.0))))
    assert pause(times, (2, 60.0)) == LONGEST


class History:
    """Stands in for the journal."""

    def __init__(self) -> None:
        self.kept: list[Entry] | None = []
        self.writable = True

    def entries(self) -> list[Entry] | None:
        return None if self.kept is None else list(self.kept)

    def record(self, entry: Entry) -> bool:
        if self.kept is None or not self.writable:
            return False
        self.kept.append(entry)
        return True

    def withdraw(self, entry: Entry) -> None:
        if self.kept is not None:
            self.kept.remove(entry)


class World:
    """A budget of three restarts in 60 s, its journal and a clock that the test moves."""

    def __init__(self, processes: int = 1) -> None:
        self.now = 1000.0
        self.history = History()
        journal = cast(Journal, self.history)
        self.budget = Budget((3, 60.0), journal, processes, lambda: self.now)

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
    """Restarts that come seldom enough pass."""
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
    assert "the budget of 3 restarts in 60 s is spent; gen.py keeps changing" in held
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


def test_the_culprit() -> None:
    """The file that caused most restarts is named; where none is known none is."""
    world = World()
    for paths, named in ((["a", "b", "a"], "is spent; a keeps changing;"), ([], "is spent; the")):
        world.history.kept = [
            Entry(world.now - 1, 1, "r", str(number), tuple(paths[number : number + 1]))
            for number in range(3)
        ]
        assert named in reason(world.budget.check(EDIT))


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
    )


def test_a_modified_file_has_changed() -> None:
    """The recorded reason is the one of the log line."""
    world = World()
    world.budget.spend(EDIT)
    assert [entry.reason for entry in world.history.kept or ()] == ["a.py changed"]


def test_a_restart_is_recorded_once() -> None:
    """Whichever of two threads comes first records it."""
    world = World()
    assert world.budget.spend(EDIT) == GO
    assert world.budget.spend(EDIT) == GO
    assert len(world.history.kept or ()) == 1


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
