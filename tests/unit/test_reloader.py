"""The flow, step by step, on a clock that we move."""

from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

import pytest

from wsgireload.decide.syntax import Hold
from wsgireload.decide.timing import Moment
from wsgireload.detect.digests import EMPTY, MISSING
from wsgireload.errors import NativeError
from wsgireload.log import Log
from wsgireload.reloader import TAKEN_UP, Reloader
from wsgireload.settings import Settings
from wsgireload.state.journal import Entry
from wsgireload.watch.wakeup import Stir


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Looks:
    """Stands in for what is watched: the test says what differs."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.differs: dict[str, bytes] = {}
        self.kinds: dict[str, str] = {}
        self.python: set[str] = set()
        self.cost = 0.0
        self.looked: list[Collection[str] | None] = []
        self.changing = self.growing = False

    def look(self, stirred: Collection[str] | None = None) -> dict[str, bytes]:
        self.clock.now += self.cost
        self.looked.append(stirred)
        if self.changing:
            self.differs = {"log.txt": str(self.clock.now).encode()}
        return dict(self.differs)

    def is_python(self, path: str) -> bool:
        return path in self.python

    def kind(self, path: str) -> str:
        return self.kinds.get(path, "modified")

    def checkpoint(self) -> None:
        pass


class History:
    """Stands in for the journal."""

    def __init__(self) -> None:
        self.kept: list[Entry] | None = []
        self.writable = True

    def entries(self) -> list[Entry] | None:
        return self.kept

    def record(self, entry: Entry) -> str | None:
        if self.kept is None or not self.writable:
            return None
        self.kept.append(entry)
        return "name"

    def withdraw(self, name: str | None) -> None:
        if self.kept is not None and name is not None:
            self.kept.pop()


class Server:
    """Stands in for the way to restart: counts."""

    def __init__(self) -> None:
        self.asked = self.rearmed = 0
        self.answer: bool | Exception = True
        self.signalled: Callable[[], None] = lambda: None  # what the signal sets off at once
        self.freshened: list[str] = []
        self.stuck: list[str] = []

    def ask(self) -> bool:
        self.signalled()
        if isinstance(self.answer, Exception):
            raise self.answer
        self.asked += self.answer
        return self.answer

    def ask_again(self) -> None:
        self.rearmed += 1

    def freshen(self, sources: Iterable[str]) -> list[str]:
        self.freshened += sources
        return self.stuck


class Lines(Log):
    """Keeps what is said."""

    def __init__(self) -> None:
        super().__init__("site")
        self.lines: list[str] = []

    def say(self, word: str, text: str) -> None:
        self.lines.append(f"{word}: {text}")


class Calls:
    """Stands in for what the processes of a group tell each other."""

    def __init__(self) -> None:
        self.heard_one = False
        self.answered: list[float] = []

    def make(self) -> None: ...

    def retract(self) -> None: ...

    def heard(self) -> bool:
        return self.heard_one

    def answer(self, at: float) -> None:
        self.answered.append(at)


class Turns:
    """Stands in for the roll: the test says whose turn it is."""

    def __init__(self) -> None:
        self.mine: Hold | float = 0.1
        self.taken = self.is_up = False

    def turn(self) -> Hold | float:
        self.taken = self.mine == 0.0
        return self.mine

    def passed(self) -> None:
        self.taken = False

    def arrived(self) -> bool:
        return self.is_up


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.looks = Looks(self.clock)
        self.history = History()
        self.server = Server()
        self.log = Lines()
        self.settings = Settings.of(interval=1.0, settle=0.05, budget=(3, 60.0))

    def reloader(
        self, processes: int = 1, moment: Moment | None = None, roll: Turns | None = None
    ) -> Reloader:
        return Reloader(
            self.settings,
            self.looks,  # type: ignore[arg-type]
            self.history,  # type: ignore[arg-type]
            self.server,
            self.log,
            self.clock,
            processes,
            moment=moment,
            roll=roll,  # type: ignore[arg-type]
        )

    def moment(self, when: str, calls: Calls) -> Moment:
        """Requests come all the time, and each asks."""
        call: Any = calls
        return Moment(when, lambda: 1, lambda: True, self.clock, call)

    def run(self, reloader: Reloader, seconds: float) -> None:
        """Take each step when it is due."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now += reloader.step()

    def said(self, word: str) -> list[str]:
        return [line for line in self.log.lines if line.startswith(word)]


@pytest.fixture
def world() -> World:
    """A reloader's surroundings."""
    return World()


