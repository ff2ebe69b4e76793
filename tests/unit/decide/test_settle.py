"""Settle: quiet time, with an upper bound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.reloading import NoCompiler

from wsgireload.changes import Change, Changes
from wsgireload.decide.settle import Settle
from wsgireload.decide.syntax import Syntax
from wsgireload.decide.verdict import GO, Gate, Hold, Verdict, Wait
from wsgireload.detect.digest import MISSING

ONE, TWO = Changes({"a.py": Change(b"1")}), Changes({"a.py": Change(b"2")})
MORE = Changes({**ONE.files, "b.py": Change(b"1")})
EMPTIED = Changes({"a.py": Change(b"", is_python=True, unfinished=True)})
EMPTIED_TOO = Changes({**EMPTIED.files, "b.py": Change(b"1")})


def missing(names: list[str]) -> Changes:
    """All but these are modified by now."""
    gone = Change(MISSING, "deleted", is_python=True, unfinished=True)
    return Changes({"b.py": Change(b"2"), **dict.fromkeys(names, gone)})


class World:
    """A gate with 0.5 s of quiet, on a clock that the test moves."""

    def __init__(self, quiet: float = 0.5, brief: float | None = None) -> None:
        self.now = 0.0
        self.settle = Settle(quiet, lambda: self.now, brief)

    def check(self, changes: Changes, now: float) -> Verdict:
        """The verdict at that time, when polling has found these changes."""
        self.now = now
        return self.settle.check(changes)

    def notice(self, now: float, *, is_saved: bool = False) -> float:
        """An event comes at that time; returns the seconds that are left."""
        self.now = now
        return self.settle.notice(is_saved)


def test_it_waits_for_quiet() -> None:
    """A change counts once it has stood unchanged for the quiet time."""
    world = World()
    assert world.check(ONE, 10.0) == Wait(0.5)
    assert world.check(ONE, 10.25) == Wait(0.25)
    assert world.check(ONE, 10.5) == GO


def test_a_further_change_begins_the_quiet_anew() -> None:
    """Writing that goes on is waited for."""
    world = World()
    world.check(ONE, 10.0)
    assert world.check(TWO, 10.25) == Wait(0.5)
    assert world.check(TWO, 10.75) == GO


def test_one_more_path_is_a_further_change() -> None:
    """A burst of files is one piece of writing."""
    world = World()
    world.check(ONE, 10.0)
    assert world.check(MORE, 10.25) == Wait(0.5)


@pytest.mark.parametrize(("quiet", "bound"), [(0.05, 5.0), (1.0, 20.0)])
@pytest.mark.parametrize("by_event", [False, True])
def test_the_bound_ends_the_waiting(quiet: float, bound: float, by_event: bool) -> None:
    """Endless writing is waited for 20 times the quiet time or 5 s, whichever is longer."""
    world, now = World(quiet), 100.0
    while True:
        if by_event:
            world.notice(now)
        if world.check(Changes({"a.txt": Change(str(now).encode())}), now) == GO:
            break
        now += quiet / 2
    assert 100.0 + bound <= now <= 100.0 + bound + quiet


def test_a_later_change_has_its_own_quiet_and_bound() -> None:
    """A file that is mended long after it was held is still waited for."""
    world = World()
    world.check(ONE, 10.0)
    assert world.check(ONE, 11.0) == GO
    assert world.check(ONE, 99.0) == GO
    assert world.check(TWO, 100.0) == Wait(0.5)
    assert world.check(ONE, 100.25) == Wait(0.5)
    assert world.check(ONE, 100.75) == GO


def test_patience_waits_for_the_bound() -> None:
    """A change that looks unfinished is waited for until the bound, and no longer."""
    world = World()
    assert world.check(EMPTIED, 10.0) == Wait(10.0)
    assert world.check(EMPTIED_TOO, 19.0) == Wait(1.0)
    assert world.check(EMPTIED_TOO, 20.0) == GO


def test_data_that_is_missing() -> None:
    """It is awaited while nothing else differs; a checkout that removes some does not wait."""
    world, gone = World(), Change(MISSING, "deleted")
    assert world.check(Changes({"a.html": gone, "b.html": gone}), 10.0) == Wait(10.0)
    assert world.check(Changes({"a.html": Change(b"2"), "b.html": gone}), 11.0) == Wait(0.5)
    world.settle.reset()
    assert world.check(Changes({"a.html": gone}), 20.0) == Wait(10.0)
    assert world.check(Changes({"a.html": gone}), 30.0) == GO
    world.settle.reset()
    assert world.check(Changes(requested="by hand"), 40.0) == GO


def test_a_source_that_was_awaited_already() -> None:
    """A held deletion delays no later change, as one that mends it; a further one is awaited."""
    world = World()
    assert world.check(EMPTIED, 10.0) == Wait(10.0)
    assert world.check(EMPTIED, 20.0) == GO
    assert world.check(EMPTIED_TOO, 30.0) == Wait(0.5)
    assert world.check(EMPTIED_TOO, 30.5) == GO
    gone = Change(MISSING, "deleted", unfinished=True)
    assert world.check(Changes({**EMPTIED.files, "c.py": gone}), 40.0) == Wait(10.0)


def test_sources_that_come_one_after_another() -> None:
    """As with pip on a slow disk: each one that comes is waited for anew, for a minute in all."""
    names = [f"m{number}.py" for number in range(100)]
    for pause, waited in ((0.6, 60.0), (4.0, 60.0), (6.0, 5.0), (0.3, 30.0)):
        world, now, came = World(0.05), 1000.0, 0
        while world.check(missing(names[came:]), now) != GO:
            now += 0.1
            came = int((now - 1000.0) / pause)
        assert waited - 0.2 <= now - 1000.0 <= waited + 0.3


def test_what_was_finished_is_not_waited_for_any_more() -> None:
    """Once the source is whole its quiet time is enough."""
    world = World()
    world.check(EMPTIED, 10.0)
    assert world.check(ONE, 12.0) == Wait(0.5)
    assert world.check(ONE, 12.5) == GO


def test_no_quiet_time_at_all() -> None:
    """settle=0 means at once."""
    world = World(0.0)
    assert world.check(ONE, 10.0) == GO
    world.notice(20.0)
    assert world.settle.left() == 0.0
    assert world.check(TWO, 20.0) == GO


def test_quiet_counts_from_the_event() -> None:
    """What an event announced was written then, and not when it was scanned."""
    world = World()
    world.notice(10.0)
    assert world.settle.left() == 0.5
    assert world.check(ONE, 10.25) == Wait(0.25)
    assert world.check(ONE, 10.5) == GO


def test_an_event_is_waited_out_whatever_differs() -> None:
    """An event shows that writing goes on before a scan does; `left` ends with the bound."""
    world = World()
    world.notice(10.0)
    world.notice(19.75)
    assert world.settle.left() == 0.25
    assert world.settle.left(patient=True) == 0.25
    world.now = 21.0
    assert world.settle.left() == 0.0


def test_a_restart_by_hand_does_not_wait() -> None:
    """Where no file differs there is nothing to wait for."""
    assert World().check(Changes(requested="a reason"), 10.0) == GO


def test_a_reset_ends_the_burst() -> None:
    """A change that was undone does not count towards the bound of the next one."""
    world = World()
    world.check(ONE, 10.0)
    world.settle.reset()
    assert world.check(ONE, 19.75) == Wait(0.5)
    world.settle.reset()
    world.notice(29.0)
    assert world.settle.left() == 0.5


def test_a_touch_ends_its_burst() -> None:
    """An event after which nothing differs does not count towards a later bound."""
    world = World()
    world.notice(10.0)
    world.settle.reset()
    assert world.check(ONE, 19.9) == Wait(0.5)


class TestCompleteSaves:
    """What a complete save changes: 0.5 s of quiet, or 0.125 s after one."""

    def test_one_by_itself_needs_little_time(self) -> None:
        """After a calm, and whatever came just before, it is settled soon."""
        world = World(0.5, 0.125)
        assert world.notice(10.0) == 0.5
        assert world.notice(10.125, is_saved=True) == 0.125
        assert world.check(ONE, 10.1875) == Wait(0.0625)
        assert world.check(ONE, 10.25) == GO
        assert world.notice(12.0, is_saved=True) == 0.125

    def test_a_second_one_needs_the_whole_time(self) -> None:
        """If more follows after quiet, still more may follow."""
        world = World(0.5, 0.125)
        world.notice(10.0, is_saved=True)
        assert world.check(ONE, 10.125) == GO
        assert world.notice(10.25, is_saved=True) == 0.5
        assert world.notice(10.25, is_saved=True) == 0.5
        assert world.check(MORE, 10.5) == Wait(0.25)
        assert world.notice(11.25, is_saved=True) == 0.5

    def test_writing_that_goes_on_needs_the_whole_time(self) -> None:
        """A further event, or a change that a scan finds without one, makes it incomplete."""
        world = World(0.5, 0.125)
        world.notice(10.0, is_saved=True)
        assert world.notice(10.0625) == 0.5
        world.settle.reset()
        world.notice(20.0, is_saved=True)
        assert world.check(ONE, 20.125) == GO
        assert world.check(TWO, 20.25) == Wait(0.5)

    def test_an_emptied_source_is_awaited(self) -> None:
        """The save of an empty or missing source may be complete: it is awaited all the same."""
        world = World(0.5, 0.125)
        world.notice(10.0, is_saved=True)
        assert world.check(EMPTIED, 11.0) == Wait(9.0)

    def test_in_doubt_the_whole_time_counts(self) -> None:
        """What may be wrong only because writing goes on is judged after the whole time."""
        world = World(0.5, 0.125)
        world.notice(10.0, is_saved=True)
        world.now = 10.25
        assert (world.settle.left(), world.settle.left_in_doubt()) == (0.0, 0.25)
        world.now = 10.5
        assert world.settle.left_in_doubt() == 0.0

    def test_a_second_save_while_the_first_is_compiled(self, tmp_path: Path) -> None:
        """The verdict is on the second one."""
        world, path = World(0.5, 0.125), tmp_path / "a.py"
        syntax = Syntax(
            lambda: None, NoCompiler(), world.settle.left_in_doubt, world.settle.is_endless
        )
        good, bad = (
            Changes({str(path): Change(digest, is_python=True)}) for digest in (b"1", b"2")
        )
        path.write_text("x = ()")
        world.notice(10.0, is_saved=True)
        assert world.check(good, 10.125) == GO
        assert syntax.check(good) == Wait(0.0)
        path.write_text("x = (")
        world.notice(10.25, is_saved=True)
        assert world.check(bad, 10.75) == GO
        assert syntax.check(bad) == Wait(0.0)
        assert isinstance(syntax.check(bad), Hold)

    def test_a_time_of_the_users_own_holds(self) -> None:
        """Without a shorter time a complete save waits as any other."""
        assert World(0.5).notice(10.0, is_saved=True) == 0.5


class Chain:
    """Gates that are checked as by the reloader, each step as soon as they want."""

    def __init__(self, world: World, *gates: Gate) -> None:
        self.world = world
        self.gates = gates

    def run(self, changes: Callable[[float], Changes], scan: float) -> float:
        """Scan, which takes so many seconds each, until all gates pass; returns the time."""
        for _ in range(10_000):
            self.world.now += scan
            for number, gate in enumerate(self.gates):
                verdict = gate.check(changes(self.world.now))
                if isinstance(verdict, Wait):
                    for later in self.gates[number + 1 :]:
                        later.reset()
                    self.world.now += verdict.seconds
                    break
            else:
                return self.world.now
        raise AssertionError("it waits for ever")


@pytest.mark.parametrize("python", [True, False], ids=["a source", "a text beside a source"])
def test_endless_writing_is_bounded_beside_the_compiling(python: bool) -> None:
    """Of files that differ at each scan the first verdict after the bound counts."""

    def changes(now: float) -> Changes:
        written = Change(str(now).encode(), is_python=python)
        return Changes({"missing.py": Change(b"2", is_python=True), "written": written})

    world = World(0.05)
    chain = Chain(world, world.settle, Syntax(lambda: None, NoCompiler()))
    assert 5.0 <= chain.run(changes, scan=0.01) < 5.5


CODE = Changes({"a.py": Change(b"1", is_code=True)})


@pytest.mark.parametrize(("closed", "goes"), [(3.0, 3.0), (30.0, 30.0), (300.0, 60.0)])
def test_code_that_is_being_written_is_waited_for(closed: float, goes: float) -> None:
    """Half of a slow upload may compile. It counts once it is closed, or after a minute."""
    world = World()

    def left(path: str) -> float:
        assert path == "a.py"
        return 5.0 if world.now < closed else 0.0

    world.settle = Settle(0.05, lambda: world.now, None, left)
    assert world.check(Changes({"a.html": Change(b"1")}), 0.0) == Wait(0.05)
    now = 0.0
    while (verdict := world.check(CODE, now)) != GO:
        assert isinstance(verdict, Wait)
        assert verdict.seconds <= 5.0
        now += 0.5
    assert goes <= now <= goes + 0.5
    world.settle.reset()
    world.check(CODE, 1.0)
    assert isinstance(world.check(CODE, 2.0), Wait)  # another change has another minute
    assert isinstance(world.check(Changes({"a.html": Change(b"2")}), 2.5), Wait)
    assert world.check(Changes({"a.html": Change(b"2")}), 2.9) == GO  # no code


def awaited(gate: Gate) -> list[str]:
    """What the status shows."""
    return [each.what for each in gate.awaited]


def test_a_long_wait_is_named() -> None:
    """The status shows it from its beginning to its end."""
    world = World(quiet=10.0)
    world.check(ONE, 10.0)
    assert awaited(world.settle) == ["10 s without a change (settle)"]
    assert world.check(ONE, 20.0) == GO
    assert not awaited(world.settle)
    world.check(TWO, 30.0)
    world.settle.reset()
    assert not awaited(world.settle)


def test_a_short_wait_is_not_named() -> None:
    """It is once writing goes on for 2 s."""
    world = World()
    world.check(ONE, 10.0)
    assert not awaited(world.settle)
    for number in range(8):
        world.check(TWO if number % 2 else ONE, 10.25 + number / 4)
    assert awaited(world.settle) == ["0.5 s without a change (settle)"]


def test_code_that_is_awaited_is_named() -> None:
    """It is missing or empty, or a program still writes it."""
    world = World()
    world.check(EMPTIED, 10.0)
    assert awaited(world.settle) == ["code that is missing or empty: a.py"]
    code = Changes({"a.py": Change(b"1", is_code=True), "b.html": Change(b"1")})
    settle = Settle(0.5, lambda: world.now, open_for=lambda path: 4.0 if path == "a.py" else 0.0)
    settle.check(code)
    world.now += 2.0
    settle.check(code)
    assert awaited(settle) == ["the end of writing to a.py"]
