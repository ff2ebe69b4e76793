"""The one monitor of this interpreter, and the functions that people call."""

from __future__ import annotations

import os
import threading

from wsgireload import settings
from wsgireload.monitor import Monitor
from wsgireload.report import Status
from wsgireload.server import detection as servers
from wsgireload.server import exit as ending
from wsgireload.settings import Settings

TYPE_CHECKING = False  # as typing has it, without importing typing, which is large
if TYPE_CHECKING:
    from typing import Unpack

    from wsgireload.settings import Asked


class _Interpreter:
    """What this interpreter has: one monitor at most."""

    def __init__(self) -> None:
        self.changing = threading.Lock()  # held for an assignment, never across a call out
        self.monitor: Monitor | None = None
        self.asked: Monitor | None = None  # by requests, which come to a process that ends as well
        self.tracked: list[str] = []  # by track(), before start()
        self.hooked = False
        self.forked = False


_here = _Interpreter()


def start(**asked: Unpack[Asked]) -> Monitor:
    """Begin to watch this application's code, and restart its process when that changes.

    A second call in the same interpreter returns the first monitor and adds what it tracks.
    SettingsError for a setting that makes no sense. Surroundings that make no sense never raise:
    they make a monitor that is inactive and says why.
    """
    chosen = Settings.of(**asked)
    new = _made(chosen) if _here.monitor is None else None
    with _here.changing:
        _here.monitor = monitor = _here.monitor or new or _made(chosen)
    if monitor is new:
        _here.asked = monitor
        _end_in_time(monitor)
        if _here.tracked:  # before the first look, which is what later ones are compared with
            monitor.track(*_here.tracked)
        monitor.start()
    elif chosen.track:
        monitor.track(*chosen.track)
    return monitor


def track(*paths: str | os.PathLike[str]) -> None:
    """Watch more files, folders or globs; before `start()` they are kept for it.

    What does not exist yet is watched for its appearance. A relative path starts from the current
    folder, which under Apache is seldom the application's.
    """
    more = settings.paths("track", paths)
    if _here.monitor is None:
        _here.tracked.extend(more)
    else:
        _here.monitor.track(*more)


def restart(reason: str = "no reason given") -> bool:
    """Restart now, by hand: the same guards hold it. False where no monitor may restart."""
    return _here.monitor is not None and _here.monitor.restart(reason)


def reload_required(filename: str) -> bool:
    """For the WSGI script's own `reload_required`, which mod_wsgi calls before each request.

    True in a daemon process whose code has changed, if nothing holds its restart: then mod_wsgi
    replaces the process, and has the next one answer this request.
    """
    del filename
    return _here.asked is not None and _here.asked.reload_required()


def status() -> Status:
    """What the monitor of this interpreter knows of itself now."""
    if _here.monitor is None:
        return Status(False, "wsgireload.start() has not been called", "none", os.getpid(), "")
    return _here.monitor.status()


def stop(timeout: float = 5.0) -> None:
    """End the monitor of this interpreter; `start()` may be called again afterwards."""
    _here.asked = None
    if (monitor := _taken()) is not None:
        monitor.stop(timeout)


def _leave() -> None:
    if (monitor := _taken()) is not None:
        monitor.leave(timeout=1.0)


def _taken() -> Monitor | None:
    with _here.changing:
        monitor, _here.monitor = _here.monitor, None
    return monitor


def _made(chosen: Settings) -> Monitor:
    """A monitor for where we are; whatever is wrong here makes it an inactive one."""
    found, refusal = servers.Server("none", None), chosen.off
    if refusal is None:
        try:
            found = servers.detect(chosen.server)
            refusal = found.refusal
            if refusal is None and _here.forked and chosen.server is None:
                refusal = "the application forked this process: Apache would not replace it"
            return Monitor(chosen, found, refusal)
        except Exception as error:  # nothing around us may take the site down
            refusal = f"starting failed: {type(error).__name__}: {error}"
    return Monitor(chosen, found, refusal)


def _end_in_time(monitor: Monitor) -> None:
    if monitor.active and not _here.hooked:
        _here.hooked = True
        ending.subscribe(_leave, servers.mod_wsgi())
        ending.after_fork(_in_forked_child)


def _in_forked_child() -> None:
    """A forked child has neither the thread nor any lock that was held while it was made."""
    _here.changing, _here.forked = threading.Lock(), True
    if _here.monitor is not None:
        _here.monitor.forget()
        _here.monitor = _here.asked = None
