"""Rolling: one process at a time, and the next once the last one's successor is up."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.standins import Clock

from wsgireload.changes import Change, Changes
from wsgireload.decide.rolling import LATE, POLL, Rolling
from wsgireload.decide.verdict import GO, Hold, Verdict, Wait
from wsgireload.state.private_dir import Candidates, PrivateFile

EDIT = Changes({"a.py": Change(b"2")})


class Process(Rolling):
    """One process: `is_up` is whether its application is loaded."""

    def __init__(
        self, folder: str, clock: Clock, *, is_up: bool = True, name: str = "site"
    ) -> None:
        self.is_up = is_up
        self.troubles: list[str] = []
        folders = Candidates([folder], self.troubles.append)
        super().__init__(folders, name, lambda: self.is_up, clock)
        clock.now += 1

    def turn(self) -> Verdict:
        """Whether it may be replaced now, because of some change."""
        return self.check(EDIT)

    def ends(self) -> None:
        """The system closes its files, and so releases its lock."""
        self.forget()


@pytest.fixture
def clock() -> Clock:
    """One for all processes, as on a machine."""
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """The folder of their user."""
    return str(tmp_path / "state")


def test_one_at_a_time(folder: str, clock: Clock) -> None:
    """While one process has the turn no other gets it, and it keeps it."""
    first, second = Process(folder, clock), Process(folder, clock)
    assert first.turn() == GO
    assert second.turn() == Wait(POLL)
    assert first.turn() == GO


def test_the_next_goes_when_the_successor_is_up(folder: str, clock: Clock) -> None:
    """The next process goes when the last one's successor is up, not when that has begun."""
    first, second = Process(folder, clock), Process(folder, clock)
    assert first.turn() == GO
    clock.now += 1
    first.ends()
    assert second.turn() == Wait(POLL)
    successor = Process(folder, clock, is_up=False)
    assert not successor.announce()
    assert second.turn() == Wait(POLL)
    successor.is_up = True
    assert successor.announce()
    assert second.turn() == GO


def test_an_older_process_is_no_successor(folder: str, clock: Clock) -> None:
    """An old process that is up does not count as a successor."""
    first, second, third = (Process(folder, clock) for _ in range(3))
    assert first.turn() == GO
    first.ends()
    assert second.announce()
    assert third.turn() == Wait(POLL)


def test_no_successor_before_the_last_one_has_ended(folder: str, clock: Clock) -> None:
    """A process that starts while the one with the turn still serves is not its successor yet."""
    first = Process(folder, clock)
    assert first.turn() == GO
    later = Process(folder, clock)
    assert not later.announce()
    first.ends()
    assert later.announce()


def test_a_version_that_does_not_start_stops_the_roll(folder: str, clock: Clock) -> None:
    """The rest keeps the old code and reports that; a process that is up lets the roll go on."""
    first, second = Process(folder, clock), Process(folder, clock)
    first.turn()
    first.ends()
    failed = Process(folder, clock, is_up=False)
    failed.announce()
    assert second.turn() == Wait(POLL)
    clock.now += LATE
    held = second.turn()
    assert isinstance(held, Hold)
    assert "stopped" in held.reason
    assert failed.turn() == GO  # it serves no request: the repair need not wait
    failed.ends()
    repaired = Process(folder, clock)
    assert repaired.announce()
    assert second.turn() == GO


def test_a_look_at_the_note_does_not_prolong_the_wait(folder: str, clock: Clock) -> None:
    """Others lock the file for a moment to read it: that is no process with the turn."""
    first, second = Process(folder, clock), Process(folder, clock)
    first.turn()
    first.ends()
    for _ in range(round(LATE / POLL) + 2):
        look = Candidates([folder], first.troubles.append).open_file("site.roll")
        assert look.lock()
        second.turn()
        look.close()
        verdict = second.turn()
        clock.now += POLL
    assert isinstance(verdict, Hold)


def test_a_successors_time_begins_with_the_end_of_the_last_process(
    folder: str, clock: Clock
) -> None:
    """A process that has the turn may take long to end."""
    first, second = Process(folder, clock), Process(folder, clock)
    first.turn()
    for _ in range(round(LATE / POLL) - 20):
        assert second.turn() == Wait(POLL)
        clock.now += POLL
    first.ends()
    clock.now += LATE - 1
    assert second.turn() == Wait(POLL)
    clock.now += 2
    assert isinstance(second.turn(), Hold)


def test_a_process_that_does_not_serve_goes_at_once(folder: str, clock: Clock) -> None:
    """A process that never came up is replaced at once."""
    processes = [Process(folder, clock, is_up=False) for _ in range(3)]
    assert [process.turn() for process in processes] == [GO, GO, GO]


def test_a_turn_that_is_not_needed(folder: str, clock: Clock) -> None:
    """A process that stays after all gives the turn back, and no successor is awaited."""
    first, second = Process(folder, clock), Process(folder, clock)
    for staying in (first.reset, first.release):
        assert first.turn() == GO
        assert second.turn() == Wait(POLL)
        staying()
        assert second.turn() == GO
        second.reset()