def test_nothing_happens_while_nothing_differs(world: World) -> None:
    """A quiet day: looks at the interval, no word, no restart."""
    reloader = world.reloader()
    world.run(reloader, 100.0)
    assert reloader.looks == 100
    assert (world.server.asked, world.log.lines) == (0, [])


def test_a_change_restarts_once_it_is_settled(world: World) -> None:
    """Noticed, settled, asked once, recorded; then the monitor is done."""
    reloader = world.reloader()
    world.looks.differs = {"a.py": b"2"}
    assert reloader.step() == pytest.approx(0.05)
    assert world.log.lines == ["changed: a.py modified"]
    world.clock.now += 0.05
    assert reloader.step() == TAKEN_UP
    assert world.log.lines[1:] == ["restarting: a.py changed"]
    assert world.server.asked == 1
    assert [entry.reason for entry in world.history.kept or ()] == ["a.py changed"]
    world.run(reloader, TAKEN_UP - 1)
    assert world.server.asked == 1
    assert reloader.looks == 2


def test_gone_and_back_is_no_change(world: World) -> None:
    """A file that is back with its old digest within the quiet time restarts nothing."""
    reloader = world.reloader()
    world.looks.differs = {"a.py": MISSING}
    world.looks.kinds = {"a.py": "deleted"}
    world.clock.now += reloader.step()
    world.looks.differs = {}
    world.run(reloader, 10.0)
    assert world.server.asked == 0
    assert world.log.lines == [
        "changed: a.py deleted",
        "changed: a.py: again what was loaded, nothing to do",
    ]


def test_a_source_that_is_gone_is_waited_for(world: World, tmp_path: Path) -> None:
    """A deleted module may be half of an upgrade: 5 s for it to come back, then a restart."""
    (tmp_path / "b.py").touch()
    path = str(tmp_path / "a.py")
    world.looks.python, world.looks.kinds = {path}, {path: "deleted"}
    world.looks.differs = {path: MISSING}
    reloader = world.reloader()
    world.run(reloader, 4.9)
    assert world.server.asked == 0
    world.run(reloader, 0.3)
    assert world.server.asked == 1
    assert world.said("restarting") == [f"restarting: {path} deleted"]


def test_a_source_that_comes_back_new_is_an_edit(world: World) -> None:
    """A deleted module that is back with other bytes is waited for like any other edit."""
    world.looks.python, world.looks.kinds = {"a.py"}, {"a.py": "deleted"}
    world.looks.differs = {"a.py": MISSING}
    reloader = world.reloader()
    world.clock.now += reloader.step()
    world.looks.differs = {"a.py": b"2"}
    world.run(reloader, 1.5)
    assert world.server.asked == 1


def test_an_emptied_source_is_waited_for(world: World) -> None:
    """Who saves in place empties the file first, and may be held up there: up to 5 s."""
    reloader = world.reloader()
    world.looks.python, world.looks.differs = {"a.py"}, {"a.py": EMPTY}
    world.run(reloader, 4.0)
    assert world.server.asked == 0
    world.run(reloader, 1.5)
    assert world.server.asked == 1


def test_an_emptied_text_is_a_change(world: World) -> None:
    """Of what is no Python source, empty may be what it is to be."""
    reloader = world.reloader()
    world.looks.differs = {"deploy.txt": EMPTY}
    world.run(reloader, 0.2)
    assert world.server.asked == 1


def test_a_burst_is_one_restart(world: World) -> None:
    """While files go on changing, nothing is asked; then once."""
    reloader = world.reloader()
    for number in range(20):
        world.looks.differs[f"{number}.txt"] = b"2"
        world.clock.now += reloader.step() * 0.9
    assert world.server.asked == 0
    world.run(reloader, 5.0)
    assert world.server.asked == 1
    assert world.said("restarting") == [
        "restarting: 0.txt changed, 1.txt changed, 2.txt changed and 17 more"
    ]


def test_endless_writing_restarts_at_the_bound(world: World) -> None:
    """A file that never comes to rest is waited for 5 s, not for ever."""
    reloader = world.reloader()
    world.looks.changing = True
    world.run(reloader, 4.9)
    assert world.server.asked == 0
    world.run(reloader, 0.3)
    assert world.server.asked == 1


def test_broken_code_holds_until_it_is_mended(world: World, tmp_path: Path) -> None:
    """A syntax error holds, is said once, and its repair restarts."""
    path = tmp_path / "view.py"
    path.write_text("x = (\n")
    reloader = world.reloader()
    world.looks.python = {str(path)}
    world.looks.differs = {str(path): b"2"}
    world.run(reloader, 60.0)
    assert world.server.asked == 0
    assert len(world.said("holding")) == 1
    assert "view.py, line 1" in world.said("holding")[0]
    assert reloader.hold is not None
    path.write_text("x = 1\n")
    world.looks.differs = {str(path): b"3"}
    world.run(reloader, 2.0)
    assert world.server.asked == 1


