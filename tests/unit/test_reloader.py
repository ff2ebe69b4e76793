"""The reloader's steps, on a clock that the test moves."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import cast

import pytest
from support.journals import History, Writes
from support.reloading import NoCompiler
from support.running import Running
from support.standins import Clock, Lines

from wsgireload.changes import DELETED, MODIFIED, Change, Changes
from wsgireload.decide.budget import Budget
from wsgireload.decide.settle import Settle
from wsgireload.decide.syntax import StaleBytecode, Syntax
from wsgireload.decide.timing import Handover, Timing
from wsgireload.decide.verdict import GO, Gate, Hold, Verdict, Wait
from wsgireload.detect.digest import EMPTY, MISSING
from wsgireload.errors import NativeError
from wsgireload.reloader import NEVER, Reloader
from wsgireload.report import NEXT_REQUEST
from wsgireload.server import native
from wsgireload.server.restart import TAKEN_UP, Restart
from wsgireload.state.group import GroupEpoch
from wsgireload.state.journal import Entry, Journal
from wsgireload.state.own_writes import OwnWrites


class Detector:
    """Stands in for detect/: the test sets what differs."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.differs: dict[str, bytes] = {}
        self.python: set[str] = set()
        self.scanned: list[Collection[str] | None] = []
        self.changing = False

    def scan(
        self, paths: Collection[str] | None = None, *, requested: bool = False
    ) -> dict[str, Change]:
        self.scanned.append(paths)
        if self.changing:
            self.differs = {"log.txt": str(self.clock.now).encode()}
        return {path: self.change(path) for path in self.differs}

    def change(self, path: str) -> Change:
        digest, is_python = self.differs[path], path in self.python
        unfinished = is_python and digest in (MISSING, EMPTY)
        kind = DELETED if digest == MISSING else MODIFIED
        return Change(digest, kind, is_python, unfinished)


class Server:
    """Stands in for the native module: counts requests to restart."""

    def __init__(self) -> None:
        self.requests = self.rearmed = 0
        self.taken: set[str] = set()
        self.answer: bool | Exception = True
        self.signalled: Callable[[], None] = lambda: None  # what the signal sets off at once

    def restart(self) -> bool:
        self.signalled()
        if isinstance(self.answer, Exception):
            raise self.answer
        self.requests += self.answer
        return self.answer

    def terminate(self) -> bool:
        return self.restart()

    def rearm(self) -> None:
        self.rearmed += 1


class Group(GroupEpoch):
    """Stands in for the processes of a group."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.ahead = False
        self.began = 0.0
        self.loaded: list[float] = []

    def is_over(self) -> bool:
        return self.ahead

    def scanning(self) -> None:
        self.began = self.clock.now

    def up_to_date(self) -> None:
        self.loaded.append(self.began)


class Turn(Gate):
    """Stands in for the roll: the test sets whose turn it is."""

    def __init__(self) -> None:
        self.verdict: Verdict = Wait(0.1)
        self.taken = False

    def check(self, changes: Changes) -> Verdict:
        self.taken = self.verdict == GO
        return self.verdict

    def reset(self) -> None:
        self.taken = False


class World:
    """A reloader and all that it meets, each a stand-in."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.detector = Detector(self.clock)
        self.history = History()
        self.by_us = True  # whether the application wrote what differs
        self.server = Server()
        self.log = Lines()
        self.group = Group(self.clock)
        self.restart = Restart(0.0, self.clock, ("SIGINT", "SIGTERM"))
        self.handover = Handover(self.group, lambda: self.restart.follows_rejection)
        self.freshened: list[str] = []
        self.stuck: list[str] = []

    def freshen(self, sources: Sequence[str]) -> list[str]:
        self.freshened += sources
        return self.stuck

    def reloader(
        self, processes: int = 1, when: str = "now", roll: Gate | None = None, running: int = 1
    ) -> Reloader:
        """With `when`, requests come all the time, and mod_wsgi calls before each."""
        journal, writes = cast(Journal, self.history), cast(OwnWrites, Writes(self.by_us))
        budget = Budget((3, 60.0), journal, writes, processes, self.clock)
        syntax, rolls = Syntax(lambda: None, NoCompiler()), filter(None, [roll])
        gates = [Settle(0.05, self.clock), syntax, budget, *rolls]
        gates.append(StaleBytecode(self.freshen, self.log))
        if when != "now":
            requests = Running(*[self.clock.now] * running)
            gates.append(Timing(when, 5.0, self.handover, requests, lambda: True, self.clock))
        return Reloader(self.detector, gates, self.restart, budget, self.handover, self.log)

    def run(self, reloader: Reloader, seconds: float) -> None:
        """Take each step when it is due, and one a second."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now += min(reloader.step(), 1.0)

    def said(self, word: str) -> list[str]:
        return [line for line in self.log.lines if line.startswith(word)]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A reloader's surroundings."""
    world = World()
    monkeypatch.setattr(native, "restart", world.server.restart)
    monkeypatch.setattr(native, "terminate", world.server.terminate)
    monkeypatch.setattr(native, "taken", lambda: world.server.taken)
    monkeypatch.setattr(native, "rearm", world.server.rearm)
    return world


