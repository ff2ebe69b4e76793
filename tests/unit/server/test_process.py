"""Processes: when they started, what tells them apart, and who forked this one."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from wsgireload.server import native, process


def test_when_this_process_started() -> None:
    """A time in the past, later than the machine's own start."""
    started = process.started()
    assert started is not None
    since_boot = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert time.time() - since_boot - 1 < started < time.time()
    assert process.started() == pytest.approx(started, abs=0.05)


@pytest.mark.parametrize("stat", [b"", b"nonsense", b"1 (a b) R 1"])
def test_an_unknown_start(stat: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the system gives no time, or an invalid one, the start is unknown."""
    (tmp_path / "stat").write_bytes(stat)
    monkeypatch.setattr(process, "open", lambda *_: (tmp_path / "stat").open("rb"), raising=False)
    assert process.started() is None
    monkeypatch.setattr(process, "open", lambda *_: (tmp_path / "none").open("rb"))
    assert process.started() is None
    assert process.identity(7) == "7"


def test_windows_has_no_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows /proc is not read: under wine it is that of Linux, with other pids."""
    monkeypatch.setattr(process, "WINDOWS", True)
    assert process.identity(os.getpid()) == f"{os.getpid()}"


def test_a_process_of_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows the core knows the start; if the system does not reveal it, the pid is all."""
    monkeypatch.setattr(process, "WINDOWS", True)
    monkeypatch.setattr(native, "process_start", lambda pid: 133_000 + pid)
    assert process.identity(7) == "7 133007"
    for start in (0, 1):
        monkeypatch.setattr(native, "process_start", lambda _pid: start)  # noqa: B023
        assert process.identity(7) == "7"


def test_a_process_is_more_than_its_pid() -> None:
    """It is the same for as long as the process lives, and another one for another process."""
    assert process.identity(os.getpid()) == process.identity(os.getpid())
    assert process.identity(os.getpid()).startswith(f"{os.getpid()} ")
    _, start, boot = process.identity(os.getpid()).split()
    _, start_of_parent, same_boot = process.identity(os.getppid()).split()
    assert int(start) >= int(start_of_parent)
    assert boot == same_boot
    assert len(boot) == 36


HTTPD = b"/usr/sbin/apache2\0-k\0start\0"


@pytest.mark.parametrize(
    ("own", "parent", "grandparent", "expected"),
    [
        (HTTPD, HTTPD, b"/sbin/init\0", False),
        (HTTPD, HTTPD, None, False),  # the parent is the container's first process
        (b"(wsgi:site)\0", HTTPD, b"/sbin/init\0", False),
        (b"site\0", HTTPD, HTTPD, False),
        (None, HTTPD, HTTPD, False),
        (HTTPD, HTTPD, HTTPD, True),
        (b"(wsgi:site)\0", b"(wsgi:site)\0", HTTPD, True),
    ],
)
def test_a_child_of_a_daemon_process(
    *,
    own: bytes | None,
    parent: bytes | None,
    grandparent: bytes | None,
    expected: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Apache is the grandparent of a child that the application forked."""
    lines = {"self": own, 76: parent, 77: grandparent}

    def proc(pid: int | str, name: str) -> bytes:
        if name == "stat":
            return b"1 (a ) b) S 76 1 1" if pid == "self" else b"76 (a ) b) S 77 1 1"
        line = lines[pid]
        if line is None:
            raise FileNotFoundError
        return line

    monkeypatch.setattr(process, "proc", proc)
    assert process.is_forked() is expected


def test_no_parent_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing forks there; wine aborts a process that calls os.getppid()."""
    monkeypatch.setattr(process, "WINDOWS", True)
    monkeypatch.delattr(os, "getppid")
    assert not process.is_forked()


def test_this_is_the_main_interpreter() -> None:
    """A program's own interpreter is the main one."""
    assert process.is_main_interpreter()
