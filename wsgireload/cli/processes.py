"""Is a process alive, whose is it, and how was it started?"""

from __future__ import annotations

import os

from wsgireload.cli import programs
from wsgireload.detect.baseline import process_started

WINDOWS = os.name == "nt"
QUERY = 0x1000  # PROCESS_QUERY_LIMITED_INFORMATION
STILL_ACTIVE = 259
SLACK = 2.0  # seconds by which the clocks of a file and of a process may differ


def is_alive(pid: int, since: float) -> bool:
    """Whether a process is there that was there at `since` (seconds since 1970)."""
    if WINDOWS:
        return _alive_on_windows(pid)
    if (began := process_started(pid)) is not None:
        return began < since + SLACK  # else its number was given to another one
    if os.path.exists("/proc/self/stat"):
        return False
    try:
        os.getpgid(pid)
    except ProcessLookupError:
        return False
    return True


def owner(pid: int) -> int | None:
    """The user's number; None where the system does not tell.

    Not that of /proc/<pid>, which is root's for whoever has changed from root to another user.
    """
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            told = dict(line.split(":", 1) for line in file if ":" in line)
        return int(told["Uid"].split()[0])
    except (OSError, KeyError, ValueError):
        return None


def command_line(pid: int) -> str:
    """The program and its arguments; "" where the system does not tell."""
    if not WINDOWS:
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                return os.fsdecode(file.read().replace(b"\0", b" ")).strip()
        except OSError:
            return ""
    asked = f"(Get-CimInstance Win32_Process -Filter 'ProcessId={pid}').CommandLine"
    return programs.run(["powershell", "-NoProfile", "-Command", asked])[1].strip()


def _alive_on_windows(pid: int) -> bool:
    import ctypes

    kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined]
    kernel32.OpenProcess.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(kernel32.OpenProcess(QUERY, False, pid))
    if handle.value is None:
        return bool(ctypes.get_last_error() == 5)  # type: ignore[attr-defined]  # not ours: alive
    code = ctypes.c_ulong()
    kernel32.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel32.CloseHandle(handle)
    return code.value == STILL_ACTIVE