def test_the_successor_itself_goes_next(folder: str, clock: Clock) -> None:
    """The successor of the last process may go without announcing itself first."""
    first = Process(folder, clock)
    first.turn()
    first.ends()
    successor = Process(folder, clock)
    assert successor.turn() == GO


def test_others_roll_for_themselves(folder: str, clock: Clock) -> None:
    """Another application has a turn of its own."""
    first, other = Process(folder, clock), Process(folder, clock, name="other")
    assert first.turn() == GO
    assert other.turn() == GO


@pytest.mark.parametrize("left", [b"", b"\xff\xfe", b"nan", b"inf", b"-1", b"1e999", b"9" * 500])
def test_earlier_content(folder: str, clock: Clock, left: bytes) -> None:
    """Damage, and a note from before the machine was started, stop no process."""
    path = Path(folder)
    path.mkdir(0o700)
    (path / "site.roll").write_bytes(left)
    assert Process(folder, clock).turn() == GO


def test_without_a_folder(tmp_path: Path, clock: Clock) -> None:
    """Without a folder for the lock the restart is held; no error is raised."""
    process = Process(str(tmp_path / "missing" / "state"), clock)
    held = process.turn()
    assert isinstance(held, Hold)
    assert "cannot take the rolling-restart lock" in held.reason
    assert not process.announce()
    assert len(process.troubles) >= 1


def test_with_a_full_disk(folder: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn that cannot be noted is not taken, and the lock is released."""

    def full(_self: PrivateFile, _content: bytes) -> None:
        raise OSError(28, "No space left on device")

    first, second = Process(folder, clock), Process(folder, clock)
    with monkeypatch.context() as patched:
        patched.setattr(PrivateFile, "write", full)
        assert isinstance(first.turn(), Hold)
    assert second.turn() == GO


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
def test_a_forked_child_has_no_turn(folder: str, clock: Clock) -> None:
    """A child of the application neither keeps the lock nor releases it."""
    first, second = Process(folder, clock), Process(folder, clock)
    first.turn()
    if (pid := os.fork()) == 0:
        first.forget()
        os._exit(0)
    os.waitpid(pid, 0)
    assert second.turn() == Wait(POLL)


@pytest.fixture
def fork() -> Iterator[Callable[[], None]]:
    """Forks as a C library does, without Python's handlers; the children live until the test ends.

    They end with the pipe's last writer, which is this process alone.
    """
    read, write = os.pipe()
    began, begins = os.pipe()
    children: list[int] = []

    def fork() -> None:
        if (pid := ctypes.PyDLL(None).fork()) == 0:
            os.write(begins, b"x")
            os.close(write)
            os.read(read, 1)
            os._exit(0)
        children.append(pid)
        os.read(began, 1)

    yield fork
    os.close(write)
    for pid in children:
        os.waitpid(pid, 0)
    for descriptor in (read, began, begins):
        os.close(descriptor)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
def test_a_child_keeps_no_turn(folder: str, clock: Clock, fork: Callable[[], None]) -> None:
    """A child that outlives the process that had the turn delays no other process."""
    first, second = Process(folder, clock), Process(folder, clock)
    assert first.turn() == GO
    fork()
    first.ends()
    assert Process(folder, clock).announce()
    assert second.turn() == GO
    second.reset()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
def test_a_child_of_that_very_moment(
    folder: str, clock: Clock, fork: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a child that was forked while the lock was held for a moment."""
    first, second = Process(folder, clock), Process(folder, clock)
    real = PrivateFile.read

    def read(file: PrivateFile, most: int) -> bytes:
        fork()
        return real(file, most)

    with monkeypatch.context() as patched:
        patched.setattr(PrivateFile, "read", read)
        assert first.announce()
    assert second.turn() == GO
    second.reset()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
def test_other_files_of_a_child(folder: str, clock: Clock) -> None:
    """A child has all other files, also one with the number that a turn's file had earlier."""
    first = Process(folder, clock)
    assert first.turn() == GO
    assert first._ours is not None
    number = first._ours.descriptor
    first.reset()
    with Path("/etc/passwd").open() as file:
        assert os.dup2(file.fileno(), number) == number
    if (pid := os.fork()) == 0:
        os._exit(bool(os.read(number, 1)))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    os.close(number)


def test_a_turn_that_does_not_end(folder: str, clock: Clock) -> None:
    """A process that waits long reports why; it goes once the other has ended or stays."""
    first, second = Process(folder, clock), Process(folder, clock)
    for _ in range(2):
        assert first.turn() == GO
        assert second.turn() == Wait(POLL)
        clock.now += LATE - 1
        assert second.turn() == Wait(POLL)
        clock.now += 1
        hold = second.turn()
        assert isinstance(hold, Hold)
        assert "another process has kept the rolling-restart lock for 30 s" in hold.reason
        first.reset()
        assert second.turn() == GO
        second.reset()
