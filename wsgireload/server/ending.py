"""The end of a process that is replaced: what delays it."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from wsgireload.log import escaped
from wsgireload.report import Awaited
from wsgireload.server import process
from wsgireload.server.running import NAMED, Requests

UNKNOWN = "a function of atexit, or another application of this process"
EXECUTORS = (  # the modules that know the threads of executors, and where; daemonic ones are joined
    ("concurrent.futures.thread", "_threads_queues"),
    ("concurrent.futures.process", "_threads_wakeups"),
)


def watch(
    requests: Requests,
    report: Callable[[tuple[Awaited, ...]], None],
    start: Callable[[Callable[[], None]], object],
) -> None:
    """Have `report` called with what delays the end of this process; called where that begins.

    In the main interpreter a thread does so after 2 s, which `start` starts. As a rule the process
    ends meanwhile, and the thread with it. No thread may run so long in a sub-interpreter: mod_wsgi
    frees it under the thread. There it is reported at once what is to be expected.
    """
    ending = threading.get_ident()

    def wait() -> None:
        time.sleep(NAMED)
        report(requests.awaited() or at_exit(ending))

    with contextlib.suppress(Exception):  # such as a RuntimeError: too late for a new thread
        if process.is_main_interpreter():
            start(wait)
        else:
            threads = _named_threads(process.frames_of_threads(), is_over=False)
            if expected := requests.awaited(NAMED) + threads + _named_children():
                report(expected)


def at_exit(ending: int) -> tuple[Awaited, ...]:
    """Return what Python waits for at its end; `ending` is the thread that ends it."""
    frames = process.frames_of_threads()
    return (
        _named_threads(frames, is_over=True)
        or _named_children()
        or (Awaited(escaped(_function(frames.get(ending)))),)
    )


def _named_threads(frames: dict[int, FrameType], *, is_over: bool) -> tuple[Awaited, ...]:
    """Return the threads that Python joins. Once its end has begun, idle executors `is_over`."""
    named = []
    for thread in threading.enumerate():
        if thread in (threading.main_thread(), threading.current_thread()):
            continue
        is_worker = any(
            thread in getattr(sys.modules.get(module), name, ()) for module, name in EXECUTORS
        )
        if is_worker:
            is_joined = is_over or not _is_idle(thread, frames.get(thread.ident or 0))
        else:
            is_joined = not thread.daemon
        if is_joined:
            named.append(Awaited(escaped(f"thread {thread.name!r}")))
    return tuple(named)


def _is_idle(thread: Any, frame: FrameType | None) -> bool:
    """Return whether an executor's thread is without work; if it has no frame, whether all are."""
    if (pending := getattr(thread, "pending_work_items", None)) is not None:  # of processes
        return not pending
    if frame is not None:
        return frame.f_code.co_name == "_worker"
    executor = getattr(thread, "_args", [lambda: None])[0]()  # it may have been dropped
    return executor is None or executor._idle_semaphore._value >= len(executor._threads)


def _named_children() -> tuple[Awaited, ...]:
    """Return the children that multiprocessing joins at exit: it ends the daemonic ones itself."""
    module = sys.modules.get("multiprocessing.process")
    children = set(getattr(module, "_children", ()))
    # Not is_alive(): it reaps the child, for which the ending thread waits already.
    alive = [each for each in children if not each.daemon and each._popen.returncode is None]
    return tuple(Awaited(escaped(f"child process {each.name!r}, pid {each.pid}")) for each in alive)


def _function(frame: FrameType | None) -> str:
    """Name the exit function that a thread runs; `frame` is that of the thread."""
    name = UNKNOWN
    while frame is not None:
        code = frame.f_code
        if code.co_filename != threading.__file__:  # it calls some of them
            name = f"exit function {code.co_qualname}, {code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return name
