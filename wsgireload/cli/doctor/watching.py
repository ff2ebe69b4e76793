"""How changes are noticed: by events or by polling, and the limits of the system."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from wsgireload.cli import files
from wsgireload.cli.doctor.finding import Finding, ok, warn
from wsgireload.cli.running import processes
from wsgireload.errors import NativeError

LIMITS = "/proc/sys/fs/inotify"
INSTANCES, WATCHES = "max_user_instances", "max_user_watches"
EXHAUSTED = {"inotify_init1": INSTANCES, "inotify_add_watch": WATCHES}
POLLING = "changes are noticed later; start(interval=…) sets how often to poll"


def folders(paths: Iterable[str]) -> list[Finding]:
    """Check each folder as a monitor would watch it.

    Not where this user may not look: as whom the site runs may, or else that has its own finding.
    """
    seen = (path for path in paths if os.access(path, os.R_OK) or not os.path.exists(path))
    try:
        paths = (os.path.join(path, "__init__.py") for path in seen)
        reasons = files.reasons_to_poll(paths, trust=False)
    except NativeError as error:
        return [warn("events", f"everything is polled: {error}", _cure(error))]
    return [
        warn("events", f"{folder} is polled: {reason}", POLLING)
        if reason
        else ok("events", f"{folder}: changes are reported at once")
        for folder, reason in reasons.items()
    ]


def limits(uid: int | None) -> Iterator[Finding]:
    """Check on Linux how much of a user's inotify limits is used; None is the current user."""
    instances, watches = _limit(INSTANCES), _limit(WATCHES)
    if instances is None or watches is None:
        return
    used_instances, used_watches = _used(os.getuid() if uid is None else uid)
    text = f"{used_instances} of {instances} instances and {used_watches} of {watches} watches used"
    if used_instances >= instances:
        yield warn("inotify", f"{text}: monitors will poll", _raise(INSTANCES, instances))
    elif used_watches >= watches:
        yield warn("inotify", f"{text}: monitors will poll", _raise(WATCHES, watches))
    else:
        yield ok("inotify", text)


def _cure(error: NativeError) -> str:
    name = EXHAUSTED.get(error.call, "")
    limit = _limit(name) if name else None
    return POLLING if limit is None else _raise(name, limit)


def _raise(name: str, limit: int) -> str:
    setting = f"fs.inotify.{name}={max(limit * 4, 512)}"
    return f"sysctl {setting}; to keep it, add that to a file in /etc/sysctl.d"


def _limit(name: str) -> int | None:
    try:
        with open(os.path.join(LIMITS, name), encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def _used(uid: int) -> tuple[int, int]:
    """Return the inotify instances and watches of a user's processes that we may inspect."""
    instances = watches = 0
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        if processes.owner(int(pid)) != uid:
            continue
        try:
            for name in os.listdir(f"/proc/{pid}/fd"):
                if os.readlink(f"/proc/{pid}/fd/{name}") == "anon_inode:inotify":
                    instances += 1
                    with open(f"/proc/{pid}/fdinfo/{name}", encoding="ascii") as file:
                        watches += sum(line.startswith("inotify wd:") for line in file)
        except OSError:  # the process has ended, or may not be inspected
            continue
    return instances, watches