def test_nothing_happens_while_nothing_differs(world: World) -> None:
    """Without a change there are scans at the interval, no log line and no restart."""
    reloader = world.reloader()
    world.run(reloader, 100.0)
    assert reloader.scans == 100
    assert (world.server.requests, world.log.lines) == (0, [])


def test_a_change_restarts_once_it_is_settled(world: World) -> None:
    """A change is noticed, settles, is recorded and requests one restart; nothing follows."""
    reloader = world.reloader()
    world.detector.differs = {"a.py": b"2"}
    assert reloader.step() == pytest.approx(0.05)
    assert world.log.lines == ["changed: a.py modified"]
    world.clock.now += 0.05
    assert reloader.step() == TAKEN_UP
    assert world.log.lines[1:] == ["restarting: a.py changed"]
    assert world.server.requests == 1
    assert [entry.reason for entry in world.history.kept or ()] == ["a.py changed"]
    world.run(reloader, TAKEN_UP - 1)
    assert world.server.requests == 1
    assert reloader.scans == 2


def test_gone_and_back_is_no_change(world: World) -> None:
    """A file that is back with its old digest within the quiet time restarts nothing."""
    reloader = world.reloader()
    world.detector.differs = {"a.py": MISSING}
    world.clock.now += reloader.step()
    world.detector.differs = {}
    world.run(reloader, 10.0)
    assert world.server.requests == 0
    assert world.log.lines == [
        "changed: a.py deleted",
        "changed back: a.py matches the running code; no restart needed",
    ]


def test_a_source_that_is_gone_is_waited_for(world: World, tmp_path: Path) -> None:
    """A deleted module may be half of an upgrade: 5 s for it to come back, then a restart."""
    (tmp_path / "b.py").touch()
    path = str(tmp_path / "a.py")
    world.detector.python = {path}
    world.detector.differs = {path: MISSING}
    reloader = world.reloader()
    world.run(reloader, 4.9)
    assert world.server.requests == 0
    world.run(reloader, 0.3)
    assert world.server.requests == 1
    assert world.said("restarting") == [f"restarting: {path} deleted"]


def test_a_data_file_that_is_gone_for_a_moment(world: World) -> None:
    """One that is deleted and written again, as it was, is no change; else it is one restart."""
    for content, restarts in ((None, 0), (b"2", 1)):
        reloader = world.reloader()
        world.detector.differs = {"words.json": MISSING}
        world.run(reloader, 1.0)
        assert world.server.requests == 0
        world.detector.differs = {"words.json": content} if content else {}
        world.run(reloader, 6.0)
        assert world.server.requests == restarts


def test_a_source_that_comes_back_new_is_an_edit(world: World) -> None:
    """A deleted module that is back with other bytes is waited for like any other edit."""
    world.detector.python = {"a.py"}
    world.detector.differs = {"a.py": MISSING}
    reloader = world.reloader()
    world.run(reloader, 1.0)
    world.detector.differs = {"a.py": b"2"}
    world.run(reloader, 1.5)
    assert world.server.requests == 1


def test_an_emptied_source_is_waited_for(world: World) -> None:
    """A source that a save in place has emptied is waited for, up to 5 s."""
    reloader = world.reloader()
    world.detector.python, world.detector.differs = {"a.py"}, {"a.py": EMPTY}
    world.run(reloader, 4.0)
    assert world.server.requests == 0
    world.run(reloader, 1.5)
    assert world.server.requests == 1


