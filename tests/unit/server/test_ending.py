"""What delays the end of a process, by name."""

from __future__ import annotations

import multiprocessing
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import FrameType, ModuleType, SimpleNamespace

import pytest

from wsgireload.monitor.steps import Steps
from wsgireload.report import Awaited
from wsgireload.server import detection, ending, process
from wsgireload.server.running import Requests

HERE = threading.get_ident()


@pytest.fixture(autouse=True)
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """What the threads of a test wait for; those that earlier tests left behind do not count."""
    event, others, every = threading.Event(), set(threading.enumerate()), threading.enumerate
    monkeypatch.setattr(
        threading, "enumerate", lambda: [each for each in every() if each not in others]
    )
    yield event
    event.set()
    for thread in threading.enumerate():
        thread.join(10)


@pytest.fixture
def requests() -> Requests:
    """No running requests."""
    return Requests(None, time.monotonic)


def named(awaited: tuple[Awaited, ...]) -> list[str]:
    """Return the names alone."""
    return [each.what for each in awaited]


def begin(work: Callable[[], object], *, daemon: bool, name: str = "worker\n1") -> threading.Thread:
    """Start a thread."""
    thread = threading.Thread(target=work, name=name, daemon=daemon)
    thread.start()
    return thread


def test_threads(gate: threading.Event) -> None:
    """Threads that Python joins are named, escaped; daemonic ones are not joined."""
    begin(gate.wait, daemon=True, name="other")
    begin(gate.wait, daemon=False)
    assert named(ending.at_exit(HERE)) == [r"thread 'worker\n1'"]


def test_an_executor(gate: threading.Event) -> None:
    """An executor's threads are joined even if they are daemonic, as a request's thread is."""
    pools: list[ThreadPoolExecutor] = []

    def submit() -> None:
        pools.append(ThreadPoolExecutor(1, "mail"))
        pools[0].submit(gate.wait)

    begin(submit, daemon=True, name="request").join()
    try:
        assert named(ending.at_exit(HERE)) == ["thread 'mail_0'"]
    finally:
        gate.set()
        pools[0].shutdown()


@pytest.mark.parametrize("frames", [sys._current_frames, dict])
def test_an_idle_executor(
    gate: threading.Event,
    requests: Requests,
    monkeypatch: pytest.MonkeyPatch,
    frames: Callable[[], dict[int, FrameType]],
) -> None:
    """Before the end has begun an executor without work is not named: Python will end it.

    So it is where no frames may be read.
    """
    monkeypatch.setattr(process, "is_main_interpreter", lambda: False)
    monkeypatch.setattr(process, "frames_of_threads", frames)
    reported: list[str] = []

    def report(awaited: tuple[Awaited, ...]) -> None:
        reported.extend(named(awaited))

    with ThreadPoolExecutor(1, "idle") as idle, ThreadPoolExecutor(1, "busy") as busy:
        idle.submit(int).result()
        began = threading.Event()
        busy.submit(lambda: (began.set(), gate.wait()))
        began.wait(10)
        [worker] = idle._threads
        until(lambda: sys._current_frames()[worker.ident].f_code.co_name == "_worker")
        until(lambda: idle._idle_semaphore._value == 1)
        ending.watch(requests, report, pytest.fail)
        gate.set()
    assert reported == ["thread 'busy_0'"]


def test_child_processes(requests: Requests, monkeypatch: pytest.MonkeyPatch) -> None:
    """Children of multiprocessing are named; it ends the daemonic ones itself."""
    monkeypatch.setattr(process, "is_main_interpreter", lambda: False)
    expected: list[Awaited] = []
    context = multiprocessing.get_context("spawn")
    child = context.Process(target=time.sleep, args=(60,), name="crawler")
    other = context.Process(target=time.sleep, args=(60,), daemon=True)
    child.start()
    other.start()
    try:
        assert named(ending.at_exit(HERE)) == [f"child process 'crawler', pid {child.pid}"]
        ending.watch(requests, expected.extend, pytest.fail)
        assert named(tuple(expected)) == [f"child process 'crawler', pid {child.pid}"]
    finally:
        for each in (child, other):
            each.kill()
            each.join()


def test_an_exit_function(gate: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """If nothing else is left, the function that the ending thread runs is named."""
    monkeypatch.setattr(detection, "mod_wsgi", lambda: None)
    began = threading.Event()

    def save_everything() -> None:
        began.set()
        gate.wait()

    thread = begin(save_everything, daemon=True)
    began.wait(10)
    [name] = named(ending.at_exit(thread.ident or 0))
    assert name.startswith("exit function test_an_exit_function.<locals>.save_everything, ")
    assert f"{__file__}:" in name


def test_foreign_frames_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where interpreters may have a GIL of their own, their frames are not read."""
    module = ModuleType("mod_wsgi")
    module.version = (6, 1, 1)  # type: ignore[attr-defined]
    monkeypatch.setattr(detection, "mod_wsgi", lambda: module)
    monkeypatch.setattr(sys, "version_info", (3, 12))
    monkeypatch.setattr(sys, "_current_frames", pytest.fail)
    assert named(ending.at_exit(HERE)) == [ending.UNKNOWN]


def test_it_is_reported_late(requests: Requests, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the main interpreter a thread reports what still runs after 2 s."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    reported: list[Awaited] = []
    work: list[Callable[[], None]] = []
    ending.watch(requests, reported.extend, work.append)
    assert reported == []
    requests.notice("request_started", request_environ={"PATH_INFO": "/late"})
    work[0]()
    assert slept == [2.0]
    assert "/late" in reported[0].what


def test_no_debugger_sees_it(requests: Requests, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that debuggers have called in each thread is not called in this one."""
    monkeypatch.setattr(ending, "NAMED", 0.0)
    seen: list[object] = []
    reported = threading.Event()
    before = threading.gettrace()
    threading.settrace(lambda *event: seen.append(event))
    try:
        monitor = SimpleNamespace(_report_end=lambda _: reported.set())
        Steps.watch_end(monitor, requests)  # type: ignore[arg-type]
        assert reported.wait(10)
    finally:
        threading.settrace(before)  # type: ignore[arg-type]
    assert seen == []


def test_it_is_reported_at_once(requests: Requests, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a sub-interpreter no thread may go on; nothing is reported of short requests."""
    monkeypatch.setattr(process, "is_main_interpreter", lambda: False)
    requests.notice("request_started", request_environ={"PATH_INFO": "/short"})
    ending.watch(requests, pytest.fail, pytest.fail)
    monkeypatch.setattr(requests, "_clock", lambda: time.monotonic() + 60)
    reported: list[Awaited] = []
    ending.watch(requests, reported.extend, pytest.fail)
    assert "/short" in reported[0].what


def test_no_failure_of_ours_is_the_process_s(requests: Requests) -> None:
    """If no thread can start any more, or anything else fails, the process ends normally."""

    def refuse(_work: object) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    ending.watch(requests, pytest.fail, refuse)


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
