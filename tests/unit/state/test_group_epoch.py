"""Call: the processes of a group are told at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from wsgireload.state.group_epoch import FRESH, SIZE, Call
from wsgireload.state.private_dir import Kept, private


class World:
    """Several processes of a group, on a clock that we move."""

    def __init__(self, folder: Path) -> None:
        self.folder = private(str(folder))
        self.file = folder / "group.call"
        self.kept: list[Kept] = []
        self.now = 1000.0

    def process(self) -> Call:
        """One more, which begins a second after the last thing that was done."""
        self.now += 1
        self.kept.append(self.folder.keep("group.call"))
        return Call(self.kept[-1], lambda: self.now)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A folder of this user alone, and what was opened in it closed at the end."""
    tmp_path.chmod(0o700)
    world = World(tmp_path)
    yield world
    for file in world.kept:
        file.close()
    world.folder.close()


def test_all_hear_a_call(world: World) -> None:
    """Whoever ran before the call hears it, at once, and whoever comes after it does not."""
    first, second = world.process(), world.process()
    assert not first.heard()
    assert not second.heard()
    world.now += 1
    first.make()
    assert first.heard()
    assert second.heard()
    assert not world.process().heard()


def test_a_call_is_taken_back(world: World) -> None:
    """After a change that was undone nobody has to be replaced, and a later call is heard."""
    first, second = world.process(), world.process()
    world.now += 1
    first.make()
    assert second.heard()
    first.retract()
    world.now += FRESH
    assert not second.heard()
    first.make()
    world.now += FRESH
    assert second.heard()


def test_an_answer(world: World) -> None:
    """Who looked since the call, and runs what lies there, need not go; the next call counts."""
    first, second = world.process(), world.process()
    world.now += 1
    first.make()
    second.answer(world.now - 0.5)
    assert second.heard()
    second.answer(world.now + 0.5)
    assert not second.heard()
    assert first.heard()
    world.now += 1
    first.make()
    assert second.heard()


@pytest.mark.parametrize(
    "left",
    [b"", b"xyz", bytes(SIZE), b"\xff" * SIZE, b"\xff" * 100, (2**62).to_bytes(SIZE, "little")],
)
def test_what_was_left_there(world: World, left: bytes) -> None:
    """Damage, and a call from before the machine was started, call nobody."""
    file = world.folder.keep("group.call")
    file.write(left)
    file.close()
    first = world.process()
    assert not first.heard()
    world.now += 1
    world.process().make()
    assert first.heard()


def test_what_is_cut_short(world: World) -> None:
    """Who empties the file under a process that reads it ends nothing; the next call is heard."""
    first = world.process()
    world.now += 1
    first.make()
    os.truncate(world.kept[0].descriptor, 0)
    assert not first.heard()
    first.make()
    assert first.heard()


def test_what_cannot_be_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails calls nobody."""
    first = world.process()

    def broken(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", broken)
    assert not first.heard()


def test_what_cannot_be_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that cannot be made is no error: each process notices by itself."""
    first = world.process()

    def full(_self: Kept, _content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Kept, "write", full)
    first.make()
    first.retract()
    assert not first.heard()


@pytest.mark.parametrize("content", [b"", b"abc", bytes(100)])
def test_what_others_do_to_the_file(world: World, content: bytes) -> None:
    """A file that is cut or filled while it is in use is no call and no crash; a call mends it."""
    first, second = world.process(), world.process()
    world.file.write_bytes(content)
    assert not first.heard()
    world.now += 1
    second.make()
    assert first.heard()
    assert len(world.file.read_bytes()) == SIZE


def test_many_requests_ask(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many requests come, the file is read once in two milliseconds; a call is not lost."""
    first, second = world.process(), world.process()
    reads = 0
    peek = Kept.peek

    def counted(file: Kept, most: int) -> bytes:
        nonlocal reads
        reads += 1
        return peek(file, most)

    monkeypatch.setattr(Kept, "peek", counted)
    assert not any(second.heard() for _ in range(100))
    assert reads == 1
    world.now += 1
    first.make()
    world.now += FRESH
    assert all(second.heard() for _ in range(100))
    assert reads == 2
