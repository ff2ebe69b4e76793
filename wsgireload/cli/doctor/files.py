"""How changes are noticed: events or polling in each folder, and the system's limits."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from wsgireload.cli import processes
from wsgireload.cli.doctor.finding import Finding, ok, warn
from wsgireload.errors import NativeError
from wsgireload.watch.events import Events

LIMITS = "/proc/sys/fs/inotify"
POLLED = "each look costs a little more; start(interval=) says how often"


def folders(paths: Iterable[str]) -> list[Finding]:
    """One finding for each folder: as a monitor would listen to it."""
    why: list[str] = []
    try:
        events = Events(trust=False, trouble=why.append)
    except NativeError as error:
        return [warn("events", f"everything is polled: {error}", _more(error) or POLLED)]
    found = []
    try:
        for folder in dict.fromkeys(paths):
            told = len(why)
            if events.listen(os.path.join(folder, "__init__.py")):
                found.append(ok("events", f"{folder}: changes are told at once"))
            else:
                reason = (why[told:] or why or ["it cannot be listened to"])[-1].rpartition(": ")[2]
                found.append(warn("events", f"{folder} is polled: {reason}", POLLED))
    finally:
        events.end()
    return found


def limits(user: int | None) -> Iterator[Finding]:
    """Linux alone: what inotify lets one user have, and what is taken."""
    most = {name: _limit(name) for name in ("max_user_instances", "max_user_watches")}
    if None in most.values():
        return
    used = _used(os.getuid() if user is None else user)
    shares = ((used[0], most["max_user_instances"]), (used[1], most["max_user_watches"]))
    text = "{} of {} instances and {} of {} watches taken".format(
        *(n for pair in shares for n in pair)
    )
    full = [
        name for name, (taken, limit) in zip(most, shares, strict=True) if taken >= (limit or 0)
    ]
    if full:
        yield warn("inotify", f"{text}: a monitor will poll", _raise(full[0], most[full[0]] or 0))
    else:
        yield ok("inotify", text)


def _more(error: NativeError) -> str:
    """A cure for a system that has no more of them to give."""
    limits = {"inotify_init1": "max_user_instances", "inotify_add_watch": "max_user_watches"}
    name = limits.get(error.call, "")
    limit = _limit(name) if name else None
    return _raise(name, limit) if limit is not None else ""


def _raise(name: str, now: int) -> str:
    return f"sysctl fs.inotify.{name}={max(now * 4, 512)}, and in /etc/sysctl.d for good"


def _limit(name: str) -> int | None:
    try:
        with open(os.path.join(LIMITS, name), encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def _used(user: int) -> tuple[int, int]:
    """Instances and watches of a user's processes, as far as we may look into those."""
    instances = watches = 0
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        if processes.owner(int(pid)) != user:
            continue
        try:
            for name in os.listdir(f"/proc/{pid}/fd"):
                if os.readlink(f"/proc/{pid}/fd/{name}") == "anon_inode:inotify":
                    instances += 1
                    with open(f"/proc/{pid}/fdinfo/{name}", encoding="ascii") as file:
                        watches += sum(line.startswith("inotify wd:") for line in file)
        except OSError:  # it ended as we looked, or is not ours to look into
            continue
    return instances, watches