def test_an_emptied_text_is_a_change(world: World) -> None:
    """An emptied file that is no Python source counts at once."""
    reloader = world.reloader()
    world.detector.differs = {"deploy.txt": EMPTY}
    world.run(reloader, 0.2)
    assert world.server.requests == 1


def test_a_burst_is_one_restart(world: World) -> None:
    """While files go on changing, no restart is requested; then one."""
    reloader = world.reloader()
    for number in range(20):
        world.detector.differs[f"{number}.txt"] = b"2"
        world.clock.now += reloader.step() * 0.9
    assert world.server.requests == 0
    world.run(reloader, 5.0)
    assert world.server.requests == 1
    assert world.said("restarting") == [
        "restarting: 0.txt changed, 1.txt changed, 2.txt changed and 17 more"
    ]


def test_endless_writing_restarts_at_the_bound(world: World) -> None:
    """A file that never comes to rest is waited for 5 s, not for ever."""
    reloader = world.reloader()
    world.detector.changing = True
    world.run(reloader, 4.9)
    assert world.server.requests == 0
    world.run(reloader, 0.3)
    assert world.server.requests == 1


def test_broken_code_holds_until_it_is_mended(world: World, tmp_path: Path) -> None:
    """A syntax error holds, is logged once, and its repair restarts."""
    path = tmp_path / "view.py"
    path.write_text("x = (\n")
    reloader = world.reloader()
    world.detector.python = {str(path)}
    world.detector.differs = {str(path): b"2"}
    world.run(reloader, 60.0)
    assert world.server.requests == 0
    assert len(world.said("holding")) == 1
    assert "view.py, line 1" in world.said("holding")[0]
    assert reloader.hold is not None
    path.write_text("x = 1\n")
    world.detector.differs = {str(path): b"3"}
    world.run(reloader, 2.0)
    assert world.server.requests == 1


def test_another_error_is_another_line(world: World, tmp_path: Path) -> None:
    """Each distinct error is logged once; after a return to good code the same one again."""
    path = tmp_path / "view.py"
    reloader = world.reloader()
    world.detector.python = {str(path)}
    for number, text in enumerate(("x = (\n", "\nx = )\n")):
        path.write_text(text)
        world.detector.differs = {str(path): str(number).encode()}
        world.run(reloader, 5.0)
    assert len(world.said("holding")) == 2
    world.detector.differs = {}
    world.run(reloader, 5.0)
    assert reloader.hold is None
    world.detector.differs = {str(path): b"9"}
    world.run(reloader, 5.0)
    assert len(world.said("holding")) == 3


def test_only_python_has_to_compile(world: World, tmp_path: Path) -> None:
    """A template that is no Python restarts."""
    path = tmp_path / "page.html"
    path.write_text("{% if %}")
    world.detector.differs = {str(path): b"2"}
    world.run(world.reloader(), 2.0)
    assert world.server.requests == 1


