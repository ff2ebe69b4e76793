"""Other processes: whether they are alive, their owner, command line and libraries."""

from __future__ import annotations

import os
from collections.abc import Iterator

from wsgireload.cli import programs
from wsgireload.server import native, process
from wsgireload.server.process import proc

WINDOWS = os.name == "nt"
TOLERANCE = 2.0  # seconds by which the clocks of a file and of a process may differ


def is_alive(pid: int, since: float, identity: str = "") -> bool:
    """Return whether a process runs that ran at `since` (seconds since 1970), or has an identity.

    The clock may have been set since then, so `identity` decides where it is more than the pid.
    """
    now = process.identity(pid)
    if " " in identity and " " in now:
        return now == identity
    if WINDOWS:
        return native.process_start(pid) != 0
    if (began := process.started(pid)) is not None:
        return began < since + TOLERANCE  # a later process has only the same pid
    if os.path.exists("/proc/self/stat"):
        return False
    try:
        os.getpgid(pid)
    except (ProcessLookupError, OverflowError):
        return False
    return True


def owner(pid: int) -> int | None:
    """Return the uid of a process; None if the system does not reveal it.

    The owner of /proc/<pid> is not enough: it is root for a process that has given up root.
    """
    return _number(pid, "Uid")


def parent(pid: int) -> int | None:
    """Return the pid of the parent of a process; None if the system does not reveal it."""
    if os.path.exists("/proc/self/status"):
        return _number(pid, "PPid")
    code, out, _ = programs.run(["ps", "-o", "ppid=", "-p", str(pid)])
    return int(out) if code == 0 and out.strip().isdecimal() else None


def _number(pid: int, field: str) -> int | None:
    """Return the first number of a field of /proc/<pid>/status."""
    try:
        lines = proc(pid, "status").splitlines()
        fields = dict(line.split(b":", 1) for line in lines if b":" in line)
        return int(fields[field.encode()].split()[0])
    except (OSError, KeyError, ValueError, IndexError):
        return None


def trusted() -> Iterator[list[str]]:
    """Return the words of each command line of root's processes and ours; none without /proc.

    What another user has started may have any name and any arguments.
    """
    has_proc = not WINDOWS and os.path.isdir("/proc")
    pids = filter(str.isdecimal, os.listdir("/proc") if has_proc else ())
    for pid in map(int, pids):
        if (found := _texts(pid, "cmdline")) and owner(pid) in (0, os.geteuid()):
            yield found


def command_line(pid: int) -> str:
    """Return the program and its arguments; "" if the system does not reveal them."""
    if not WINDOWS:
        return " ".join(_texts(pid, "cmdline")).strip()
    script = f"(Get-CimInstance Win32_Process -Filter 'ProcessId={pid}').CommandLine"
    return programs.run(["powershell", "-NoProfile", "-Command", script])[1].strip()


def has_loaded(pid: int, name: str) -> bool | None:
    """Return whether a process has loaded this library; None if the system does not reveal it."""
    try:
        return f"/{name}".encode() in proc(pid, "maps")
    except OSError:  # another user's process
        return None


def environment(pid: int) -> dict[str, str]:
    """Return the variables with which a process began; {} if the system does not reveal them."""
    pairs = (each.partition("=") for each in _texts(pid, "environ"))
    return {name: value for name, _, value in pairs if name}


def _texts(pid: int, name: str) -> list[str]:
    """Return the texts in a file of /proc/<pid>; [] if the system does not reveal them."""
    try:
        return os.fsdecode(proc(pid, name)).removesuffix("\0").split("\0")
    except OSError:
        return []
