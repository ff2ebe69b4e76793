"""A lease: a process of a group has the others wait with their restarts."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsgireload.state.group import LONGEST, GroupLease
from wsgireload.state.private_dir import Candidates


class World:
    """The processes of a group, on a clock that the test moves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "state"
        self.now = 1000.0

    def process(self) -> GroupLease:
        """One more."""
        return GroupLease(Candidates([str(self.folder)], str), "site.wait", lambda: self.now)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Their folder does not exist yet."""
    return World(tmp_path)


def test_others_wait(world: World) -> None:
    """A lease has every other process wait until it ends, not the one that took it."""
    first, second = world.process(), world.process()
    assert not second.is_taken()
    first.extend(0.2)
    assert second.is_taken()
    assert not first.is_taken()
    assert world.process().is_taken()
    world.now += 0.21
    assert not second.is_taken()


def test_it_is_extended(world: World) -> None:
    """A process that goes on waiting extends its lease, and shortens no other."""
    first, second, third = (world.process() for _ in range(3))
    first.extend(0.2)
    world.now += 0.1
    first.extend(0.2)
    second.extend(0.05)
    world.now += 0.15
    assert second.is_taken()
    assert third.is_taken()
    assert not first.is_taken()


def test_it_is_never_long(world: World) -> None:
    """However long a request may run, the lease of a process that is killed ends soon."""
    first, second = world.process(), world.process()
    first.extend(60)
    world.now += LONGEST + 0.01
    assert not second.is_taken()


@pytest.mark.parametrize("content", ["", "soon", "nan", "inf", "1e9", "-1", "\0" * 99])
def test_damage(world: World, content: str) -> None:
    """Damage in the file is no lease, and the next lease counts."""
    first, second = world.process(), world.process()
    first.extend(0.1)
    (world.folder / "site.wait").write_text(content)
    assert not second.is_taken()
    first.extend(0.1)
    assert second.is_taken()


def test_without_a_folder(tmp_path: Path) -> None:
    """Without a folder no process waits for another."""
    (tmp_path / "file").touch()
    for lease in (GroupLease(), GroupLease(Candidates([str(tmp_path / "file")], str), "x")):
        lease.extend(0.1)
        assert not lease.is_taken()