def test_what_changes_while_it_is_judged_is_waited_for(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While files change during the check, the restart waits: half a checkout may compile."""
    path = str(tmp_path / "a.py")
    reloader = world.reloader()
    world.detector.python, world.detector.differs = {path}, {path: b"2"}
    judged = []

    def compiles(seen: str) -> tuple[None, bool]:
        judged.append(seen)
        if len(judged) == 1:
            world.detector.differs = {path: b"2", "b.txt": b"2"}
        return None, True

    monkeypatch.setattr("wsgireload.decide.syntax.compiles", compiles)
    world.clock.now += reloader.step()
    assert reloader.step() == 0.0
    assert reloader.step() == pytest.approx(0.05)
    assert world.server.requests == 0
    world.run(reloader, 1.0)
    assert world.server.requests == 1
    assert "b.txt" in world.said("restarting")[0]


def test_what_could_not_be_judged_is_judged_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source that cannot be read for a while restarts later, without a further change."""
    used_up = Hold("a.py cannot be read: Too many open files")
    monkeypatch.setattr("wsgireload.decide.syntax.compiles", lambda _: (used_up, False))
    world.detector.python, world.detector.differs = {"a.py"}, {"a.py": b"2"}
    reloader = world.reloader()
    world.run(reloader, 5.0)
    assert world.said("holding") == [f"holding: {used_up.reason}"]
    monkeypatch.setattr("wsgireload.decide.syntax.compiles", lambda _: (None, True))
    world.run(reloader, 2.0)
    assert world.server.requests == 1


def test_code_that_is_gone_with_its_folder(world: World, tmp_path: Path) -> None:
    """Code that is unmounted keeps running until it is back or something else changes."""
    gone = str(tmp_path / "mount/a.py")
    world.detector.python, world.detector.differs = {gone}, {gone: MISSING}
    reloader = world.reloader()
    world.run(reloader, 60.0)
    assert world.server.requests == 0
    assert "is gone or empty" in world.said("holding")[0]
    world.detector.differs = {}
    world.run(reloader, 5.0)
    assert reloader.hold is None
    world.detector.differs = {gone: MISSING, "b.html": b"2"}
    world.run(reloader, 10.0)
    assert world.server.requests == 1


def test_data_that_is_gone_with_its_folder(world: World, tmp_path: Path) -> None:
    """Missing data does not hold a restart, even with its folder."""
    gone = str(tmp_path / "mount/a.html")
    world.detector.differs = {gone: MISSING}
    world.run(world.reloader(), 5.1)  # as long as it is awaited
    assert world.server.requests == 1


def past(*times: float) -> list[Entry]:
    """Earlier restarts."""
    return [Entry(at, 1, "gen.py changed", str(at), ("gen.py",)) for at in times]


def test_a_spent_budget_holds(world: World) -> None:
    """After three restarts in a minute the fourth waits, and the log names the file."""
    world.history.kept = past(970.0, 980.0, 990.0)
    world.detector.differs = {"gen.py": b"2"}
    reloader = world.reloader()
    world.run(reloader, 30.0)
    assert world.server.requests == 0
    assert world.said("holding") == [
        (
            "holding: the budget of 3 restarts in 60 s is spent; the application itself writes "
            "gen.py; the next may come 60 s after the last"
        )
    ]
    world.run(reloader, 30.0)
    assert world.server.requests == 1


def test_a_person_is_served_each_time(world: World) -> None:
    """Changes that the application did not write are no loop, however often they come."""
    world.by_us = False
    world.history.kept = past(970.0, 980.0, 990.0)
    world.detector.differs = {"gen.py": b"2"}
    world.run(world.reloader(), 1.0)
    assert (world.server.requests, world.said("holding")) == (1, [])


def test_processes_of_one_group_share_the_budget(world: World) -> None:
    """Three processes that restarted for one change have spent one restart of it."""
    world.history.kept = [entry._replace(what="same") for entry in past(970.0, 980.0, 990.0)]
    world.detector.differs = {"gen.py": b"2"}
    world.run(world.reloader(processes=3), 5.0)
    assert world.server.requests == 1


@pytest.mark.parametrize("missing", ["the folder", "room on the disk"])
def test_without_a_journal_a_loop_is_slow(world: World, missing: str) -> None:
    """Without a journal, a process has to run for its share of the budget's time."""
    world.history.kept = None if missing == "the folder" else []
    world.history.writable = False
    world.detector.differs = {"gen.py": b"2"}
    reloader = world.reloader()
    world.run(reloader, 19.0)
    assert world.server.requests == 0
    assert "without a journal" in world.said("holding")[0]
    world.run(reloader, 3.0)
    assert world.server.requests == 1


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (NativeError("kill", 1, "Not permitted"), "kill failed: Not permitted (1)"),
        (MemoryError("no room"), "no room"),
    ],
)
def test_a_failed_call_holds_and_is_tried_again(world: World, error: Exception, text: str) -> None:
    """A signal that cannot be sent is logged with the call's name, and leaves no entry."""
    world.server.answer = error
    world.detector.differs = {"a.py": b"2"}
    reloader = world.reloader()
    world.run(reloader, 10.0)
    assert world.said("holding") == [f"holding: could not request the restart: {text}"]
    assert world.said("restarting") == ["restarting: a.py changed"]
    assert world.history.kept == []
    world.server.answer = True
    world.run(reloader, 2.0)
    assert world.server.requests == 1


def test_another_interpreter_was_first(world: World) -> None:
    """If a restart was requested already, nothing is recorded and nothing rearmed."""
    world.server.answer = False
    world.detector.differs = {"a.py": b"2"}
    world.run(world.reloader(), TAKEN_UP + 1)
    assert "being replaced already" in world.said("restarting")[1]
    assert world.history.kept == []
    assert world.server.rearmed == 0


