"""The end of an interpreter is noticed in time; SIGUSR2, which mod_wsgi 6 passes on, scans."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
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


@pytest.fixture
def ends() -> Iterator[list[int]]:
    """Pipes as mod_wsgi 6 has one for its thread of signals, which reads: the ends of each."""
    made: list[int] = []
    for _ in range(2):
        reads, writes = os.pipe()
        os.set_inheritable(reads, True)
        os.set_inheritable(writes, True)
        made += reads, writes
    os.set_blocking(made[1], False)
    yield made
    for end in made:
        try:
            os.close(end)
        except OSError:
            assert end == made[1], "closed by the hook"


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What is called in a child."""
    hooks: list[Callable[[], None]] = []

    def register(*, after_in_child: Callable[[], None]) -> None:
        hooks.append(after_in_child)

    monkeypatch.setattr(os, "register_at_fork", register)
    return hooks


needs_unix = pytest.mark.skipif(os.name == "nt", reason="no process is forked on Windows")


@needs_unix
def test_no_child_keeps_what_mod_wsgi_waits_for(
    ends: list[int], forks: list[Callable[[], None]]
) -> None:
    """A forked child closes that end of the pipe, and a program does not get it; no other pipe."""
    for _ in ("an interpreter", "another one"):
        callbacks.keep_from_children(inside()[0])
    assert [os.get_inheritable(end) for end in ends] == [True, False, True, True]
    assert len(forks) == 2
    forks[0]()
    assert os.read(ends[0], 1) == b"", "that was the last copy"
    os.fstat(ends[2]), os.fstat(ends[3])


@needs_unix
def test_a_child_of_a_child_keeps_what_it_opened(
    ends: list[int], forks: list[Callable[[], None]], tmp_path: Path
) -> None:
    """The number of the closed descriptor may be that of a file by then."""
    callbacks.keep_from_children(inside()[0])
    file = os.open(tmp_path, os.O_RDONLY)
    os.dup2(file, ends[1])
    os.close(file)
    forks[0]()
    os.fstat(ends[1])


@needs_unix
def test_a_pipe_that_may_be_another_stays(ends: list[int], forks: list[Callable[[], None]]) -> None:
    """Of two that look alike, of one without the other end, and of older versions: none."""
    os.set_blocking(ends[3], False)
    callbacks.keep_from_children(inside()[0])
    os.set_blocking(ends[3], True)
    callbacks.keep_from_children(ModuleType("mod_wsgi"))
    callbacks.keep_from_children(inside(group="")[0])
    callbacks.keep_from_children(None)
    os.set_blocking(ends[1], True)
    callbacks.keep_from_children(inside()[0])
    assert forks == []
    assert all(map(os.get_inheritable, ends))
