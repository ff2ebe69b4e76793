"""Functions of ours that others call: at the end of the interpreter, after a fork, at a signal."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
from collections.abc import Callable
from types import ModuleType


def at_end(stop: Callable[[], None], mod_wsgi: ModuleType | None) -> None:
    """Have `stop` called before Python waits for threads at exit; it may be called several times.

    There are three hooks, and the first to run is soon enough: that of mod_wsgi 4.8 and later, when
    Apache ends the process; that of `threading`, before it joins its threads; and atexit, later.
    """

    def end(*_event: object, **_details: object) -> None:
        # Apache may repeat its SIGTERM, for which mod_wsgi has a service script exit once more.
        with contextlib.suppress(SystemExit):
            stop()
        _release_foreign_main_thread()

    subscribe_shutdown = getattr(mod_wsgi, "subscribe_shutdown", None)
    before_joining = getattr(threading, "_register_atexit", None)
    for hook in (subscribe_shutdown, before_joining, atexit.register):
        if callable(hook):
            with contextlib.suppress(Exception):  # one of the three is enough
                hook(end)


def after_fork(forget: Callable[[], None]) -> None:
    """Have `forget` called in every child that this process forks."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=forget)


def at_signal(scan: Callable[[], None], mod_wsgi: ModuleType | None) -> None:
    """Have `scan` called at each SIGUSR2 to a daemon process, in a thread of mod_wsgi's.

    mod_wsgi 6 passes that one on. An older one passes none: there SIGUSR2 ends the process.
    """

    def notice(_event: object, signame: str = "", **_details: object) -> None:
        if signame == "SIGUSR2":
            scan()

    hook = getattr(mod_wsgi, "subscribe_signals", None)
    is_daemon = bool(getattr(mod_wsgi, "process_group", None))  # elsewhere mod_wsgi logs a warning
    if callable(hook) and is_daemon:
        with contextlib.suppress(Exception):
            hook(notice)


def _release_foreign_main_thread() -> None:
    """Do not let the process wait for a thread that never ends.

    Before 3.13 `threading` takes for the main thread whichever thread imported it, in mod_wsgi's
    sub-interpreters one that serves requests. If another thread ends the interpreter, Python does
    not wait for that one itself (bpo-1596321), but leaves its lock on the list of those to wait
    for: the process hangs until mod_wsgi's `shutdown-timeout` (its issues 923 and 925).
    """
    main, locks = threading.main_thread(), getattr(threading, "_shutdown_locks", None)
    lock = getattr(main, "_tstate_lock", None)
    if isinstance(locks, set) and lock is not None and main.ident != threading.get_ident():
        locks.discard(lock)