def test_a_restart_that_is_not_taken_up_is_said(world: World) -> None:
    """A process that lives on after 30 s logs it, rearms and retries; then after 60 s."""
    world.detector.differs = {"a.py": b"2"}
    reloader = world.reloader()
    world.clock.now += reloader.step()
    world.clock.now += reloader.step()
    assert world.server.requests == 1
    assert reloader.step() == 2 * TAKEN_UP
    assert "no restart 30 s after it was requested; retrying" in world.said("holding")[0]
    assert (world.server.rearmed, world.server.requests) == (1, 2)


@pytest.mark.parametrize("when", ["auto", "next-request"])
def test_a_signal_in_vain_closes_nothing(world: World, when: str) -> None:
    """A process that does not end keeps serving, logs the signal, and tries the other one."""
    reloader = world.reloader(when=when, running=0, roll=(turn := Turn()))
    turn.verdict = GO
    world.detector.differs = {"a.py": b"2"}
    reloader.request("deployed")  # which does not wait for a request
    world.clock.now += reloader.step()
    world.clock.now += reloader.step()
    world.run(reloader, 1.0)
    assert world.said("holding") == [
        "holding: no restart 30 s after it was requested; retrying, as SIGINT had no effect"
    ]
    assert world.said("restarting")[1].endswith("; by SIGTERM")
    assert reloader.hold is not None
    assert not reloader.reload_required()
    world.run(reloader, 3600.0)
    assert not reloader.reload_required()
    world.group.ahead = True
    assert not reloader.reload_required()
    signals = [line.partition("retrying, as ")[2].split()[0] for line in world.said("holding")]
    assert signals == 3 * ["SIGINT", "SIGTERM"]
    assert len(world.history.kept or ()) == 1
    world.detector.differs = {}
    world.clock.now += 3600.0
    reloader.step()
    assert (reloader.hold, reloader.restarting) == (None, False)


@pytest.mark.parametrize("when", ["auto", "next-request"])
def test_a_signal_that_is_taken_closes_nothing(world: World, when: str) -> None:
    """Where a rejected request would not end the process, none is rejected: SIGTERM ends it."""
    reloader = world.reloader(when=when, running=1)
    world.detector.differs = {"a.py": b"2"}
    world.server.taken = {"SIGINT"}
    world.run(reloader, 6.0)  # as long as requests are waited for
    assert not reloader.reload_required()
    waiting, line = world.said("restarting")
    assert "waiting up to 5 s" in waiting
    assert "other code has taken SIGINT" in line
    assert line.endswith("; by SIGTERM")
    assert world.server.requests == 1


@pytest.mark.parametrize("alone", [True, False])
def test_a_rejection_in_vain(world: World, tmp_path: Path, *, alone: bool) -> None:
    """A process that lives on after a rejection answers nothing: SIGTERM ends it, ungated."""
    reloader = world.reloader(when="next-request")
    world.group.ahead = not alone  # where it follows others, it has noticed no change itself
    if alone:
        world.detector.differs = {"a.py": b"2"}
    world.run(reloader, 2.0)
    assert reloader.reload_required()
    world.run(reloader, 4.0)
    assert world.server.requests == 0
    (tmp_path / "b.py").write_text("x = (\n")
    world.detector.python = {str(tmp_path / "b.py")}
    world.detector.differs[str(tmp_path / "b.py")] = b"2"  # it would hold
    world.run(reloader, 4.0)
    assert world.server.requests == 1
    line = world.said("restarting")[-1]
    assert line.endswith("this process has rejected a request, and answers no other; by SIGTERM")
    assert "b.py changed; this" in line  # nobody requested it by hand
    assert len(world.history.kept or ()) == 1


def test_a_signal_that_is_taken_while_it_waits_for_a_request(world: World) -> None:
    """From that moment on requests are answered, and the restart does not wait for one."""
    reloader = world.reloader(when="next-request")
    world.detector.differs = {"a.py": b"2"}
    world.run(reloader, 2.0)
    assert reloader.reload_required()
    world.server.taken = {"SIGINT"}
    assert not reloader.reload_required()
    world.run(reloader, 6.0)  # as long as requests are waited for
    assert world.server.requests == 1


