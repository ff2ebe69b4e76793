"""The turn of a fleet: each machine's processes, with the rules in memory as the coordinator."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random

import pytest
from support.memorystore import LIFE, Memory
from support.standins import Clock

from wsgireload.changes import Change, Changes, fingerprint
from wsgireload.decide.command import Command
from wsgireload.decide.coordinator import GIVE, KEEP, TAKE, Answer, Requests
from wsgireload.decide.rolling import LATE, POLL, Rolling
from wsgireload.decide.turn import RETRY, SELDOM, Turn, version
from wsgireload.decide.verdict import GO, Hold, Verdict, Wait
from wsgireload.state.private_dir import Candidates

EDIT, OTHER = Changes({"a.py": Change(b"2")}), Changes({"a.py": Change(b"3")})


class Machine(Requests):
    """A machine of the fleet: its folder, and its way to the coordinator, which may be cut."""

    def __init__(self, fleet: Fleet, name: str) -> None:
        self.fleet = fleet
        self.name = name
        self.folder = str(fleet.folder / name)
        self.is_cut_off = False

    def process(self, *, is_up: bool = True) -> Process:
        """Start a process of this machine."""
        return Process(self, is_up=is_up)

    def announced(self) -> Process:
        """Start a process; return it once it has reported that it is up."""
        process = self.process()
        process.settle()
        return process


class OneRequest(Requests):
    """What one process asks: it is answered by the next poll, unless the test delays it."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(Command((), {}, None, 0.0, machine.fleet.clock), machine.name)
        self._machine = machine
        self._asked: tuple[str, ...] = ()
        self.made: list[str] = []
        self.is_slow = False

    def begin(self, verb: str, *words: str) -> None:
        self.verb, self._asked = verb, words
        self.made.append(verb)

    def poll(self) -> Answer | None:
        if not self.verb or self.is_slow:
            return None
        verb, self.verb = self.verb, ""
        if self._machine.is_cut_off:
            return Answer(None, f"error {len(self.made)}")
        return Answer(*self._machine.fleet.store.ask(verb, self._machine.name, *self._asked))


class Process(Turn):
    """One process: `is_up` is whether its application is loaded."""

    def __init__(self, machine: Machine, *, is_up: bool) -> None:
        self.is_up = is_up
        self.troubles: list[str] = []
        self.requests = OneRequest(machine)
        self.clock = machine.fleet.clock
        folders = Candidates([machine.folder], self.troubles.append)
        lock = Rolling(folders, "site", lambda: self.is_up, self.clock)
        name = partial(version, None)
        super().__init__(lock, self.requests, name, self.troubles.append, LIFE, self.clock)
        self.clock.now += 1

    def settle(self) -> None:
        """Take steps until there is nothing to report."""
        for _ in range(10):
            if self.announce():
                return
            self.clock.now += POLL
        raise AssertionError("it never ends to report")

    def turn(self, changes: Changes = EDIT) -> Verdict:
        """The verdict once the coordinator has answered, or cannot."""
        self.clock.now += RETRY
        self.check(changes)
        self.announce()
        return self.check(changes)

    def ends(self) -> None:
        """The system closes its files, and so releases its lock."""
        self.forget()


