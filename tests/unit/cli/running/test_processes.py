"""What the command knows of other processes."""

from __future__ import annotations

import os

import pytest

from wsgireload.cli.running import processes
from wsgireload.server import process


def test_this_process() -> None:
    """/proc tells its owner, its parent, its words and what it has loaded."""
    pid = os.getpid()
    assert (processes.owner(pid), processes.parent(pid)) == (os.geteuid(), os.getppid())
    assert "python" in processes.command_line(pid)
    assert processes.environment(pid)
    assert processes.has_loaded(pid, "_native.so") is not None


def test_windows_has_no_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wine shows that of Linux, where any process may have the pid of one of Windows'.

    A monitor counted as another user's, and none was found.
    """
    monkeypatch.setattr(process, "WINDOWS", True)
    pid = os.getpid()
    assert processes.owner(pid) is None
    assert processes.parent(pid) is None
    assert processes.environment(pid) == {}
    assert processes.has_loaded(pid, "_native.so") is None