def test_by_hand(world: World) -> None:
    """A restart by hand needs no change; where a signal is in vain, the other one is sent."""
    reloader = world.reloader()
    reloader.request("deployed")
    world.run(reloader, TAKEN_UP)
    assert world.server.requests == 1
    assert world.said("restarting") == ["restarting: requested by hand: deployed"]
    world.run(reloader, 5.0)
    assert world.said("holding")[0].endswith("retrying, as SIGINT had no effect")
    assert world.said("restarting")[1].endswith("; by SIGTERM")
    world.run(reloader, 3600.0)
    assert world.server.requests == 2
    assert "retrying" not in world.said("holding")[1]
    assert (reloader.hold, reloader.restarting) == (None, False)


def test_by_hand_is_held_too(world: World, tmp_path: Path) -> None:
    """Code that does not compile holds a restart by hand too."""
    path = tmp_path / "view.py"
    path.write_text("x = (\n")
    reloader = world.reloader()
    world.detector.python, world.detector.differs = {str(path)}, {str(path): b"2"}
    reloader.request("deployed")
    world.run(reloader, 5.0)
    assert world.server.requests == 0


class Check(Gate):
    """Stands in for a check that takes time: its verdict stays until it is reset."""

    def __init__(self) -> None:
        self.now: Verdict = Hold("no database")
        self.verdict: Verdict | None = None

    def check(self, changes: Changes) -> Verdict:
        self.verdict = self.verdict or self.now
        return self.verdict

    def reset(self) -> None:
        self.verdict = None


def test_by_hand_is_checked_anew(world: World) -> None:
    """An earlier verdict does not count for a person, who may have removed its reason."""
    check = Check()
    reloader = world.reloader(roll=check)
    world.detector.differs = {"a.py": b"2"}
    for number in (1, 2):
        world.run(reloader, 5.0)
        check.now = GO if number == 2 else Hold("no database")
        world.run(reloader, 5.0)
        assert world.server.requests == 0
        assert world.said("holding") == number * ["holding: no database"]
        reloader.request("deployed")
        assert reloader.hold is not None
    world.run(reloader, 5.0)
    assert world.server.requests == 1


class Exempt(Gate):
    """Stands in for a gate that lets a restart by hand pass, as a pause does."""

    def __init__(self) -> None:
        self.is_closed = False

    def check(self, changes: Changes) -> Verdict:
        return Hold("paused") if self.is_closed and not changes.by_hand else GO


@pytest.mark.parametrize("ended_by", ["its end", "another request"])
def test_a_request_that_was_held(world: World, tmp_path: Path, ended_by: str) -> None:
    """It does not pass a pause that begins later; a new request does."""
    path = tmp_path / "view.py"
    path.write_text("x = (\n")
    world.detector.python, world.detector.differs = {str(path)}, {str(path): b"2"}
    reloader = world.reloader(roll=(pause := Exempt()))
    reloader.request("deployed")
    world.run(reloader, 2.0)
    pause.is_closed = True
    path.write_text("x = 1\n")
    world.detector.differs = {str(path): b"3"}
    world.run(reloader, 10.0)
    assert world.server.requests == 0
    assert world.said("holding")[1:] == ["holding: paused"]
    if ended_by == "its end":
        pause.is_closed = False
    else:
        reloader.request("deployed")
    world.run(reloader, 2.0)
    assert world.server.requests == 1


def test_by_hand_during_a_scan(world: World) -> None:
    """What was saved before the request is scanned before the restart, which may have to wait."""
    reloader = world.reloader()
    scan = world.detector.scan

    def scan_in_vain(
        paths: Collection[str] | None = None, *, requested: bool = False
    ) -> dict[str, Change]:
        found = scan(paths)
        if not world.detector.differs:
            world.detector.differs, world.detector.python = {"a.py": EMPTY}, {"a.py"}
            reloader.request("deployed")
        return found

    world.detector.scan = scan_in_vain  # type: ignore[method-assign]
    world.run(reloader, 1.0)
    assert world.server.requests == 0  # an empty source may be half a save


@pytest.mark.parametrize("counted", [True, False])
def test_by_hand_passes_the_budget(world: World, *, counted: bool) -> None:
    """A spent budget, or one without a journal, does not hold a restart by hand."""
    world.history.kept = past(970.0, 980.0, 990.0) if counted else None
    world.detector.differs = {"gen.py": b"2"}
    reloader = world.reloader()
    reloader.request("deployed")
    world.run(reloader, 1.0)
    assert (world.server.requests, world.said("holding")) == (1, [])


