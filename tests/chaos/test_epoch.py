"""The epoch of a process group: no announcement is lost, whatever else happens at that moment."""

from __future__ import annotations

import contextlib
import multiprocessing
import shutil
import time
from collections.abc import Callable, Iterator
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import TYPE_CHECKING

from wsgireload.state.group import FRESH, GroupEpoch
from wsgireload.state.private_dir import Candidates

if TYPE_CHECKING:
    from conftest import Chaos

FORK = multiprocessing.get_context("fork")


def process(folder: Path) -> GroupEpoch:
    """One process of the group, as it begins."""
    return GroupEpoch(Candidates([str(folder)], lambda _: None), "site.call")


def begin(folder: Path, end: Event) -> None:
    """Processes begin, one after the other."""
    while not end.is_set():
        process(folder)


def announce(folder: Path, end: Event) -> None:
    """Another process announces all the time."""
    other = process(folder)
    while not end.is_set():
        other.announce()


@contextlib.contextmanager
def beside(*works: Callable[[Path, Event], None], folder: Path) -> Iterator[None]:
    """Do that meanwhile, each in a process of its own."""
    end = FORK.Event()
    workers = [FORK.Process(target=work, args=(folder, end)) for work in works]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        end.set()
        for worker in workers:
            worker.join()


def lost(folder: Path, calls: int) -> int:
    """Announce so often; returns how many of these a process that ran before has missed."""
    missed = 0
    for _ in range(calls):
        old, announcing = process(folder), process(folder)
        announcing.announce()
        missed += not old.is_over()
    return missed


def test_processes_begin(chaos: Chaos, tmp_path: Path) -> None:
    """While other processes begin no announcement is lost, and none reaches a later process."""
    folder, calls = tmp_path / "state", chaos.often(2_000, 20_000)
    with beside(begin, begin, folder=folder):
        missed = lost(folder, calls)
        assert not process(folder).is_over()
    chaos.figure("announcements", calls)
    chaos.figure("lost", missed)
    assert missed == 0


def test_others_announce(chaos: Chaos, tmp_path: Path) -> None:
    """While other processes announce as well no announcement is lost."""
    folder, calls = tmp_path / "state", chaos.often(500, 20_000)
    with beside(announce, announce, begin, folder=folder):
        missed = lost(folder, calls)
    chaos.figure("announcements", calls)
    chaos.figure("lost", missed)
    assert missed == 0


def test_the_folder_is_removed(chaos: Chaos, tmp_path: Path) -> None:
    """The next announcement after that reaches the processes of before."""
    folder, missed = tmp_path / "state", 0
    calls = chaos.often(200, 2_000)
    with beside(begin, folder=folder):
        for _ in range(calls):
            old, announcing = process(folder), process(folder)
            shutil.rmtree(folder, ignore_errors=True)
            announcing.announce()
            time.sleep(FRESH)
            missed += not old.is_over()
    chaos.figure("announcements", calls)
    chaos.figure("lost", missed)
    assert missed == 0