class Fleet:
    """Machines that share a coordinator."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Memory()
        self.clock: Clock = self.store.clock

    def machine(self, name: str) -> Machine:
        """Add one."""
        return Machine(self, name)


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """A fleet without machines, whose coordinator knows nothing."""
    return Fleet(tmp_path)


@pytest.fixture
def web1(fleet: Fleet) -> Machine:
    """The first machine."""
    return fleet.machine("web1")


@pytest.fixture
def web2(fleet: Fleet) -> Machine:
    """The second one."""
    return fleet.machine("web2")


def test_one_process_of_the_fleet(web1: Machine, web2: Machine) -> None:
    """The other machine waits until the successor has come up and has given the turn back."""
    first, other = web1.announced(), web2.announced()
    assert first.turn() == GO
    wait = other.turn()
    assert isinstance(wait, Wait)
    assert wait.announcement.startswith(
        "waiting for the turn of the fleet: web1 has it for version"
    )
    first.ends()
    successor = web1.process(is_up=False)
    assert not successor.announce()
    assert isinstance(other.turn(), Wait)
    successor.is_up = True
    successor.settle()
    assert other.turn() == GO


def test_the_machine_before_the_fleet(web1: Machine, web2: Machine) -> None:
    """One process of a machine asks; the other gets the turn anew, after the first successor."""
    first, second, other = web1.announced(), web1.announced(), web2.announced()
    asked = len(second.requests.made)
    assert first.turn() == GO
    assert second.turn() == Wait(POLL)
    first.ends()
    assert second.turn() == Wait(POLL)
    assert len(second.requests.made) == asked
    web1.announced()
    assert second.turn() == GO
    assert isinstance(other.turn(), Wait)


def test_a_turn_is_not_given_under_another_process(web1: Machine, web2: Machine) -> None:
    """Where the next process of the machine goes first, its own successor gives the turn back."""
    first, second, other = web1.announced(), web1.announced(), web2.announced()
    assert first.turn() == GO
    first.ends()
    successor = web1.process()
    web1.is_cut_off = True  # it is up, but cannot report that
    assert not successor.announce()
    assert not successor.announce()
    web1.is_cut_off = False
    assert second.turn() == GO
    second.ends()
    successor.settle()
    assert successor.requests.made == [GIVE]
    assert isinstance(other.turn(), Wait)
    web1.announced()
    assert other.turn() == GO


def test_the_lock_is_kept_until_the_turn_is_given(web1: Machine) -> None:
    """No other process of the machine may take the turn that is about to be given."""
    successor, second = web1.process(), web1.process()
    successor.requests.is_slow = True
    assert not successor.announce()
    assert second.turn() == Wait(POLL)
    successor.reset()  # as with each step without a change
    assert second.turn() == Wait(POLL)
    successor.requests.is_slow = False
    assert successor.announce()
    assert second.turn() == GO


def test_a_successor_is_not_replaced_meanwhile(web1: Machine) -> None:
    """A process that is giving the turn back takes it anew, once that is done."""
    successor = web1.process()
    successor.requests.is_slow = True
    successor.announce()
    assert successor.check(EDIT) == Wait(POLL)
    successor.release()
    assert successor.requests.verb == GIVE
    successor.requests.is_slow = False
    assert successor.turn() == GO


def test_who_waits_is_logged_once(web1: Machine, web2: Machine, fleet: Fleet) -> None:
    """The verdict stays the same while the turn goes round; the status names who has it now."""
    waiting = fleet.machine("web3").announced()
    first, second = web1.announced(), web2.announced()
    first.turn()
    wait = waiting.turn()
    assert "web1" in waiting.awaited[0].what
    first.reset()
    first.settle()
    second.turn()
    assert waiting.turn() == wait
    assert "web2" in waiting.awaited[0].what
    second.reset()
    second.settle()
    assert waiting.turn() == GO
    assert waiting.awaited == ()


def test_who_waits_is_logged_again_after_a_hold(web1: Machine, web2: Machine, fleet: Fleet) -> None:
    """The line after a hold names who has the turn then, not who had it before the hold."""
    mine, theirs = web1.announced(), web2.announced()
    assert theirs.turn() == GO
    assert "web2 has it" in announced(mine.turn())
    web1.is_cut_off = True
    assert isinstance(mine.turn(), Hold)
    web1.is_cut_off = False
    other = fleet.machine("web3").announced()
    theirs.release()
    theirs.settle()
    assert other.turn() == GO
    fleet.clock.now += SELDOM
    assert "web3 has it" in announced(mine.turn())


def announced(verdict: Verdict) -> str:
    """What a verdict to wait has the log say."""
    assert isinstance(verdict, Wait)
    return verdict.announcement


def test_a_turn_is_asked_for_once_a_second(web1: Machine, web2: Machine, fleet: Fleet) -> None:
    """However often the gate is checked."""
    web1.announced().turn()
    other = web2.announced()
    before = len(other.requests.made)
    for _ in range(30):
        other.check(EDIT)
        fleet.clock.now += POLL
    assert len(other.requests.made) - before in (3, 4)


def test_others_of_a_machine_wait_quietly(web1: Machine, web2: Machine, fleet: Fleet) -> None:
    """While a process waits for the fleet, those that wait for the machine's lock do not hold."""
    first = web1.announced()
    first.turn()
    second, third = web2.announced(), web2.announced()
    for _ in range(round(LATE)):
        first.announce()
        assert isinstance(second.turn(), Wait)
        assert third.turn() == Wait(POLL)