@pytest.mark.parametrize("when", ["auto", "now"])
def test_a_restart_is_recorded_once(world: World, when: str) -> None:
    """mod_wsgi's shutdown callback may come before the call that signals returns: one entry."""
    reloader = world.reloader(when=when, running=0)
    world.server.signalled = reloader.leave
    world.detector.differs = {"a.py": b"2"}
    world.run(reloader, 1.0)
    assert world.server.requests == 1
    assert [entry.reason for entry in world.history.kept or ()] == ["a.py changed"]


def test_a_failed_call_leaves_no_trace(world: World) -> None:
    """Where the signal could not be sent, no restart is pending and none is recorded."""
    reloader = world.reloader(when="auto", running=0)
    world.server.answer = NativeError("kill", 1, "Not permitted")
    world.detector.differs = {"a.py": b"2"}
    world.clock.now += reloader.step()
    reloader.step()
    assert (reloader.restarting, world.history.kept) == (False, [])


def test_stale_bytecode_goes_first(world: World) -> None:
    """Before the restart stale caches of changed sources are removed; one that stays holds."""
    world.detector.differs = {"a.py": b"2", "page.html": b"2"}
    world.stuck = ["__pycache__/a.pyc"]
    reloader = world.reloader()
    world.run(reloader, 2.0)
    assert set(world.freshened) == {"a.py"}
    [held] = world.said("holding")
    assert "__pycache__/a.pyc" in held
    assert not reloader.restarting
    world.stuck = []
    world.run(reloader, 2.0)
    assert reloader.restarting


def test_a_group_that_is_ahead_has_everything_scanned(world: World) -> None:
    """After an announcement of its group a process scans all, and stays if nothing differs."""
    reloader = world.reloader(when="next-request")
    reloader.step({"a.py"})
    assert (world.detector.scanned, world.group.loaded) == ([{"a.py"}], [])
    world.group.ahead = True
    world.clock.now += 1
    reloader.step({"a.py"})
    assert world.detector.scanned[1:] == [None]
    assert world.group.loaded == [world.clock.now]


def test_a_held_process_does_not_follow_its_group(world: World, tmp_path: Path) -> None:
    """A process whose new code does not compile answers requests, whatever the others do."""
    path = tmp_path / "view.py"
    path.write_text("x = (\n")
    world.detector.python, world.detector.differs = {str(path)}, {str(path): b"2"}
    reloader = world.reloader(when="next-request")
    world.run(reloader, 2.0)
    world.group.ahead = True
    assert not reloader.reload_required()
    world.detector.differs = {}
    reloader.step()
    assert reloader.reload_required()


def test_rolling_waits_for_its_turn(world: World) -> None:
    """Without the turn nothing is requested and no request rejected; with it both."""
    turn = Turn()
    reloader = world.reloader(when="next-request", roll=turn)
    world.detector.differs = {"a.py": b"2"}
    world.run(reloader, 2.0)
    assert not reloader.reload_required()
    turn.verdict = GO
    world.run(reloader, 0.2)
    assert reloader.reload_required()
    assert turn.taken


def test_a_roll_that_has_stopped(world: World) -> None:
    """The old code keeps serving, logged once, and the roll may go on later."""
    turn = Turn()
    turn.verdict = Hold("the roll has stopped")
    reloader = world.reloader(roll=turn)
    world.detector.differs = {"a.py": b"2"}
    world.run(reloader, 10.0)
    held = world.said("holding")
    assert (world.server.requests, held) == (0, ["holding: the roll has stopped"])
    turn.verdict = GO
    world.run(reloader, 1.0)
    assert world.server.requests == 1


def test_a_turn_is_given_back(world: World) -> None:
    """If the change is undone while this process has the turn, others may go."""
    turn = Turn()
    turn.verdict = GO
    reloader = world.reloader(when="next-request", roll=turn)
    world.detector.differs = {"a.py": b"2"}
    world.run(reloader, 0.5)
    assert turn.taken
    world.detector.differs = {}
    reloader.step()
    assert not turn.taken


