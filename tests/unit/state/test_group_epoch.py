"""The epoch of a group: all its processes learn at once that they are to be replaced."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from support.openfiles import open_files

from wsgireload.state.group import FRESH, GroupEpoch
from wsgireload.state.private_dir import Candidates, PrivateFile


class World:
    """Several processes of a group, on a clock that the test moves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "state"
        self.other = folder / "other"
        self.file = self.folder / "group.call"
        self.now = 1000.0
        self.troubles: list[str] = []

    def process(self, began: float | None = None) -> GroupEpoch:
        """One more, which begins a second after the last thing that was done."""
        self.now += 1
        folders = Candidates([str(self.folder), str(self.other)], self.troubles.append)
        return GroupEpoch(folders, "group.call", lambda: self.now, began=began)

    def leave(self, seconds: float) -> None:
        """A file that has that time, and this user alone may read."""
        self.folder.mkdir(0o700, exist_ok=True)
        self.file.touch(0o600)
        os.utime(self.file, (seconds, seconds))


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Their folder does not exist yet."""
    return World(tmp_path)


def test_an_announcement_reaches_all(world: World) -> None:
    """An announcement counts at once for the processes that run, and not for later ones."""
    first, second = world.process(), world.process()
    assert not first.is_over()
    assert not second.is_over()
    world.now += 1
    first.announce()
    assert first.is_over()
    assert second.is_over()
    assert not world.process().is_over()


def test_an_announcement_while_a_process_loads_its_code(world: World) -> None:
    """It may have loaded the old code by then."""
    began = world.now
    world.now += 1
    world.process().announce()
    assert world.process(began).is_over()


def test_an_announcement_at_a_time_that_was_left_ahead(world: World) -> None:
    """A file from before the machine's start announces nothing, but now may be its very time."""
    world.leave(1002.0)
    process = world.process()
    world.now = 1002.0
    assert not process.is_over()
    process.announce()
    assert process.is_over()


def test_an_announcement_is_retracted(world: World) -> None:
    """After a change that was undone no process is replaced; a later announcement counts."""
    first, second = world.process(), world.process()
    world.now += 1
    first.announce()
    assert second.is_over()
    first.retract()
    world.now += FRESH
    assert not second.is_over()
    first.announce()
    world.now += FRESH
    assert second.is_over()


def test_a_scan_proves_a_process_up_to_date(world: World) -> None:
    """A scan that began after the announcement proves it; the next announcement counts again."""
    first, second = world.process(), world.process()
    world.now += 1
    second.scanning()
    world.now += 0.5
    first.announce()
    world.now += 0.5
    second.up_to_date()  # what was scanned before may have been the old code
    assert second.is_over()
    second.scanning()
    second.up_to_date()
    assert not second.is_over()
    assert first.is_over()
    world.now += 1
    first.announce()
    assert second.is_over()


def test_a_scan_that_found_something_proves_nothing(world: World) -> None:
    """Only a process that is known to run the latest code stays, and time never goes back."""
    first, second = world.process(), world.process()
    world.now += 1
    first.announce()
    world.now += 1
    second.scanning()
    assert second.is_over()
    second.up_to_date()
    assert not second.is_over()
    world.now -= 10
    second.scanning()
    second.up_to_date()
    world.now += 10
    assert not second.is_over()


@pytest.mark.parametrize("left", [-1000.0, 0.0, 1e3, 1e6, 1e9, 1e12])
def test_earlier_times_announce_nothing(world: World, left: float) -> None:
    """Neither does an announcement from before the machine was started, nor any other time."""
    world.leave(left)
    first = world.process()
    assert not first.is_over()
    world.now += 1e7  # the machine has run for longer than that now
    assert not first.is_over()
    world.process().announce()
    assert first.is_over()


def test_a_file_that_was_only_made_announces_nothing(world: World) -> None:
    """Whoever makes it or writes to it, as a restored backup, sets a time that lies ahead."""
    first = world.process()
    world.leave(1e9)
    assert not first.is_over()
    world.file.write_bytes(b"x")
    world.now += 1
    assert not first.is_over()
    world.process().announce()
    world.now += FRESH
    assert first.is_over()


@pytest.mark.parametrize("cleaned", ["file", "folder", "moved"])
def test_the_file_is_removed(world: World, cleaned: str) -> None:
    """If the file is removed, processes of before and after find each other's announcements."""
    old = world.process()
    old.announce()
    old.retract()
    if cleaned == "file":
        world.file.unlink()
    elif cleaned == "folder":
        shutil.rmtree(world.folder)
    else:
        world.folder.rename(world.folder.with_name("moved"))
    new, newer = world.process(), world.process()
    world.now += 1
    new.announce()
    assert [each.is_over() for each in (old, new, newer)] == [True, True, True]
    last = world.process()
    world.now += 1
    old.announce()
    assert last.is_over()


