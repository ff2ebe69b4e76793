"""The one monitor of this interpreter, and the functions that people call."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Never

from wsgireload import settings
from wsgireload.log import Event
from wsgireload.monitor import Monitor
from wsgireload.report import Status
from wsgireload.server import callbacks, detection, process
from wsgireload.settings import Path, Paths, Settings
from wsgireload.threads import allocate_lock


class _Interpreter:
    """The state of this interpreter: one monitor at most."""

    def __init__(self) -> None:
        self.changing = allocate_lock()  # held for an assignment, never across a call out
        self.monitor: Monitor | None = None
        self.for_requests: Monitor | None = None  # stays while the process ends
        self.tracked: list[str] = []  # by track(), before start()
        self.is_hooked = False
        self.is_forked = False


_here = _Interpreter()


def start(
    *,
    track: Paths = (),
    ignore: Paths = (),
    interval: float = 1.0,
    settle: float = 0.05,
    watch: str = "auto",
    compare: str = "bytes",
    when: str = "auto",
    patience: float = 5.0,
    rolling: bool | str | Iterable[str] = False,
    preflight: Iterable[str] | str | None = None,
    trigger: Path | None = None,
    budget: tuple[int, float] = (10, 60.0),
    check_config: bool = True,
    linger: float = 30.0,
    enabled: bool | None = None,
    server: str | None = None,
    on_event: Callable[[Event], object] | None = None,
    **unknown: Never,
) -> Monitor:
    """Watch this application's code, and restart its process when the code changes.

    A second call in the same interpreter returns the first monitor and adds what it tracks; its
    other settings have no effect, as a log line reports. The settings are described in
    docs/settings.md; SettingsError for one that makes no sense. An unsuitable environment
    never raises: the monitor is then inactive, and its `reason` says why.
    """
    arguments = locals()
    return _start(Settings.of(**arguments.pop("unknown"), **arguments))


def _start(chosen: Settings) -> Monitor:
    new = _monitor(chosen) if _here.monitor is None else None
    with _here.changing:
        _here.monitor = monitor = _here.monitor or new or _monitor(chosen)
    if monitor is new:
        _here.for_requests = monitor
        _subscribe(monitor)
        if _here.tracked:  # before the first scan, which is the baseline of later ones
            monitor.track(*_here.tracked)
        monitor.start()
    else:
        monitor.start_again(chosen)
    return monitor


def track(*paths: str | os.PathLike[str]) -> None:
    """Watch more files, folders or globs; also before `start()`.

    A path that does not exist yet is a change once it appears. A relative path starts from the
    current folder, which under Apache is seldom the application's.
    """
    more = settings.checked("track", paths)
    if (monitor := _here.monitor) is None:  # read once, here and below: another thread may stop it
        _here.tracked.extend(more)
    else:
        monitor.track(*more)


def restart(reason: str = "no reason given") -> bool:
    """Request a restart, exempt from budget and timing; False where no monitor may restart."""
    return (monitor := _here.monitor) is not None and monitor.restart(reason)


def reload_required(filename: str) -> bool:
    """For the WSGI script's own `reload_required`, which mod_wsgi calls before each request.

    True in a daemon process whose code has changed, if no gate holds its restart: mod_wsgi then
    replaces the process, and the next one answers this request.
    """
    del filename
    return (monitor := _here.for_requests) is not None and monitor.reload_required()


def streams(
    pieces: Iterable[bytes], *, may_end: Callable[[bytes], bool] = lambda _last: True
) -> Iterable[bytes]:
    """Return the body of a streaming answer so that it ends once this process is to be replaced.

    The client then connects to the next process. No piece is cut or kept back; `close` is called
    and exceptions pass through. `may_end` is called with the last bytes sent (4 at most) and
    returns whether the answer may end after them. Not for an answer with a Content-Length, nor for
    a download: it would be incomplete.
    """
    from wsgireload.streaming import Stream  # monitor/wiring.py has imported it

    return Stream(pieces, _restart_is_due, may_end)


def _restart_is_due() -> bool:
    return (monitor := _here.for_requests) is not None and monitor.is_due()


def status() -> Status:
    """The state of this interpreter's monitor now."""
    if (monitor := _here.monitor) is None:
        return Status(False, "wsgireload.start() has not been called", "none", os.getpid(), "")
    return monitor.status()


def stop(timeout: float = 5.0) -> None:
    """End the monitor of this interpreter; `start()` may be called again afterwards."""
    _here.for_requests = None
    if (monitor := _taken()) is not None:
        monitor.stop(timeout)


def _leave() -> None:
    if (monitor := _taken()) is not None:
        # mod_wsgi frees a sub-interpreter under a thread that still runs in it, and the process
        # crashes. So it is awaited for most of the default shutdown-timeout.
        monitor.leave(timeout=1.0 if process.is_main_interpreter() else 4.0)


def _taken() -> Monitor | None:
    with _here.changing:
        monitor, _here.monitor = _here.monitor, None
    return monitor


def _monitor(chosen: Settings) -> Monitor:
    """A monitor for this process; any failure makes it an inactive one."""
    found, refusal = detection.Server("none", None), chosen.off
    try:
        if refusal is None:
            found = detection.detect(chosen.server)
            refusal = found.refusal
        is_sure = chosen.server is not None or refusal is not None
        if not is_sure and (_here.is_forked or process.is_forked()):
            refusal = "the application forked this process: Apache would not replace it"
        return Monitor(chosen, found, refusal)
    except Exception as error:  # nothing around us may take the site down
        return Monitor(chosen, found, f"starting failed: {type(error).__name__}: {error}")


def _subscribe(monitor: Monitor) -> None:
    if monitor.active and not _here.is_hooked:
        _here.is_hooked = True
        callbacks.at_end(_leave, detection.mod_wsgi())
        callbacks.at_signal(_scan, detection.mod_wsgi())
        callbacks.keep_from_children(detection.mod_wsgi())


def _scan() -> None:
    if (monitor := _here.monitor) is not None:
        monitor.scan()


def _in_forked_child() -> None:
    """A forked child has neither the thread nor any lock that was held while it was made."""
    _here.changing = allocate_lock()
    # Apache's parent may have Python in it, of which its own children are forks.
    _here.is_forked = _here.is_forked or detection.mod_wsgi() is not None
    if _here.monitor is not None:
        _here.monitor.forget()
        _here.monitor = _here.for_requests = None


callbacks.after_fork(_in_forked_child)  # now: the child may be the first to call start()
