"""Roll: one process at a time, and the next once the last one's successor is up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wsgireload.decide.rolling import LATE, POLL, Roll
from wsgireload.decide.syntax import Hold
from wsgireload.state.private_dir import Kept


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Process(Roll):
    """One process: `is_up` says whether its application is loaded."""

    def __init__(
        self, folder: str, clock: Clock, *, is_up: bool = True, name: str = "site"
    ) -> None:
        self.is_up = is_up
        self.troubles: list[str] = []
        super().__init__([folder], name, lambda: self.is_up, self.troubles.append, clock)
        clock.now += 1

    def end(self) -> None:
        """The system closes its files, and with them lets go of its lock."""
        self.forget()


@pytest.fixture
def clock() -> Clock:
    """One for all processes, as the machine has it."""
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """The folder of their user."""
    return str(tmp_path / "state")


def test_one_at_a_time(folder: str, clock: Clock) -> None:
    """While one has the turn nobody else gets it, and it keeps it."""
    first, second = Process(folder, clock), Process(folder, clock)
    assert first.turn() == 0.0
    assert second.turn() == POLL
    assert first.turn() == 0.0


def test_the_next_goes_when_the_successor_is_up(folder: str, clock: Clock) -> None:
    """Not when the last one has ended, and not when its successor has begun: when that is up."""
    first, second = Process(folder, clock), Process(folder, clock)
    assert first.turn() == 0.0
    clock.now += 1
    first.end()
    assert second.turn() == POLL
    successor = Process(folder, clock, is_up=False)
    assert not successor.arrived()
    assert second.turn() == POLL
    successor.is_up = True
    assert successor.arrived()
    assert second.turn() == 0.0


def test_who_was_there_before_is_no_successor(folder: str, clock: Clock) -> None:
    """That an old process is up says nothing of the new code."""
    first, second, third = (Process(folder, clock) for _ in range(3))
    assert first.turn() == 0.0
    first.end()
    assert second.arrived()
    assert third.turn() == POLL


def test_nobody_arrives_before_the_last_one_has_ended(folder: str, clock: Clock) -> None:
    """Who comes while the one with the turn still serves is not its successor yet."""
    first = Process(folder, clock)
    assert first.turn() == 0.0
    later = Process(folder, clock)
    assert not later.arrived()
    first.end()
    assert later.arrived()


def test_a_version_that_does_not_start_stops_the_roll(folder: str, clock: Clock) -> None:
    """The rest stays on the old code and says so; what is up in the end lets the roll go on."""
    first, second = Process(folder, clock), Process(folder, clock)
    first.turn()
    first.end()
    failed = Process(folder, clock, is_up=False)
    failed.arrived()
    assert second.turn() == POLL
    clock.now += LATE
    held = second.turn()
    assert isinstance(held, Hold)
    assert "stopped" in held.reason
    assert failed.turn() == 0.0  # it serves nobody: the repair need not wait for anyone
    failed.end()
    repaired = Process(folder, clock)
    assert repaired.arrived()
    assert second.turn() == 0.0


def test_who_serves_nobody_goes_at_once(folder: str, clock: Clock) -> None:
    """Where no process could start, the repair need not go round one by one."""
    processes = [Process(folder, clock, is_up=False) for _ in range(3)]
    assert [process.turn() for process in processes] == [0.0, 0.0, 0.0]


def test_a_turn_that_is_not_needed(folder: str, clock: Clock) -> None:
    """Who stays after all gives the turn back, and nobody is waited for."""
    first, second = Process(folder, clock), Process(folder, clock)
    first.turn()
    first.passed()
    assert second.turn() == 0.0


def test_the_successor_itself_goes_next(folder: str, clock: Clock) -> None:
    """Whoever came after the last one need not be told that it did."""
    first = Process(folder, clock)
    first.turn()
    first.end()
    successor = Process(folder, clock)
    assert successor.turn() == 0.0


def test_others_roll_for_themselves(folder: str, clock: Clock) -> None:
    """Another application has a turn of its own."""
    first, other = Process(folder, clock), Process(folder, clock, name="other")
    assert first.turn() == 0.0
    assert other.turn() == 0.0


@pytest.mark.parametrize("left", [b"", b"\xff\xfe", b"nan", b"inf", b"-1", b"1e999", b"9" * 500])
def test_what_was_left_there(folder: str, clock: Clock, left: bytes) -> None:
    """Damage, and a note from before the machine was started, stop nobody."""
    path = Path(folder)
    path.mkdir(0o700)
    (path / "a.roll").write_bytes(left)
    assert Process(folder, clock).turn() == 0.0


def test_without_a_folder(tmp_path: Path, clock: Clock) -> None:
    """Where nobody can tell whose turn it is, that is a hold, and not an error."""
    process = Process(str(tmp_path / "missing" / "state"), clock)
    held = process.turn()
    assert isinstance(held, Hold)
    assert "nobody can tell" in held.reason
    assert not process.arrived()
    assert len(process.troubles) >= 1


def test_with_a_full_disk(folder: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn that cannot be noted down is not taken, and the lock is let go of."""

    def full(_self: Kept, _content: bytes) -> None:
        raise OSError(28, "No space left on device")

    first, second = Process(folder, clock), Process(folder, clock)
    with monkeypatch.context() as patched:
        patched.setattr(Kept, "write", full)
        assert isinstance(first.turn(), Hold)
    assert second.turn() == 0.0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
def test_a_forked_child_has_no_turn(folder: str, clock: Clock) -> None:
    """What the application forks neither keeps the lock nor lets go of it."""
    first, second = Process(folder, clock), Process(folder, clock)
    first.turn()
    if (pid := os.fork()) == 0:
        first.forget()
        os._exit(0)
    os.waitpid(pid, 0)
    assert second.turn() == POLL


def test_a_turn_that_does_not_end(folder: str, clock: Clock) -> None:
    """Who has to wait for long says why; once the other has ended or has let it be, it goes."""
    first, second = Process(folder, clock), Process(folder, clock)
    for _ in range(2):
        assert first.turn() == 0.0
        assert second.turn() == POLL
        clock.now += LATE - 1
        assert second.turn() == POLL
        clock.now += 1
        hold = second.turn()
        assert isinstance(hold, Hold)
        assert "another process has had the turn" in hold.reason
        first.passed()
        assert second.turn() == 0.0
        second.passed()
