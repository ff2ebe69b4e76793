"""One answer for a process group."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest
from support.openfiles import open_files

from wsgireload.state.group import LATELY, SharedAnswer
from wsgireload.state.private_dir import Candidates, PrivateDir, PrivateFile

FULL = "each process of the group runs its own check: [Errno 28] No space left on device"


class Group:
    """Processes that share an answer, and the troubles that they reported."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "site.preflight"
        self.troubles: list[str] = []

    def process(self, name: str = "site.preflight") -> SharedAnswer:
        return SharedAnswer(Candidates([str(self.folder)], self.troubles.append), name)


@pytest.fixture
def group(tmp_path: Path) -> Group:
    """A group in a folder of its own."""
    return Group(tmp_path / "state")


def test_one_process_finds_it(group: Group) -> None:
    """While one process finds the answer no other does; then all have it."""
    first, second, third = (group.process() for _ in range(3))
    assert first.take("a change") is True
    assert second.take("a change") is False
    first.publish("passed")
    assert second.take("a change") == "passed"
    assert third.take("a change") == "passed"
    assert first.take("a change") == "passed"
    assert group.troubles == []


def test_an_answer_of_several_lines(group: Group) -> None:
    """An answer is any text; what no encoding knows is replaced."""
    first, second = group.process(), group.process()
    first.take("a change")
    first.publish("ended with 1:\n\nä / b\n")
    assert second.take("a change") == "ended with 1:\n\nä / b\n"
    group.file.write_bytes(b"a change\n\xff!")
    assert second.take("a change") == "\N{REPLACEMENT CHARACTER}!"


def test_another_question(group: Group) -> None:
    """The answer to another question is none."""
    first, second = group.process(), group.process()
    first.take("a change")
    first.publish("passed")
    assert second.take("a change, and one more") is True
    second.publish("failed")
    assert first.take("a change, and one more") == "failed"
    assert first.take("a change") is True


def test_a_process_that_is_killed(group: Group) -> None:
    """The system releases its lock: another process finds the answer."""
    first, second = group.process(), group.process()
    assert first.take("a change") is True
    assert second.take("a change") is False
    first.release()  # as its end does
    assert second.take("a change") is True


def test_a_new_question_of_the_same_process(group: Group) -> None:
    """A new question of the same process does not wait for its own lock."""
    first = group.process()
    assert first.take("a change") is True
    assert first.take("another") is True