def test_another_error_is_another_line(world: World, tmp_path: Path) -> None:
    """Each distinct error is said once; after a return to good code the same one again."""
    path = tmp_path / "view.py"
    reloader = world.reloader()
    world.looks.python = {str(path)}
    for number, text in enumerate(("x = (\n", "\nx = )\n")):
        path.write_text(text)
        world.looks.differs = {str(path): str(number).encode()}
        world.run(reloader, 5.0)
    assert len(world.said("holding")) == 2
    world.looks.differs = {}
    world.run(reloader, 5.0)
    assert reloader.hold is None
    world.looks.differs = {str(path): b"9"}
    world.run(reloader, 5.0)
    assert len(world.said("holding")) == 3


def test_only_python_has_to_compile(world: World, tmp_path: Path) -> None:
    """A template that is no Python restarts."""
    path = tmp_path / "page.html"
    path.write_text("{% if %}")
    world.looks.differs = {str(path): b"2"}
    world.run(world.reloader(), 2.0)
    assert world.server.asked == 1


def test_what_changes_while_it_is_judged_is_waited_for(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a checkout that compiles is not the state that is restarted into."""
    path = str(tmp_path / "a.py")
    reloader = world.reloader()
    world.looks.python, world.looks.differs = {path}, {path: b"2"}
    judged = []

    def compiles(seen: str) -> None:
        judged.append(seen)
        if len(judged) == 1:
            world.looks.differs = {path: b"2", "b.txt": b"2"}

    monkeypatch.setattr("wsgireload.decide.syntax.compiles", compiles)
    world.clock.now += reloader.step()
    assert reloader.step() == pytest.approx(0.05)
    assert world.server.asked == 0
    world.run(reloader, 1.0)
    assert world.server.asked == 1
    assert "b.txt" in world.said("restarting")[0]


def test_what_could_not_be_judged_is_judged_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source that could not be read, for a while, is restarted into without a further change."""
    used_up = Hold("a.py cannot be read: Too many open files", passing=True)
    monkeypatch.setattr("wsgireload.decide.syntax.compiles", lambda _: used_up)
    world.looks.python, world.looks.differs = {"a.py"}, {"a.py": b"2"}
    reloader = world.reloader()
    world.run(reloader, 5.0)
    assert world.said("holding") == [f"holding: {used_up.reason}"]
    monkeypatch.setattr("wsgireload.decide.syntax.compiles", lambda _: None)
    world.run(reloader, 2.0)
    assert world.server.asked == 1


def test_code_that_is_gone_with_its_folder(world: World, tmp_path: Path) -> None:
    """What is unmounted goes on running, until it is back or something else changes."""
    gone = str(tmp_path / "mount/a.py")
    world.looks.python, world.looks.differs = {gone}, {gone: MISSING}
    reloader = world.reloader()
    world.run(reloader, 60.0)
    assert world.server.asked == 0
    assert "is gone or empty" in world.said("holding")[0]
    world.looks.differs = {}
    world.run(reloader, 5.0)
    assert reloader.hold is None
    world.looks.differs = {gone: MISSING, "b.html": b"2"}
    world.run(reloader, 10.0)
    assert world.server.asked == 1


def test_data_that_is_gone_with_its_folder(world: World, tmp_path: Path) -> None:
    """A restart does without: it is no code."""
    gone = str(tmp_path / "mount/a.html")
    world.looks.differs = {gone: MISSING}
    world.run(world.reloader(), 5.0)
    assert world.server.asked == 1


def past(*times: float) -> list[Entry]:
    """Restarts that were."""
    return [Entry(at, 1, "gen.py changed", str(at), ("gen.py",)) for at in times]


def test_a_spent_budget_holds(world: World) -> None:
    """After three restarts in a minute the fourth waits, and the log names the file."""
    world.history.kept = past(970.0, 980.0, 990.0)
    world.looks.differs = {"gen.py": b"2"}
    reloader = world.reloader()
    world.run(reloader, 30.0)
    assert world.server.asked == 0
    assert world.said("holding") == [
        (
            "holding: the budget of 3 restarts in 60 s is spent; gen.py keeps changing; "
            "the next may come 60 s after the last"
        )
    ]
    world.run(reloader, 30.0)
    assert world.server.asked == 1


def test_processes_of_one_group_share_the_budget(world: World) -> None:
    """Three processes that restarted for one change have spent one restart of it."""
    world.history.kept = [entry.but(what="same") for entry in past(970.0, 980.0, 990.0)]
    world.looks.differs = {"gen.py": b"2"}
    world.run(world.reloader(processes=3), 5.0)
    assert world.server.asked == 1


@pytest.mark.parametrize("missing", ["the folder", "room on the disk"])
def test_without_a_journal_a_loop_is_slow(world: World, missing: str) -> None:
    """Where nobody can count, a process has to have run for budget's share of time."""
    world.history.kept = None if missing == "the folder" else []
    world.history.writable = False
    world.looks.differs = {"gen.py": b"2"}
    reloader = world.reloader()
    world.run(reloader, 19.0)
    assert world.server.asked == 0
    assert "without a journal" in world.said("holding")[0]
    world.run(reloader, 3.0)
    assert world.server.asked == 1


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (NativeError("kill", 1, "Not permitted"), "kill failed: Not permitted (1)"),
        (MemoryError("no room"), "no room"),
    ],
)
def test_a_failed_call_holds_and_is_tried_again(world: World, error: Exception, text: str) -> None:
    """A signal that cannot be sent is said with the call's name, and leaves no entry."""
    world.server.answer = error
    world.looks.differs = {"a.py": b"2"}
    reloader = world.reloader()
    world.run(reloader, 10.0)
    assert world.said("holding") == [f"holding: the restart cannot be asked for: {text}"]
    assert world.history.kept == []
    world.server.answer = True
    world.run(reloader, 2.0)
    assert world.server.asked == 1


