"""Functions of ours that others call: at the end of the interpreter, after a fork, at a signal."""

from __future__ import annotations

import atexit
import contextlib
import os
import stat
import threading
from collections.abc import Callable
from types import ModuleType

Identity = tuple[int, int]  # device and inode of a file or pipe


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

    if (hook := _signals(mod_wsgi)) is not None:
        with contextlib.suppress(Exception):
            hook(notice)


def keep_from_children(mod_wsgi: ModuleType | None) -> None:
    """Let no child inherit the pipe on which mod_wsgi 6 passes signals on to its thread for them.

    As a process ends, mod_wsgi closes one end and joins the thread, which reads until every copy of
    that end is closed. With a copy in a child of multiprocessing the site does not answer until
    `shutdown-timeout`, and the child is left behind.
    """
    if _signals(mod_wsgi) is None or not hasattr(os, "register_at_fork"):
        return
    with contextlib.suppress(OSError):  # a system without /dev/fd
        ends = _ends_of_signals()
        if len(ends) == 1:  # another one may be the application's
            [(end, identity)] = ends.items()
            os.set_inheritable(end, False)
            os.register_at_fork(after_in_child=lambda: _close(end, identity))


def _signals(mod_wsgi: ModuleType | None) -> Callable[[object], object] | None:
    """What subscribes to signals in a daemon process; elsewhere mod_wsgi logs a warning."""
    hook = getattr(mod_wsgi, "subscribe_signals", None)
    return hook if callable(hook) and getattr(mod_wsgi, "process_group", None) else None


def _ends_of_signals() -> dict[int, Identity]:
    """The ends to write to of pipes as that of mod_wsgi, with both ends in this process.

    This end does not block, the other one does, and is inherited, as none that Python opens.
    """
    import fcntl

    kept = os.O_ACCMODE | os.O_NONBLOCK
    pipes: dict[Identity, list[int]] = {}
    for name in os.listdir("/dev/fd"):
        with contextlib.suppress(OSError):  # that of the folder itself
            found = os.fstat(int(name))
            if stat.S_ISFIFO(found.st_mode):
                pipes.setdefault((found.st_dev, found.st_ino), []).append(int(name))
    writes, reads = os.O_WRONLY | os.O_NONBLOCK, os.O_RDONLY
    ends = {}
    for identity, pair in pipes.items():
        modes = {fcntl.fcntl(end, fcntl.F_GETFL) & kept: end for end in pair}
        is_such = len(pair) == 2 and modes.keys() == {writes, reads}
        if is_such and os.get_inheritable(modes[reads]):
            ends[modes[writes]] = identity
    return ends


def _close(end: int, identity: Identity) -> None:
    """Close a descriptor, if it is not that of another file by now."""
    with contextlib.suppress(OSError):
        found = os.fstat(end)
        if (found.st_dev, found.st_ino) == identity:
            os.close(end)


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