def test_an_old_answer(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old answer does not count, nor does one from before the clock was set back."""
    first, second = group.process(), group.process()
    for age in (LATELY, -3600.0):
        first.take("a change")
        first.publish("passed")
        written = group.file.stat().st_mtime
        with monkeypatch.context() as patched:
            patched.setattr("wsgireload.state.private_dir.time.time", lambda now=written + age: now)
            assert second.take("a change") is True
            second.release()
        assert second.take("a change") == "passed"


def test_other_groups(group: Group) -> None:
    """Each group has its own answer, and its own lock."""
    first, other = group.process(), group.process("other.preflight")
    assert first.take("a change") is True
    assert other.take("a change") is True
    first.publish("passed")
    assert other.take("a change") is True


def test_without_publishing(group: Group) -> None:
    """A process that has not taken the question publishes nothing."""
    first, second = group.process(), group.process()
    first.take("a change")
    second.take("a change")
    second.publish("failed")
    assert group.file.read_bytes() == b""
    first.publish("passed")
    first.publish("failed")
    assert second.take("a change") == "passed"


def test_without_a_folder(group: Group, tmp_path: Path) -> None:
    """Where nothing can be shared each process is alone; that is reported."""
    group.folder = tmp_path / "missing/state"
    first, second = group.process(), group.process()
    assert first.take("a change") is True
    assert second.take("a change") is True
    first.publish("passed")
    second.release()
    assert str(group.folder) in group.troubles[0]


@pytest.mark.parametrize("planted", ["a folder", "a pipe", "a link"])
def test_what_is_no_file(group: Group, planted: str) -> None:
    """If the file is no regular file, it is neither read nor followed: each process is alone."""
    group.folder.mkdir(mode=0o700)
    if planted == "a folder":
        group.file.mkdir()
    elif planted == "a pipe":
        os.mkfifo(group.file)
    else:
        group.file.symlink_to("/etc/passwd")
    first, second = group.process(), group.process()
    before = open_files()
    assert first.take("a change") is True
    assert second.take("a change") is True
    first.publish("passed")
    assert "runs its own check" in group.troubles[0]
    assert open_files() == before


@pytest.mark.parametrize("left", [b"", b"\0" * 99, b"a change", b"a change\n", b"a" * 200_000])
def test_damage(group: Group, left: bytes) -> None:
    """Damage answers nothing, and the process that finds the answer replaces it."""
    group.folder.mkdir(mode=0o700)
    group.file.write_bytes(left)
    first = group.process()
    assert first.take("a change") is True
    first.publish("passed")
    assert group.process().take("a change") == "passed"


def test_a_full_disk(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that cannot be published is reported, and the next process finds its own."""
    first, second = group.process(), group.process()
    first.take("a change")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(PrivateFile, "write", full)
    first.publish("passed")
    assert group.troubles == [FULL]
    assert second.take("a change") is True


@pytest.mark.parametrize("failing", ["lock", "read"])
def test_a_disk_that_fails(group: Group, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    """On a disk that fails the process is alone, and leaves no descriptor and no lock."""

    def broken(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    first, second = group.process(), group.process()
    first.take("a change")
    first.publish("passed")
    before = open_files()
    with monkeypatch.context() as patched:
        patched.setattr(PrivateFile, failing, broken)
        assert first.take("a change") is True
        first.release()
    assert open_files() == before
    assert second.take("a change") == "passed"
    assert "Input/output error" in group.troubles[0]


def test_the_waiting_costs_no_descriptors(group: Group) -> None:
    """However often a process waits for the answer, nothing stays open."""
    first, second = group.process(), group.process()
    first.take("a change")
    before = open_files()
    assert not any(second.take("a change") for _ in range(20))
    assert open_files() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
def test_a_forked_child_answers_nothing(group: Group) -> None:
    """A child of the application neither keeps the parent's lock nor releases it."""
    first, second = group.process(), group.process()
    first.take("a change")
    if (pid := os.fork()) == 0:
        first.release()
        os._exit(0)
    os.waitpid(pid, 0)
    assert second.take("a change") is False
    first.publish("passed")
    assert second.take("a change") == "passed"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
def test_a_child_that_lives_on(group: Group) -> None:
    """A child that a C library forked keeps all files open, but no lock after the answer."""
    first, second = group.process(), group.process()
    first.take("a change")
    ended, end = os.pipe()
    if (pid := os.fork()) == 0:
        os.close(end)
        os.read(ended, 1)
        os._exit(0)
    first.publish("passed")
    assert second.take("a change") == "passed"
    assert second.take("another") is True
    os.close(end)
    os.close(ended)
    os.waitpid(pid, 0)


def test_a_lock_that_is_not_permitted(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system permits no lock there is no other process to wait for."""

    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(fcntl, "flock", forbidden)
    assert group.process().take("a change") is True
    assert "Permission denied" in group.troubles[0]


def test_how_old_it_may_be(group: Group) -> None:
    """With lately=0.0 an answer that was found before the question does not count."""
    first, second = group.process(), group.process()
    first.take("a change")
    first.publish("failed")
    assert second.take("a change") == "failed"
    assert second.take("a change", 0.0) is True


def test_only_this_user_reads_it(group: Group) -> None:
    """The answer may quote the output of a command."""
    group.process().take("a change")
    assert group.file.stat().st_mode & 0o777 == 0o600
    PrivateDir(str(group.folder)).close()  # and the folder is this user's alone
