"""Threads and locks as the system has them, whatever a library has put in their place.

gevent and eventlet replace Python's threads by greenlets, of which one runs at a time: one that
waits in C stops all others, and with them the site.
"""

from __future__ import annotations

import _thread
from collections.abc import Callable
from importlib.machinery import BuiltinImporter
from types import ModuleType

NEEDED = ("allocate_lock", "get_native_id", "start_new_thread")


def _are_own(module: ModuleType) -> bool:
    return all(getattr(getattr(module, name), "__self__", None) is module for name in NEEDED)


def _original() -> ModuleType:
    """Python's `_thread`; a second one, if functions of the first have been replaced."""
    spec = BuiltinImporter.find_spec("_thread")
    if _are_own(_thread) or spec is None:
        return _thread
    second = BuiltinImporter.create_module(spec)
    if second is None:
        return _thread
    BuiltinImporter.exec_module(second)
    return second


_threads = _original()
allocate_lock, get_native_id, _start = (getattr(_threads, name) for name in NEEDED)
are_real = _are_own(_threads)  # whether this module keeps its promise


def sleep(seconds: float) -> None:
    """Let the other threads run for so long; time.sleep() may let other greenlets run."""
    lock = allocate_lock()
    lock.acquire()
    lock.acquire(True, seconds)


class Thread:
    """A thread that begins at once, and that `threading` does not know. No process waits for it."""

    def __init__(self, run: Callable[[], None]) -> None:
        self._running = allocate_lock()
        self._running.acquire()
        _start(self._run, (run,))

    def join(self, timeout: float) -> None:
        """Return when it has ended, or after so many seconds."""
        if self._running.acquire(True, timeout):
            self._running.release()

    def _run(self, run: Callable[[], None]) -> None:
        try:
            run()
        finally:
            self._running.release()
