"""Threads, locks and clocks as the system has them, whatever a library has put in their place.

gevent and eventlet replace Python's threads by greenlets, of which one runs at a time: one that
waits in C stops all others, and with them the site. freezegun stops Python's clocks, and no wait of
ours would ever be over.
"""

from __future__ import annotations

import _thread
import contextlib
import threading
import time as time  # noqa: PLC0414 - all others import it from here
from collections.abc import Callable
from importlib.machinery import BuiltinImporter
from types import ModuleType
from typing import TYPE_CHECKING

LEAVES = 0.01  # seconds in which a thread ends that has nothing more to do
MOST = 100  # calls that wait for one that blocks; later ones are dropped
SLOW = 1.0  # seconds that a call may take before it is no longer waited for
NEEDED = ("allocate_lock", "get_native_id", "start_new_thread")


def _are_own(module: ModuleType) -> bool:
    return all(getattr(getattr(module, name), "__self__", None) is module for name in NEEDED)


def _original() -> ModuleType:
    """Python's `_thread`; a second one, if functions of the first have been replaced."""
    return _thread if _are_own(_thread) else _second("_thread") or _thread


def _second(name: str) -> ModuleType | None:
    """A built-in module once more, with functions of its own; None where there is none."""
    spec = BuiltinImporter.find_spec(name)
    second = None if spec is None else BuiltinImporter.create_module(spec)
    if second is not None:
        BuiltinImporter.exec_module(second)
    return second


if not TYPE_CHECKING:
    time = _second("time") or time

_threads = _original()
allocate_lock, get_native_id, _start = (getattr(_threads, name) for name in NEEDED)
are_real = _are_own(_threads)  # whether this module keeps its promise


def sleep(seconds: float) -> None:
    """Let the other threads run for so long; time.sleep() may let other greenlets run."""
    lock = allocate_lock()
    lock.acquire()
    lock.acquire(True, seconds)


class RealThread:
    """A thread of the system, which begins at once. RuntimeError where none can be started.

    `threading` knows it, unless a library has that start greenlets.
    """

    def __init__(self, run: Callable[[], None], name: str = "wsgireload") -> None:
        if not are_real:
            raise RuntimeError("a library has replaced Python's threads")
        self._run = run
        self._starter, self._runner = get_native_id(), 0
        self._is_known = True
        self._ended = allocate_lock()
        self._ended.acquire()
        # A function of a debugger would be called at each line, and in mod_wsgi 6 with some Python
        # 3.11 the thread would never get further than to that.
        is_traced = threading.gettrace() or threading.getprofile()
        if _are_own(_thread) and not is_traced:
            self._thread = self._start_known(name)
        else:  # a hub of greenlets in the caller's thread would hang where that starts a program
            self._is_known = False
            _start(self._work, ())

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

    def _start_known(self, name: str) -> threading.Thread:
        """Start a thread of `threading`; an interpreter with its own GIL forbids daemon threads."""
        try:
            thread = threading.Thread(target=self._begin, name=name, daemon=True)
            thread.start()
        except RuntimeError:
            thread = threading.Thread(target=self._begin, name=name, daemon=False)
            thread.start()
        return thread

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


class Beside:
    """Makes calls of the user's code: one at a time and in order, in a thread beside the caller's.

    The thread lives while there are calls. Nothing can end a function that blocks, so a thread that
    has other things to do must not be in it.
    """

    def __init__(
        self,
        start: Callable[[Callable[[], None]], RealThread],
        on_slow: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        """`start` starts a thread, or raises RuntimeError; then calls are made by the caller.

        `on_slow` is called where `deliver` has waited in vain for so many seconds.
        """
        self._start = start
        self._on_slow = on_slow
        self._calls: list[Callable[[], object]] = []
        self._thread: RealThread | None = None
        self._changing = allocate_lock()  # held for an assignment
        self._runner = 0
        self.is_busy = self._is_stuck = False

    def call(self, function: Callable[[], object]) -> None:
        """Have a function called soon. What it raises is ignored."""
        with self._changing:
            self._calls += [function][: MOST - len(self._calls)]
            starts, self.is_busy = not self.is_busy, True
        if starts:
            try:
                self._thread = self._start(self._run)
            except RuntimeError:  # no thread here, or none any more
                self._thread = None
                self._run()

    def deliver(self, function: Callable[[], object]) -> bool:
        """Have it called and wait a little; False if it has not returned by then.

        There is no wait behind a function that blocks. A function that calls this is not waited
        for either: its own call is made at once, and may raise.
        """
        if self.is_busy and self._runner == get_native_id():
            function()
            return True
        done = allocate_lock()
        done.acquire()

        def run() -> None:
            try:
                function()
            finally:
                done.release()

        waits = not self._is_stuck
        self.call(run)
        if not done.acquire(waits, SLOW if waits else -1):
            if waits:
                with self._changing:
                    self._is_stuck = self.is_busy
                self._on_slow(SLOW)
            return False
        if not self._calls:
            self.join(LEAVES)  # as a rule no thread of ours is left
        return True

    def join(self, timeout: float) -> None:
        """Return when all calls were made and the thread has ended, or after so many seconds."""
        if (thread := self._thread) is not None:
            thread.join(timeout)

    def _run(self) -> None:
        self._runner = get_native_id()
        while function := self._next():
            with contextlib.suppress(BaseException):  # SystemExit as well: it would end the thread
                function()

    def _next(self) -> Callable[[], object] | None:
        with self._changing:
            self.is_busy = bool(self._calls)
            self._is_stuck = self._is_stuck and self.is_busy
            return self._calls.pop(0) if self._calls else None
