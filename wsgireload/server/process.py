"""This process and others: when one started, what tells it from others, who made this one."""

from __future__ import annotations

import _thread
import contextlib
import os
import sys
from types import FrameType

from wsgireload.server import detection, native
from wsgireload.threads import time

WINDOWS = os.name == "nt"


def started(pid: int | str = "self") -> float | None:
    """When a process started (wall clock, seconds); None if the system does not reveal it."""
    try:
        since_boot = _start_ticks(pid) / os.sysconf("SC_CLK_TCK")
        return time.time() - (time.clock_gettime(time.CLOCK_BOOTTIME) - since_boot)
    except (OSError, ValueError, IndexError, AttributeError):
        return None


def identity(pid: int) -> str:
    """A process by more than its pid, which others had before or get later.

    In a container, for example, each Apache has pid 1. Only the pid, if the system reveals no more.
    """
    if WINDOWS:
        return f"{pid} {start}" if (start := native.process_start(pid)) > 1 else f"{pid}"
    try:
        ticks = _start_ticks(pid)
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            return f"{pid} {ticks} {file.read().decode('ascii').strip()}"
    except (OSError, ValueError, IndexError):
        return f"{pid}"


def is_forked() -> bool:
    """Whether the application forked this process: Apache's parent is not its parent. Linux only.

    Then this one, its parent and Apache have the same command line, or the first two that which the
    option `display-name` has given them. False for a name that was chosen freely.
    """
    try:
        parent = _parent_of("self")
        own, line = proc("self", "cmdline"), proc(parent, "cmdline")
        above = own if own.startswith(b"(wsgi:") else proc(_parent_of(parent), "cmdline")
        return own == line == above
    except (OSError, ValueError, IndexError):
        return False


def is_main_interpreter() -> bool:
    """Return whether this is the main interpreter of its process; False where that is unknown."""
    if (answer := getattr(_thread, "_is_main_interpreter", None)) is not None:
        return bool(answer())
    with contextlib.suppress(ImportError):  # before 3.12
        import _xxsubinterpreters as interpreters  # type: ignore[import-not-found]

        return bool(interpreters.get_current() == interpreters.get_main())
    return False


def frames_of_threads() -> dict[int, FrameType]:
    """Return the frame of each thread. Empty where another interpreter may have its own GIL:

    then its frames, which Python would return as well, may not be read.
    """
    version = getattr(detection.mod_wsgi(), "version", ())
    if sys.version_info >= (3, 12) and version >= (6,):
        return {}
    return sys._current_frames()


def proc(pid: int | str, name: str) -> bytes:
    """The content of /proc/<pid>/<name>; OSError where there is none. See proc(5)."""
    if WINDOWS:  # wine shows the /proc of Linux, where other processes have these pids
        raise FileNotFoundError("Windows has no /proc")
    with open(f"/proc/{pid}/{name}", "rb") as file:
        return file.read()


def _stat_fields(pid: int | str) -> list[bytes]:
    """The fields of /proc/<pid>/stat from the third on, the state; OSError as `proc`."""
    return proc(pid, "stat").rpartition(b")")[2].split()  # the second may have any character in it


def _parent_of(pid: int | str) -> int:
    """Field 4 of /proc/<pid>/stat. OSError on Windows, where os.getppid() needs what wine lacks."""
    return int(_stat_fields(pid)[1])


def _start_ticks(pid: int | str) -> int:
    """Field 22 of /proc/<pid>/stat: when it started, in clock ticks since boot. See proc(5)."""
    state, *rest = _stat_fields(pid)
    if state in b"ZX":  # it has ended, and its exit code waits for its parent
        raise ProcessLookupError
    return int(rest[18])