def test_a_turn_that_lasts(web1: Machine, web2: Machine, fleet: Fleet) -> None:
    """A machine that keeps the turn without coming up stops the rest, until it is repaired."""
    first, other = web1.announced(), web2.announced()
    first.turn()
    first.ends()
    failed = web1.process(is_up=False)
    verdict: Verdict = GO
    for _ in range(round(2 * LIFE) + 2):
        failed.announce()
        verdict = other.turn()
        if isinstance(verdict, Hold):
            other.release()
    assert isinstance(verdict, Hold)
    assert verdict.reason.startswith(
        "the roll of the fleet does not go on: web1 has it for version"
    )
    assert failed.requests.made == [KEEP] * len(failed.requests.made)
    assert failed.awaited[0].what.startswith("the turn of the fleet: web1 has it for version ")
    assert other.turn() == verdict
    assert failed.turn(OTHER) == GO  # it serves no request: the repair goes there first
    failed.ends()
    web1.announced()
    assert other.turn(OTHER) == GO


def test_a_machine_dies(web1: Machine, web2: Machine, fleet: Fleet) -> None:
    """The same version goes no further, another one does; the machine frees all once it is up."""
    first, other = web1.announced(), web2.announced()
    first.turn()
    first.ends()
    fleet.clock.now += LIFE
    held = other.turn()
    assert isinstance(held, Hold)
    assert held.reason.startswith("the roll of the fleet has stopped: web1 took version ")
    assert "it was last heard of at " in held.reason
    other.release()
    fleet.clock.now += 100 * LIFE
    assert other.turn() == held
    assert other.turn(OTHER) == GO
    other.reset()
    other.settle()
    assert other.turn() == GO


def test_it_comes_back(web1: Machine, web2: Machine, fleet: Fleet) -> None:
    """Any process of that machine that comes up gives the turn back."""
    first, other = web1.announced(), web2.announced()
    first.turn()
    first.ends()
    fleet.clock.now += LIFE
    assert isinstance(other.turn(), Hold)
    other.release()
    web1.announced()
    assert other.turn() == GO


def test_no_answer(web1: Machine, fleet: Fleet) -> None:
    """The old code keeps serving, and others of the machine may try; it goes on by itself."""
    process = web1.announced()
    web1.is_cut_off = True
    held = process.turn()
    assert isinstance(held, Hold)
    assert held.reason == "no answer from the coordinator of the fleet, retrying: error 2"
    process.release()
    second = web1.process()
    assert isinstance(second.turn(), Hold)
    second.release()
    assert process.turn() == held
    process.release()
    web1.is_cut_off = False
    fleet.clock.now += SELDOM
    assert process.turn() == GO


class Busy:
    """A process that is stepped as the reloader does it, until it is replaced."""

    def __init__(self, machine: Machine, *, is_up: bool) -> None:
        self.machine = machine
        self.process = machine.process(is_up=is_up)
        self.is_new = not is_up

    def step(self) -> bool:
        """Take one step; whether the process ends."""
        gate = self.process
        verdict = None if self.is_new else gate.check(EDIT)
        if verdict is None:
            gate.reset()
        elif isinstance(verdict, Hold):
            gate.release()
        gate.announce()
        return verdict == GO


@pytest.mark.parametrize("seed", range(60))
def test_any_order(fleet: Fleet, seed: int) -> None:
    """One is away and all are replaced, in whatever order they step and machines are cut off."""
    random = Random(seed)
    machines = [fleet.machine(f"web{number}") for number in range(3)]
    running = [Busy(machine, is_up=True) for machine in machines for _ in range(2)]
    for _ in range(20_000):
        fleet.clock.now += random.choice((0.01, POLL, POLL, 0.5))
        if random.random() < 0.01:
            cut = random.choice(machines)
            cut.is_cut_off = not cut.is_cut_off
        for each in running:
            each.process.requests.is_slow = random.random() < 0.7
        each = random.choice(running)
        if not each.process.is_up:
            each.process.is_up = random.random() < 0.1
        if each.step():
            each.process.ends()
            running[running.index(each)] = Busy(each.machine, is_up=False)
        assert [each.process.is_up for each in running].count(False) <= 1
        if all(each.is_new and each.process.is_up for each in running):
            return
    raise AssertionError("the roll never ends")


@pytest.mark.parametrize("has_change", [True, False])
def test_a_request_that_does_not_help(web1: Machine, fleet: Fleet, *, has_change: bool) -> None:
    """It is repeated ever more seldom, as each process of a machine runs a program for it."""
    process = web1.process()
    web1.is_cut_off = True
    for _ in range(1000):
        if has_change and isinstance(process.check(EDIT), Hold):
            process.release()
        process.announce()
        fleet.clock.now += POLL
    assert 10 <= len(process.requests.made) <= 14
    web1.is_cut_off = False
    fleet.clock.now += SELDOM
    assert process.turn() == GO


