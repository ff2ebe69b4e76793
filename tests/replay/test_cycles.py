"""What starting and stopping leaves behind: nothing."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

import pytest
from support.waiting import wait_for

CYCLES = 200  # the core's own tests do a thousand


def held() -> tuple[int, int]:
    """The file descriptors and the threads of this process, of C's as well."""
    return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))  # noqa: PTH208


def test_nothing_is_left(app: Any, caplog: pytest.LogCaptureFixture) -> None:
    """No file descriptor and no thread, whether or not a monitor got to its first look."""
    caplog.set_level("INFO", "wsgireload")
    for name in ("a.html", "b/c.html"):
        path = Path(app.root, name)
        path.parent.mkdir(exist_ok=True)
        path.touch()
    gc.collect()
    before = held()
    for cycle in range(CYCLES):
        monitor = app.begin(wait=cycle % 10 == 0)
        if cycle % 10 == 0:
            assert held() > before  # or the test would not see what is left
        app.end()
        assert not monitor.active
    assert "polled" not in caplog.text  # a process has but so many watchers
    # Python's join is over a moment before the system's thread is.
    wait_for(lambda: held() == before)
