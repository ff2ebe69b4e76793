"""What fails around a monitor, or in it, and does not end it."""

import logging
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest
from support.monitored import Asked, looked, looked_again, threads
from support.waiting import DEADLINE, wait_for

from wsgireload.decide.budget import Budget
from wsgireload.errors import NativeError
from wsgireload.monitor import Monitor
from wsgireload.monitor.loading import Loading
from wsgireload.server.watcher import Watcher


def test_a_logging_handler_that_blocks(
    begin: Callable[..., Monitor],
    asked: Asked,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A restart does not wait for it, and Apache's error log has the line before the restart."""
    path = tmp_path / "page.html"
    path.write_text("one")
    free = threading.Event()
    handler = logging.NullHandler()
    monkeypatch.setattr(handler, "handle", lambda _record: free.wait(DEADLINE))
    monkeypatch.setattr(logging.getLogger("wsgireload"), "handlers", [handler])
    begin(track=[path])
    wait_for(lambda: "watching: " in capsys.readouterr().err)
    path.write_text("two")
    try:
        assert asked.event.wait(DEADLINE / 2)
        assert "wsgireload: restarting: " in capsys.readouterr().err
    finally:
        free.set()


def test_an_error_while_the_application_loads_does_not_end_the_watch(
    begin: Callable[..., Monitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Modules may be objects that raise anything."""
    monkeypatch.setattr(Loading, "comes_first", lambda _: 1 / 0)
    looked(begin())


def test_a_step_that_fails_forgets_no_change(
    begin: Callable[..., Monitor], asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an event reported to a step that failed is found by the next step."""
    path = tmp_path / "page.html"
    path.write_text("one")
    monitor = looked(begin(track=[path], interval=0.05))
    detector = monitor._late.parts.detector
    scan, failed = detector.scan, threading.Event()

    def fail_once(paths: set[str] | None, **chosen: bool) -> object:
        if paths and str(path) in paths and not failed.is_set():
            failed.set()
            raise RuntimeError("unforeseen")
        return scan(paths, **chosen)

    monkeypatch.setattr(detector, "scan", fail_once)
    path.write_text("two")
    assert failed.wait(DEADLINE)
    assert asked.event.wait(DEADLINE)


def test_the_unforeseen_does_not_end_it(
    begin: Callable[..., Monitor],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An exception in a step is logged with its traceback, once, and scanning goes on."""
    failures = []

    def fails(*_: object, **_chosen: bool) -> None:
        failures.append(1)
        raise ZeroDivisionError("unforeseen")

    monitor = begin()
    looked(monitor)
    with monkeypatch.context() as patch:
        patch.setattr("wsgireload.detect.detector.Detector.scan", fails)
        wait_for(lambda: len(failures) > 5)
    looked_again(monitor, 2)
    err = caplog.text
    assert err.count("ZeroDivisionError: unforeseen") == 1
    assert "Traceback" in err


@pytest.mark.parametrize("refuses", ["__init__", "start"])
def test_an_interpreter_without_daemon_threads(
    begin: Callable[..., Monitor], monkeypatch: pytest.MonkeyPatch, refuses: str
) -> None:
    """If daemon threads are forbidden, the thread is none, and still ends with stop().

    CPython 3.12 and later refuse to make one, 3.11 to start it.
    """
    real = getattr(threading.Thread, refuses)

    def strict(thread: threading.Thread, *args: object, **options: object) -> None:
        if options.get("daemon", refuses == "start" and thread.daemon):
            raise RuntimeError("daemon threads are disabled in this (sub)interpreter")
        real(thread, *args, **options)

    monkeypatch.setattr(threading.Thread, refuses, strict)
    monitor = begin()
    looked(monitor)
    assert [thread.daemon for thread in threads()] == [False]
    monitor.stop()
    assert threads() == []


def test_an_interpreter_without_threads(
    begin: Callable[..., Monitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If no thread may start, the monitor is inactive, with the reason."""

    def never(_: threading.Thread) -> None:
        raise RuntimeError("thread is not supported for isolated subinterpreters")

    monkeypatch.setattr(threading.Thread, "start", never)
    monitor = begin()
    assert not monitor.active
    assert "does not let a thread start" in str(monitor.reason)


def test_threads_that_are_none(
    begin: Callable[..., Monitor], asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where `threading` runs a thread in the thread that started it, a real one is started."""
    monkeypatch.setattr(threading.Thread, "start", lambda thread: thread.run())
    monitor = begin()
    looked(monitor)
    monitor.restart("by hand")
    assert asked.event.wait(DEADLINE)
    monitor.stop()
    assert [each for each in sys._current_frames().values() if runs(each, monitor)] == []


def runs(frame: FrameType | None, monitor: Monitor) -> bool:
    """Whether a thread with this frame runs a monitor."""
    while frame is not None:
        if frame.f_code is Monitor._run.__code__ and frame.f_locals["self"] is monitor:
            return True
        frame = frame.f_back
    return False


def test_no_real_thread(begin: Callable[..., Monitor], monkeypatch: pytest.MonkeyPatch) -> None:
    """If only greenlets can be started, the monitor is inactive, with the reason."""
    monkeypatch.setattr("wsgireload.threads.are_real", False)
    monitor = begin()
    assert not monitor.active
    assert "a library has replaced Python's threads" in str(monitor.reason)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (NativeError("inotify_init1", 24, "no instance left"), "no instance left"),
        (MemoryError("no room"), "no room"),
    ],
)
def test_without_events_everything_is_polled(
    error: Exception,
    why: str,
    begin: Callable[..., Monitor],
    asked: Asked,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """If the system has no events, that is logged, and a change is found by polling."""

    def none(_: Watcher) -> None:
        raise error

    monkeypatch.setattr(Watcher, "__init__", none)
    path = tmp_path / "page.html"
    path.write_text("one")
    looked(begin(track=[path]))
    path.write_text("two")
    assert asked.event.wait(DEADLINE)
    assert caplog.text.count(f"everything is polled, every 0.01 s: {why}") == 1


def test_when_events_break_everything_is_polled(
    begin: Callable[..., Monitor],
    asked: Asked,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Events that end for good are logged once; scans go on at the interval, not faster, and find
    earlier and later changes.
    """
    breaks = threading.Event()
    real = Watcher.wait

    def wait(watcher: Watcher, seconds: float) -> list[tuple[int, bool, str]]:
        changes = real(watcher, seconds)
        if breaks.is_set():
            raise NativeError("read", 9, "Bad file descriptor")
        return changes

    monkeypatch.setattr(Watcher, "wait", wait)
    monitor = looked(begin(track=[tmp_path], interval=0.2))
    breaks.set()
    began, before = time.monotonic(), monitor.status().looks
    looked_again(monitor, 3)
    assert monitor.status().looks - before <= (time.monotonic() - began) / 0.2 + 2
    (tmp_path / "page.html").write_text("new")
    assert asked.event.wait(DEADLINE)
    assert caplog.text.count("everything is polled from now on: read failed") == 1
    monitor.stop()
    assert threads() == []


def test_a_gate_that_fails_at_first(
    begin, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    """Where a gate cannot report that this process is up, the monitor goes on trying."""
    announce, fails = Budget.announce, [True]

    def failing(budget: Budget) -> bool:
        if fails:
            raise RuntimeError("planted")
        return announce(budget)

    monkeypatch.setattr(Budget, "announce", failing)
    path = tmp_path / "page.html"
    monitor = begin(track=[path])
    wait_for(lambda: "a step failed and will be repeated" in caplog.text)
    fails.clear()
    looked_again(monitor, 2)
    path.write_text("new")
    assert asked.event.wait(DEADLINE)


def test_steps_that_fail_are_spaced_too(
    begin, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that fails late takes no more than its share of the time either."""
    times: list[float] = []

    def failing(_budget: Budget) -> bool:
        times.append(time.monotonic())
        time.sleep(0.05)
        raise RuntimeError("planted")

    monkeypatch.setattr(Budget, "announce", failing)
    begin(watch="poll")
    wait_for(lambda: len(times) >= 4)
    assert times[3] - times[2] > 0.4


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs inotify")
def test_events_that_fail_at_first(
    begin, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    """The monitor goes on trying: it is not for that that it becomes inactive."""
    name, fails = Watcher.name, [True]

    def failing(watcher: Watcher, directory: int, text: str) -> None:
        if fails:
            raise RuntimeError("planted")
        name(watcher, directory, text)

    monkeypatch.setattr(Watcher, "name", failing)
    monitor = begin(track=[tmp_path / "page.html"])
    wait_for(lambda: "a step failed and will be repeated" in caplog.text)
    assert monitor.active
    fails.clear()
    looked(monitor)
    (tmp_path / "page.html").write_text("new")
    assert asked.event.wait(DEADLINE)
