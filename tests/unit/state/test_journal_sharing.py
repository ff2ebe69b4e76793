"""The journal where several processes use it at once, or one is killed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.journals import ENTRY, LATER, World, record
from support.openfiles import open_files

from wsgireload.state import private_dir as module
from wsgireload.state.private_dir import PrivateDir


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A journal's surroundings."""
    return World(tmp_path / "state")


WRITER = """
import sys
from wsgireload.state import private_dir as module
from wsgireload.state.journal import Entry, Journal
from wsgireload.state.private_dir import Candidates

module.PATIENCE = 30.0  # on a busy machine the other one may have the lock for long
folders = Candidates([sys.argv[1]], sys.stderr.write)
journal = Journal(folders, "site", lambda: 110.0)
print("ready", flush=True)
sys.stdin.readline()
pid = int(sys.argv[2])
made = [Entry(100 + at / 1000, pid, "r" * 500, "f") for at in range(200)]
print(len([True for each in made if journal.record(lambda _past: each)]))
"""


def test_two_processes_append_at_once(world: World) -> None:
    """None of the records of two processes is lost: the newest 200 of all are there."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, world.folder, pid],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for pid in ("1", "2")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    assert [writer.communicate() for writer in writers] == [("200\n", "")] * 2
    entries = world.journal().entries() or []
    assert {(entry.at, entry.pid) for entry in entries} == {
        (100 + at / 1000, pid) for at in range(100, 200) for pid in (1, 2)
    }
    assert world.troubles == []


def test_another_process_is_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record waits until another process has unlocked the file."""
    journal = world.journal()
    record(journal, ENTRY)
    other = PrivateDir(str(world.folder)).open_file("journal.lock")
    assert other.lock()
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        other.close()

    monkeypatch.setattr(module, "sleep", pause)
    assert record(journal, LATER)
    assert len(pauses) == 1
    assert journal.entries() == [ENTRY, LATER]


def test_a_process_that_keeps_it_locked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that is never released costs a moment, is reported, and makes no journal."""
    journal = world.journal()
    record(journal, ENTRY)
    folder = PrivateDir(str(world.folder))
    other = folder.open_file("journal.lock")
    assert other.lock()
    before = open_files()
    monkeypatch.setattr(module, "PATIENCE", -1.0)
    assert not record(journal, LATER)
    assert journal.entries() is None
    assert journal.claim() is None
    journal.withdraw(ENTRY)
    assert set(world.troubles) == {
        "could not use the journal: another process keeps it locked",
    }
    assert open_files() == before
    other.close()
    folder.close()
    assert journal.entries() == [ENTRY]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
def test_a_forked_child_does_not_keep_it_locked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that the application forks in the midst of a record may live for long."""
    monkeypatch.setattr(module, "PATIENCE", -1.0)
    journal = world.journal()
    reading, writing = os.pipe()

    def fork(_folder: PrivateDir) -> int:
        if (pid := os.fork()) == 0:
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
        return pid

    pid = journal._attempt(fork)
    assert pid is not None
    assert record(journal, ENTRY)
    os.close(writing)
    os.waitpid(pid, 0)
    os.close(reading)
