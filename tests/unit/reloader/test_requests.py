"""What comes of the request to restart: budget, failures, signals in vain, records."""

from pathlib import Path

import pytest
from support.reloaderworld import Turn, World, past

from wsgireload.decide.verdict import GO
from wsgireload.errors import NativeError
from wsgireload.server.restart import TAKEN_UP


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


def test_a_restart_is_logged_before_it_is_requested(world: World) -> None:
    """The request may end the process at once: its line is in the log by then."""
    logged: list[list[str]] = []
    world.server.signalled = lambda: logged.append(world.said("restarting"))
    world.detector.differs = {"a.py": b"2"}
    world.run(world.reloader(), 1.0)
    assert logged == [["restarting: a.py changed"]]
