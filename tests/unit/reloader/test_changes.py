"""What becomes of changes: they settle, wait, hold or restart, on a clock that the test moves."""

from pathlib import Path

import pytest
from support.reloaderworld import Turn, World

from wsgireload.changes import Changes
from wsgireload.decide.verdict import GO, Gate, Hold, Verdict
from wsgireload.detect.digest import EMPTY, MISSING
from wsgireload.reloader import NEVER
from wsgireload.report import NEXT_REQUEST
from wsgireload.server.restart import TAKEN_UP


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