def test_another_interpreter_was_first(world: World) -> None:
    """Where the process was asked already, nothing is recorded and nothing rearmed."""
    world.server.answer = False
    world.looks.differs = {"a.py": b"2"}
    world.run(world.reloader(), TAKEN_UP + 1)
    assert "has asked already" in world.said("restarting")[0]
    assert world.history.kept == []
    assert world.server.rearmed == 0


def test_a_restart_that_is_not_taken_up_is_said(world: World) -> None:
    """A process that lives on after 30 s says so, rearms and looks again; then after 60."""
    world.looks.differs = {"a.py": b"2"}
    reloader = world.reloader()
    world.clock.now += reloader.step()
    world.clock.now += reloader.step()
    assert world.server.asked == 1
    assert reloader.step() == 2 * TAKEN_UP
    assert "did not happen" in world.said("holding")[0]
    assert (world.server.rearmed, world.server.asked) == (1, 2)


def test_by_hand(world: World) -> None:
    """A restart that is asked for by hand needs no change, and is done once."""
    reloader = world.reloader()
    reloader.by_hand = "deployed"
    world.run(reloader, 5.0)
    assert world.server.asked == 1
    assert world.said("restarting") == ["restarting: asked for by hand: deployed"]
    assert reloader.by_hand is None


def test_by_hand_is_held_too(world: World, tmp_path: Path) -> None:
    """By hand or not, what does not compile is not restarted into."""
    path = tmp_path / "view.py"
    path.write_text("x = (\n")
    reloader = world.reloader()
    world.looks.python, world.looks.differs = {str(path)}, {str(path): b"2"}
    reloader.by_hand = "deployed"
    world.run(reloader, 5.0)
    assert world.server.asked == 0


@pytest.mark.parametrize("counted", [True, False])
def test_by_hand_passes_the_budget(world: World, *, counted: bool) -> None:
    """A person is no loop: a spent budget, or one that nobody can count, does not hold them."""
    world.history.kept = past(970.0, 980.0, 990.0) if counted else None
    world.looks.differs = {"gen.py": b"2"}
    reloader = world.reloader()
    reloader.by_hand = "deployed"
    world.run(reloader, 1.0)
    assert (world.server.asked, world.said("holding")) == (1, [])


@pytest.mark.parametrize("when", ["auto", "now"])
def test_a_restart_is_recorded_once(world: World, when: str) -> None:
    """mod_wsgi's shutdown callback may come before the call that signals returns: one entry."""
    moment = Moment(when, lambda: 0, lambda: True, world.clock)
    reloader = world.reloader(moment=moment)
    world.server.signalled = reloader.leave
    world.looks.differs = {"a.py": b"2"}
    world.run(reloader, 1.0)
    assert world.server.asked == 1
    assert [entry.reason for entry in world.history.kept or ()] == ["a.py changed"]


