"""The end of an interpreter is noticed in time; SIGUSR2, which mod_wsgi 6 passes on, scans."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from wsgireload.server import callbacks

FOREIGN = """
import _thread
ready, never = _thread.allocate_lock(), _thread.allocate_lock()
ready.acquire(), never.acquire()

def serve():
    import wsgireload  # and with it threading, which takes this thread for the main one
    wsgireload.start(server="daemon", interval=0.01)
    ready.release()
    never.acquire()

_thread.start_new_thread(serve, ())
ready.acquire()
"""


def test_a_foreign_main_thread_is_not_waited_for(tmp_path: Path) -> None:
    """An interpreter whose `threading` a request imported ends at once, not after a time-out."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", FOREIGN],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Exception ignored" not in done.stderr


def test_everybody_who_knows_of_the_end_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """mod_wsgi, threading and atexit all get a callback; one that refuses does not matter."""
    calls, hooks = [], []
    mod_wsgi = ModuleType("mod_wsgi")
    monkeypatch.setattr(mod_wsgi, "subscribe_shutdown", hooks.append, raising=False)

    def refuses(_: object) -> None:
        raise RuntimeError("can't register atexit after shutdown")

    monkeypatch.setattr(threading, "_register_atexit", refuses)
    monkeypatch.setattr("atexit.register", hooks.append)
    callbacks.at_end(lambda: calls.append(1), mod_wsgi)
    assert len(hooks) == 2
    hooks[0]("process_stopping", shutdown_reason="x")
    hooks[1]()
    assert len(calls) == 2


def test_an_exit_is_no_second_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A SystemExit from a callback does not disturb the end of an interpreter."""
    hooks = []
    monkeypatch.setattr(threading, "_register_atexit", hooks.append)
    monkeypatch.setattr("atexit.register", hooks.append)
    callbacks.at_end(sys.exit, None)
    for hook in hooks:
        hook()


def test_an_older_mod_wsgi_cannot_tell() -> None:
    """Without subscribe_shutdown the other callbacks are enough."""
    callbacks.at_end(lambda: None, ModuleType("mod_wsgi"))
    callbacks.at_end(lambda: None, None)


def inside(group: str = "site") -> tuple[ModuleType, list[Callable[..., None]]]:
    """The module of mod_wsgi 6, and what subscribes to its signals."""
    hooks: list[Callable[..., None]] = []
    module = ModuleType("mod_wsgi")
    vars(module).update(process_group=group, subscribe_signals=hooks.append)
    return module, hooks


def test_only_sigusr2_scans() -> None:
    """Other signals are the application's own."""
    calls: list[int] = []
    module, hooks = inside()
    callbacks.at_signal(lambda: calls.append(1), module)
    [hook] = hooks
    hook("process_signal", signame="SIGHUP", signum=1)
    assert calls == []
    hook("process_signal", signame="SIGUSR2", signum=12)
    hook("process_signal", signame="SIGUSR2", signum=12)
    assert calls == [1, 1]


def test_only_daemon_processes_subscribe() -> None:
    """Elsewhere mod_wsgi logs a warning, and calls nothing."""
    module, hooks = inside(group="")
    callbacks.at_signal(lambda: None, module)
    assert hooks == []


def test_an_older_mod_wsgi_passes_nothing_on() -> None:
    """It has no such function, or the process is not Apache's."""
    callbacks.at_signal(lambda: None, ModuleType("mod_wsgi"))
    callbacks.at_signal(lambda: None, None)