def test_a_change_back_is_logged_once_it_holds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the line is logged, requests are answered here again, whatever the gates still do."""
    reloader = world.reloader(when="next-request")
    world.detector.differs = {"a.py": b"2"}
    world.run(reloader, 2.0)
    assert reloader.reload_required()
    answers: list[bool] = []
    monkeypatch.setattr(world.log, "say", lambda *_: answers.append(reloader.reload_required()))
    world.detector.differs = {}
    reloader.step()
    assert answers == [False]


def test_what_is_decided(world: World) -> None:
    """While a gate waits, nothing is; a restart that waits for a request says so."""
    reloader = world.reloader(when="next-request")
    reloader.step()
    assert (reloader.is_decided, reloader.awaited) == (True, ())
    world.detector.differs = {"a.py": b"2"}
    reloader.step()
    assert (reloader.is_decided, reloader.awaited) == (False, ())
    world.run(reloader, 2.0)
    assert (reloader.is_decided, reloader.awaited) == (True, (NEXT_REQUEST,))
    world.detector.differs = {}
    reloader.step()
    assert (reloader.is_decided, reloader.awaited) == (True, ())


def test_a_process_that_a_request_replaces_says_so(world: World) -> None:
    """A process that ends because another one noticed first leaves a line, and no entry."""
    reloader = world.reloader(when="next-request")
    reloader.leave()
    assert world.log.lines == []
    world.group.ahead = True
    reloader.leave()
    assert "another process" in world.said("restarting")[0]
    assert world.history.kept == []


def test_the_next_request_is_recorded(world: World) -> None:
    """A restart that a request brings about is announced once, and recorded when it comes."""
    reloader = world.reloader(when="next-request")
    world.detector.differs = {"a.py": b"2"}
    world.run(reloader, 5.0)
    assert world.said("restarting") == ["restarting: a.py changed; with the next request"]
    assert world.history.kept == []
    reloader.leave()
    reloader.leave()
    assert [entry.reason for entry in world.history.kept] == ["a.py changed"]


def test_what_ends_a_process_that_waits_is_recorded(world: World) -> None:
    """Apache may replace a process that waits for requests: the next one reports the change."""
    reloader = world.reloader(when="auto")
    world.detector.differs = {"a.py": b"2"}
    world.run(reloader, 3.0)
    assert "waiting up to 5 s" in world.said("restarting")[0]
    reloader.leave()
    assert [entry.reason for entry in world.history.kept] == ["a.py changed"]


def test_only_a_change_ends_the_wait(world: World) -> None:
    """Without a change, or with one that is held, no further step is due."""
    reloader = world.reloader(roll=(turn := Turn()))
    assert reloader.step() == NEVER
    turn.verdict = Hold("stopped")
    world.detector.differs = {"a.py": b"2"}
    world.clock.now += reloader.step()
    assert reloader.step() == NEVER


def test_what_held_and_lets_pass_is_forgotten(world: World) -> None:
    """Once the gate that held has let a change pass, the status holds nothing any more."""
    turn = Turn()
    turn.verdict = Hold("stopped")
    reloader = world.reloader(when="auto", roll=turn)
    world.detector.differs = {"a.py": b"2"}
    world.run(reloader, 2.0)
    assert reloader.hold == turn.verdict
    turn.verdict = GO
    reloader.step()
    assert (reloader.hold, reloader.restarting) == (None, True)


class Prefetched(Gate):
    """Counts its prefetches."""

    def __init__(self) -> None:
        self.times = 0

    def prefetch(self) -> None:
        self.times += 1

    def check(self, changes: Changes) -> Verdict:
        return GO


def test_a_change_that_polling_finds_is_prefetched_for(world: World) -> None:
    """A slow check begins with the change, before that has settled."""
    reloader = world.reloader(roll=(gate := Prefetched()))
    reloader.step()
    assert gate.times == 0
    world.detector.differs = {"a.py": b"2"}
    assert reloader.step() == pytest.approx(0.05)
    assert gate.times == 1


def test_a_restart_is_logged_before_it_is_requested(world: World) -> None:
    """The request may end the process at once: its line is in the log by then."""
    logged: list[list[str]] = []
    world.server.signalled = lambda: logged.append(world.said("restarting"))
    world.detector.differs = {"a.py": b"2"}
    world.run(world.reloader(), 1.0)
    assert logged == [["restarting: a.py changed"]]
