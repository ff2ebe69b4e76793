"""The epoch of a group: all its processes learn at once that they are to be replaced."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from wsgireload.state.group_epoch import FRESH, SIZE, GroupEpoch
from wsgireload.state.private_dir import PrivateDir, PrivateFile


class World:
    """Several processes of a group, on a clock that the test moves."""

    def __init__(self, folder: Path) -> None:
        self.folder = PrivateDir(str(folder))
        self.file = folder / "group.call"
        self.kept: list[PrivateFile] = []
        self.now = 1000.0

    def process(self) -> GroupEpoch:
        """One more, which begins a second after the last thing that was done."""
        self.now += 1
        self.kept.append(self.folder.open_file("group.call"))
        return GroupEpoch(self.kept[-1], lambda: self.now)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A folder of this user alone; what was opened in it is closed at the end."""
    tmp_path.chmod(0o700)
    world = World(tmp_path)
    yield world
    for file in world.kept:
        file.close()
    world.folder.close()


def test_an_announcement_reaches_all(world: World) -> None:
    """It is over for the processes that ran before it, at once, and not for later ones."""
    first, second = world.process(), world.process()
    assert not first.is_over()
    assert not second.is_over()
    world.now += 1
    first.announce()
    assert first.is_over()
    assert second.is_over()
    assert not world.process().is_over()


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
    """A scan that began after the announcement does; the next announcement counts again."""
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


@pytest.mark.parametrize(
    "left",
    [b"", b"xyz", bytes(SIZE), b"\xff" * SIZE, b"\xff" * 100, (2**62).to_bytes(SIZE, "little")],
)
def test_earlier_content_announces_nothing(world: World, left: bytes) -> None:
    """Damage, and an announcement from before the machine was started, replace no process."""
    file = world.folder.open_file("group.call")
    file.write(left)
    file.close()
    first = world.process()
    assert not first.is_over()
    world.now += 1
    world.process().announce()
    assert first.is_over()


def test_a_file_that_is_emptied(world: World) -> None:
    """Whoever empties the file under a reading process ends nothing; an announcement counts."""
    first = world.process()
    world.now += 1
    first.announce()
    os.truncate(world.kept[0].descriptor, 0)
    assert not first.is_over()
    first.announce()
    assert first.is_over()


def test_a_file_that_cannot_be_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails announces nothing."""
    first = world.process()
    world.now += 1
    first.announce()

    def broken(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", broken)
    assert not first.is_over()


def test_a_file_that_cannot_be_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An announcement that fails is no error: each process notices by itself."""
    first = world.process()

    def full(_self: PrivateFile, _content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(PrivateFile, "write", full)
    first.announce()
    first.retract()
    assert not first.is_over()


@pytest.mark.parametrize("content", [b"", b"abc", bytes(100)])
def test_a_file_that_others_write_to(world: World, content: bytes) -> None:
    """A file that is cut or filled meanwhile announces nothing; an announcement mends it."""
    first, second = world.process(), world.process()
    world.file.write_bytes(content)
    assert not first.is_over()
    world.now += 1
    second.announce()
    assert first.is_over()
    assert len(world.file.read_bytes()) == SIZE


def test_many_requests(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many requests come, the file is read once in 2 ms; no announcement is lost."""
    first, second = world.process(), world.process()
    reads = 0
    peek = PrivateFile.peek

    def counted(file: PrivateFile, most: int) -> bytes:
        nonlocal reads
        reads += 1
        return peek(file, most)

    monkeypatch.setattr(PrivateFile, "peek", counted)
    assert not any(second.is_over() for _ in range(100))
    assert reads == 1
    world.now += 1
    first.announce()
    world.now += FRESH
    assert all(second.is_over() for _ in range(100))
    assert reads == 2


def test_a_process_without_a_group() -> None:
    """It is alone: nothing is announced, and it is never over."""
    alone = GroupEpoch()
    alone.announce()
    alone.scanning()
    assert not alone.is_over()
    alone.up_to_date()
    alone.retract()
    assert not alone.is_over()
