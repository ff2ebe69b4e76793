"""The end of an interpreter: told in time, so that nobody waits for our thread, or for nothing."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from types import ModuleType


def subscribe(stop: Callable[[], None], mod_wsgi: ModuleType | None) -> None:
    """Have `stop` called before Python waits for threads at exit; it may be called several times.

    Three may tell us, the first that does is soon enough: mod_wsgi 4.8 and later when Apache ends
    the process, `threading` before it joins its threads, and atexit, which comes after that.
    """

    def end(*_event: object, **_details: object) -> None:
        stop()
        _let_go_of_foreign_main_thread()

    subscribe_shutdown = getattr(mod_wsgi, "subscribe_shutdown", None)
    before_joining = getattr(threading, "_register_atexit", None)
    for hook in (subscribe_shutdown, before_joining, atexit.register):
        if callable(hook):
            try:
                hook(end)
            except Exception:  # one of the three is enough
                continue


def after_fork(forget: Callable[[], None]) -> None:
    """Have `forget` called in every child that this process forks."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=forget)


def _let_go_of_foreign_main_thread() -> None:
    """Spare the process the wait for a thread that never ends.

    Before 3.13 `threading` takes for the main thread whichever thread imported it, in mod_wsgi's
    sub-interpreters one that serves requests. At the end it leaves that thread's own wait out when
    another one ends the interpreter (bpo-1596321), but forgets to take its lock off the list, and
    the process hangs until mod_wsgi aborts it after `shutdown-timeout`: its issues 923 and 925.
    """
    main, locks = threading.main_thread(), getattr(threading, "_shutdown_locks", None)
    lock = getattr(main, "_tstate_lock", None)
    if isinstance(locks, set) and lock is not None and main.ident != threading.get_ident():
        locks.discard(lock)