def test_a_failed_call_leaves_no_trace(world: World) -> None:
    """Where the signal could not be sent, no restart is pending and none is recorded."""
    reloader = world.reloader(moment=Moment("auto", lambda: 0, lambda: True, world.clock))
    world.server.answer = NativeError("kill", 1, "Not permitted")
    world.looks.differs = {"a.py": b"2"}
    world.clock.now += reloader.step()
    reloader.step()
    assert (reloader.restarting, world.history.kept) == (False, [])


def test_stale_bytecode_goes_first(world: World) -> None:
    """Before the restart the caches of changed sources are seen to; a stuck one is named."""
    world.looks.differs = {"a.py": b"2", "page.html": b"2"}
    world.server.stuck = ["__pycache__/a.pyc"]
    world.run(world.reloader(), 2.0)
    assert world.server.freshened == ["a.py"]
    assert "__pycache__/a.pyc" in world.said("holding")[0]


def test_a_slow_look_is_taken_more_seldom(world: World) -> None:
    """Looks never take more than a tenth of the time; a single dear one, as the first, may."""
    world.looks.cost = 0.5
    reloader = world.reloader()
    assert reloader.step() == pytest.approx(1.0)
    assert reloader.step() == pytest.approx(5.0)
    world.looks.cost = 0.0
    assert reloader.step() == pytest.approx(1.0)


def test_a_call_of_the_group_is_looked_into(world: World) -> None:
    """Who is called looks at everything, and stays where nothing differs; else it knows no more."""
    calls = Calls()
    reloader = world.reloader(moment=world.moment("next-request", calls))
    reloader.step(Stir({"a.py"}))
    assert (world.looks.looked, calls.answered) == ([{"a.py"}], [])
    calls.heard_one = True
    world.clock.now += 1
    reloader.step(Stir({"a.py"}))
    assert world.looks.looked[1:] == [None]
    assert calls.answered == [world.clock.now]


def test_what_is_held_is_held_from_the_group_as_well(world: World, tmp_path: Path) -> None:
    """A process whose new code does not compile does not follow the others' call."""
    path = tmp_path / "view.py"
    path.write_text("x = (\n")
    world.looks.python, world.looks.differs = {str(path)}, {str(path): b"2"}
    calls = Calls()
    moment = world.moment("next-request", calls)
    world.run(world.reloader(moment=moment), 2.0)
    calls.heard_one = True
    assert not moment.required()


def test_rolling_waits_for_its_turn(world: World) -> None:
    """Without the turn nothing is asked and no request turned away; with it both."""
    turns = Turns()
    moment = world.moment("next-request", Calls())
    reloader = world.reloader(moment=moment, roll=turns)
    world.looks.differs = {"a.py": b"2"}
    world.run(reloader, 2.0)
    assert not moment.required()
    turns.mine = 0.0
    world.run(reloader, 0.2)
    assert moment.required()
    assert turns.taken


def test_a_roll_that_has_stopped(world: World) -> None:
    """The old code goes on serving, said once, and the roll may go on later."""
    turns = Turns()
    turns.mine = Hold("the roll has stopped")
    reloader = world.reloader(roll=turns)
    world.looks.differs = {"a.py": b"2"}
    world.run(reloader, 10.0)
    assert (world.server.asked, world.said("holding")) == (0, ["holding: the roll has stopped"])
    turns.mine = 0.0
    world.run(reloader, 1.0)
    assert world.server.asked == 1


def test_a_turn_is_given_back(world: World) -> None:
    """Where the change is undone while the turn is ours, others may go."""
    turns = Turns()
    turns.mine = 0.0
    reloader = world.reloader(moment=world.moment("next-request", Calls()), roll=turns)
    world.looks.differs = {"a.py": b"2"}
    world.run(reloader, 0.5)
    assert turns.taken
    world.looks.differs = {}
    reloader.step()
    assert not turns.taken


def test_who_has_just_come_is_soon_up(world: World) -> None:
    """Until others know that this process is up it looks often, so that the roll goes on."""
    turns = Turns()
    reloader = world.reloader(roll=turns)
    assert reloader.step() < 0.5
    turns.is_up = True
    assert reloader.step() == 1.0


def test_who_is_replaced_before_it_noticed_says_so(world: World) -> None:
    """A process that a request ends because another one called leaves a line, and no entry."""
    calls = Calls()
    reloader = world.reloader(moment=world.moment("next-request", calls))
    reloader.leave()
    assert world.log.lines == []
    calls.heard_one = True
    reloader.leave()
    assert "another process" in world.said("restarting")[0]
    assert world.history.kept == []