def test_the_owner_is_cut_off(web1: Machine, web2: Machine, fleet: Fleet) -> None:
    """The others stop when the life of its turn is over, and go on when it can give it back."""
    first, other = web1.announced(), web2.announced()
    first.turn()
    first.ends()
    web1.is_cut_off = True
    successor = web1.process()
    for _ in range(round(LIFE / RETRY)):
        successor.announce()
        fleet.clock.now += RETRY
    assert len(successor.troubles) > 1
    held = other.turn()
    assert isinstance(held, Hold)
    other.release()
    web1.is_cut_off = False
    fleet.clock.now += SELDOM
    successor.settle()
    assert other.turn() == GO


def test_it_is_renewed(web1: Machine, web2: Machine, fleet: Fleet) -> None:
    """A process that waits for its requests keeps the turn; one that cannot renew it asks anew."""
    first, other = web1.announced(), web2.announced()
    first.turn()
    for _ in range(round(2 * LIFE / POLL)):
        assert not first.announce()
        assert first.check(EDIT) == GO
        fleet.clock.now += POLL
    assert first.requests.made.count(KEEP) in (5, 6)
    web1.is_cut_off = True
    for _ in range(round(LIFE)):
        first.announce()
        fleet.clock.now += RETRY
    assert isinstance(first.turn(), Hold)
    first.release()
    web1.is_cut_off = False
    assert other.turn(OTHER) == GO
    fleet.clock.now += SELDOM
    assert isinstance(first.turn(), Wait)


def test_a_later_version(web1: Machine, fleet: Fleet) -> None:
    """A process that has the turn and is saved again takes it for what it will load."""
    first = web1.announced()
    assert first.turn() == GO
    assert isinstance(first.check(OTHER), Wait)
    assert first.turn(OTHER) == GO
    tried = fleet.store.entries.tried
    assert tried is not None
    assert tried.version == version(None, OTHER)


@pytest.mark.parametrize("how", ["reset", "release"])
def test_a_turn_that_is_not_needed(web1: Machine, web2: Machine, how: str) -> None:
    """A process that stays after all gives the turn back, also one that has not heard of it."""
    first, other = web1.announced(), web2.announced()
    assert first.turn() == GO
    getattr(first, how)()
    first.settle()
    assert other.turn() == GO
    other.reset()
    other.settle()
    first.clock.now += RETRY
    first.check(EDIT)
    assert first.requests.verb == TAKE
    getattr(first, how)()
    first.settle()
    assert first.requests.made[-1] == GIVE


def test_nothing_to_give(web1: Machine, web2: Machine) -> None:
    """A process that did not get the turn gives none back."""
    web1.announced().turn()
    other = web2.announced()
    other.turn()
    before = len(other.requests.made)
    other.reset()
    other.settle()
    assert len(other.requests.made) == before


def test_a_process_that_does_not_serve(web1: Machine, web2: Machine) -> None:
    """It needs no turn."""
    web1.announced().turn()
    assert web2.process(is_up=False).turn() == GO


def test_a_slow_first_start(web1: Machine, fleet: Fleet) -> None:
    """A process that is long in loading asks once whether it has to renew a turn."""
    process = web1.process(is_up=False)
    for _ in range(round(LIFE)):
        assert not process.announce()
        fleet.clock.now += RETRY
    assert process.requests.made == [KEEP]
    process.is_up = True
    process.settle()
    assert process.requests.made == [KEEP, GIVE]


def test_without_a_folder(tmp_path: Path, fleet: Fleet) -> None:
    """Without the lock of the machine the restart is held, and nothing is asked."""
    machine = fleet.machine("missing/state")
    process = machine.process()
    assert isinstance(process.turn(), Hold)
    assert not process.announce()
    assert process.requests.made == []


def test_the_version(tmp_path: Path) -> None:
    """The trigger's content if that is a word; else a fingerprint of it, or of the changes."""
    trigger = tmp_path / "trigger"
    elsewhere = Changes({"/srv/2/a.py": Change(b"2")})
    assert version(None, EDIT) == version(None, elsewhere) != version(None, OTHER)
    assert version(str(trigger), EDIT) == version(None, EDIT)
    trigger.write_text("2026.11-rc1+5\n")
    assert version(str(trigger), EDIT) == "2026.11-rc1+5"
    for text in ("", "two words", "x" * 65, "é", "a\nb", "a\0b"):
        trigger.write_text(text)
        assert version(str(trigger), EDIT) == fingerprint(trigger.read_bytes())
