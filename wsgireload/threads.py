"""Threads and locks as the system has them, whatever a library has put in their place.

gevent and eventlet replace Python's threads by greenlets, of which one runs at a time: one that
waits in C stops all others, and with them the site.
"""

from __future__ import annotations

import _thread
import threading
import time
from collections.abc import Callable
from importlib.machinery import BuiltinImporter
from types import ModuleType

LEAVES = 0.01  # seconds in which a thread ends that has nothing more to do
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


def start(run: Callable[[], None], *, daemon: bool = True) -> threading.Thread:
    """Start a thread; an interpreter with a GIL of its own forbids daemon threads."""
    try:
        thread = threading.Thread(target=run, name="wsgireload", daemon=daemon)
        thread.start()
    except RuntimeError:
        if not daemon:
            raise
        return start(run, daemon=False)
    return thread


class RealThread:
    """A thread of the system, which begins at once. RuntimeError where none can be started.

    `threading` knows it, unless a library has that start greenlets.
    """

    def __init__(self, run: Callable[[], None]) -> None:
        if not are_real:
            raise RuntimeError("a library has replaced Python's threads")
        self._run = run
        self._starter, self._runner = get_native_id(), 0
        self._is_known = True
        self._ended = allocate_lock()
        self._ended.acquire()
        self._thread = start(self._begin)

    @property
    def is_current(self) -> bool:
        """Whether the caller runs in it."""
        return bool(get_native_id() == self._runner)

    def join(self, timeout: float) -> None:
        """Return when it has ended, or after so many seconds; at once in the thread itself."""
        end = time.monotonic() + timeout
        if self.is_current or not self._ended.acquire(True, timeout):
            return
        self._ended.release()
        # Its interpreter must not be freed before the thread has left it.
        if self._is_known:
            self._thread.join(max(0.0, end - time.monotonic()))
        else:
            sleep(LEAVES)

    def _begin(self) -> None:
        if get_native_id() == self._starter:  # a greenlet in place of a thread
            self._is_known = False
            _start(self._work, ())
            return
        known = threading.current_thread()
        self._work()
        # `threading` unregisters this thread. A library may have given it another id meanwhile.
        registered = getattr(threading, "_active", None)
        if isinstance(registered, dict):
            registered.setdefault(threading.get_ident(), known)

    def _work(self) -> None:
        self._runner = get_native_id()
        try:
            self._run()
        finally:
            self._ended.release()