def test_a_process_that_uses_another_folder(world: World) -> None:
    """The announcement of a process that uses another folder is found."""
    world.folder.touch()
    old = world.process()
    world.now += 1
    old.announce()
    assert (world.other / "group.call").exists()
    world.folder.unlink()
    new = world.process()
    world.now += 1
    new.announce()
    assert world.file.exists()
    assert old.is_over()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root plants files of others")
def test_what_another_user_planted(world: World) -> None:
    """A file that another user has planted announces nothing."""
    first = world.process()
    world.leave(world.now)
    os.chown(world.file, 65534, 65534)
    world.now += 1
    first._loaded = 0
    assert not first.is_over()


def test_a_disk_that_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be read announces nothing."""
    first = world.process()
    world.now += 1
    first.announce()

    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "lstat", broken)
    assert not first.is_over()


@pytest.mark.parametrize("name", ["utime", "open"])
def test_an_announcement_that_fails(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """An announcement that fails is reported, not raised: each process notices by itself."""
    first = world.process()

    def read_only(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, name, read_only)
    first.announce()
    first.retract()
    assert not first.is_over()
    assert "notices changes by itself" in world.troubles[-1]


def test_a_full_disk(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An announcement writes nothing into the file, and so needs no room."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    first, second = world.process(), world.process()
    monkeypatch.setattr(os, "write", full)
    world.now += 1
    first.announce()
    assert second.is_over()
    assert world.file.stat().st_size == 0


def test_an_announcement_of_another_is_not_retracted(world: World) -> None:
    """A process takes back what it has announced itself, and nothing else."""
    first, second, third = world.process(), world.process(), world.process()
    world.now += 1
    first.announce()
    world.now += 1
    second.announce()
    first.retract()
    assert third.is_over()
    second.retract()
    world.now += FRESH
    assert not third.is_over()


def test_a_process_begins_while_another_announces(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that begins retracts no announcement, whenever it begins."""
    first, second = world.process(), world.process()
    world.now += 1
    utime = os.utime

    def and_begin(*arguments: object, **options: object) -> None:
        world.process()
        utime(*arguments, **options)  # type: ignore[arg-type]
        world.process()

    with monkeypatch.context() as patched:
        patched.setattr(os, "utime", and_begin)
        first.announce()
    world.process()
    assert second.is_over()


def test_a_process_that_was_made_slowly(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An announcement while a process begins counts: it may have loaded the old code."""
    other = world.process()
    lstat = os.lstat

    def slow(path: str) -> os.stat_result:
        other.announce()
        world.now += 1
        return lstat(path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "lstat", slow)
        world.now += 1
        late = world.process()
    assert late._loaded < 1e9 * world.now
    world.now += 1
    other.announce()
    assert late.is_over()


def test_many_requests(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many requests come, the file is read once in 2 ms; no announcement is lost."""
    first, second = world.process(), world.process()
    reads = 0
    times = GroupEpoch._times

    def counted(epoch: GroupEpoch) -> list[int]:
        nonlocal reads
        reads += 1
        return times(epoch)

    monkeypatch.setattr(GroupEpoch, "_times", counted)
    assert not any(second.is_over() for _ in range(100))
    assert reads == 1
    world.now += 1
    first.announce()
    world.now += FRESH
    assert all(second.is_over() for _ in range(100))
    assert reads == 2


def test_nothing_stays_open(world: World) -> None:
    """No descriptor stays open after a process begins, announces or reads."""
    before = open_files()
    for _ in range(5):
        each = world.process()
        each.announce()
        assert not each.is_over() or each.is_over()
        each.retract()
    assert open_files() == before


def test_a_forked_child_keeps_no_lock(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that was forked in the middle of an announcement delays no other process."""
    first, second = world.process(), world.process()
    ended, end = os.pipe()
    children = []
    utime = os.utime

    def and_fork(*arguments: object, **options: object) -> None:
        if (pid := os.fork()) == 0:
            os.close(end)
            os.read(ended, 1)
            os._exit(0)
        children.append(pid)
        utime(*arguments, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(os, "utime", and_fork)
        first.announce()
    world.now += 1
    second.announce()
    assert not world.troubles
    os.close(end)
    os.close(ended)
    for pid in children:
        os.waitpid(pid, 0)


def test_another_process_keeps_the_lock(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An announcement waits for a second at most, and then is none."""
    monkeypatch.setattr("wsgireload.state.private_dir.PATIENCE", -1.0)
    first, second = world.process(), world.process()
    first.announce()
    file = PrivateFile(os.open(world.file, os.O_RDWR))
    assert file.lock()
    world.now += 1
    second.announce()
    assert world.troubles
    file.close()
    second.announce()
    assert len(world.troubles) == 1


def test_a_process_without_a_group() -> None:
    """A process without a group announces nothing, and none is announced to it."""
    alone = GroupEpoch()
    alone.announce()
    alone.scanning()
    assert not alone.is_over()
    alone.up_to_date()
    alone.retract()
    assert not alone.is_over()
