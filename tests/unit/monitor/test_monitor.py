"""The monitor's life, with a real thread and a stand-in for the native module."""

import fcntl
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import pytest
from support.journals import record
from support.waiting import DEADLINE, wait_for

from wsgireload import settings
from wsgireload.changes import Change, fingerprint
from wsgireload.decide.budget import Budget
from wsgireload.decide.deletions import Deletions
from wsgireload.decide.settle import Settle
from wsgireload.detect.detector import Detector
from wsgireload.errors import NativeError
from wsgireload.log import Event, Log
from wsgireload.monitor import Monitor, wiring
from wsgireload.monitor.early import Early
from wsgireload.monitor.loading import Loading
from wsgireload.monitor.wiring import Parts
from wsgireload.server import native, process
from wsgireload.server.detection import Server
from wsgireload.server.watcher import Watcher
from wsgireload.settings import Settings
from wsgireload.state.journal import Entry, Journal
from wsgireload.state.pause import Pause
from wsgireload.state.private_dir import Candidates, PrivateDir
from wsgireload.watch.wakeup import EventWakeup, Pace, Wakeup


class Asked:
    """Stands in for the native restart, and lets a test wait for it."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.times = 0

    def __call__(self) -> bool:
        self.times += 1
        self.event.set()
        return True


@pytest.fixture
def asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> Asked:
    """No signal is sent: it is counted. The journal lies in the test's own folder."""
    caplog.set_level("INFO", "wsgireload")
    stand_in = Asked()
    monkeypatch.setattr(native, "restart", stand_in)
    monkeypatch.setattr(settings, "state_folders", lambda: (str(tmp_path / "journal"),))
    return stand_in


@pytest.fixture
def begin(asked: Asked) -> Iterator[Callable[..., Monitor]]:
    """Starts monitors, and stops them when the test is over."""
    started: list[Monitor] = []

    def begin(refusal: str | None = None, processes: int = 1, **chosen: object) -> Monitor:
        chosen = {"interval": 0.01, "settle": 0.0, "server": "daemon"} | chosen
        server = Server("daemon", refusal, "site", "app|/", processes)
        monitor = Monitor(Settings.of(**chosen), server, refusal)
        started.append(monitor)
        monitor.start()
        return monitor

    yield begin
    for monitor in started:
        monitor.stop()


def ours(group: str) -> str:
    """The name under which a process group's restarts are kept."""
    return fingerprint(f"0 daemon {group}".encode())


def looked(monitor: Monitor) -> Monitor:
    """Wait for the first scan."""
    wait_for(lambda: monitor.status().looks)
    return monitor


def looked_again(monitor: Monitor, times: int) -> None:
    """Wait for so many further scans."""
    goal = monitor.status().looks + times
    wait_for(lambda: monitor.status().looks >= goal)


def threads() -> list[threading.Thread]:
    """The monitors' threads that live."""
    return [thread for thread in threading.enumerate() if thread.name == "wsgireload"]


def test_a_changed_file_restarts(
    begin: Callable[..., Monitor], asked: Asked, tmp_path: Path
) -> None:
    """From a tracked file's change to the call into the server."""
    path = tmp_path / "page.html"
    path.write_text("one")
    looked(begin(track=[path]))
    path.write_text("two")
    assert asked.event.wait(DEADLINE)
    assert asked.times == 1


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


def test_a_long_settle_is_reported(
    begin: Callable[..., Monitor], asked: Asked, tmp_path: Path
) -> None:
    """The status names the change, and what it waits for."""
    path = tmp_path / "page.html"
    path.write_text("one")
    monitor = looked(begin(track=[path], settle=30.0))
    path.write_text("two")
    wait_for(lambda: monitor.status().waiting)
    status = monitor.status()
    assert [each.what for each in status.waiting] == ["30 s without a change (settle)"]
    assert (status.changed, asked.times) == ((str(path),), 0)


def test_events(begin: Callable[..., Monitor], asked: Asked, tmp_path: Path) -> None:
    """A broken save and its repair are three events, complete, and sent before the restart."""
    path = tmp_path / "view.py"
    path.write_text("x = 1\n")
    got: list[Event] = []
    looked(begin(track=[path], on_event=got.append))
    half = tmp_path / "half"
    half.write_text("x = (\n")
    half.replace(path)
    wait_for(lambda: [each.kind for each in got] == ["changed", "held"])
    assert (got[1].paths, got[1].line) == ((str(path),), 1)
    half.write_text("x = 2\n")
    half.replace(path)
    assert asked.event.wait(DEADLINE)
    assert [each.kind for each in got] == ["changed", "held", "restarting"]
    assert got[2].message.startswith(f"{path} changed")
    assert {(each.application, each.pid) for each in got} == {("app|/", os.getpid())}


def test_the_environment_overrides_the_code(
    begin: Callable[..., Monitor],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The log has what the environment changed, and a warning for what is wrong there."""
    monkeypatch.setenv("WSGIRELOAD_WATCH", "poll")
    monkeypatch.setenv("WSGIRELOAD_SETTLE", "soon")
    monitor = looked(begin(watch="events", settle=0.25))
    assert type(monitor._late.parts.wakeup) is Wakeup
    assert monitor._settings.settle == 0.25
    logged = {each.getMessage().split(" [")[0]: each.levelname for each in caplog.records}
    assert logged["watching: from the environment: WSGIRELOAD_WATCH=poll"] == "INFO"
    [wrong] = [line for line in logged if "WSGIRELOAD_SETTLE" in line]
    assert wrong.endswith("it takes a number of seconds, 0 to 60; 0.25 applies")
    assert logged[wrong] == "WARNING"


def test_the_first_scan_lets_the_application_load(
    begin: Callable[..., Monitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is scanned beside the loading, and everything after it."""
    made: list[object] = []
    monitors: list[Monitor] = []
    loaded = threading.Event()

    def check(_: Loading) -> bool:
        made.extend(each._late.parts for each in monitors)
        return not loaded.is_set()

    monkeypatch.setattr(Loading, "comes_first", check)
    monitors.append(begin())
    wait_for(lambda: len(made) > 3)
    assert set(made) == {None}
    loaded.set()
    looked(*monitors)


def test_an_error_while_the_application_loads_does_not_end_the_watch(
    begin: Callable[..., Monitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Modules may be objects that raise anything."""
    monkeypatch.setattr(Loading, "comes_first", lambda _: 1 / 0)
    looked(begin())


@pytest.mark.parametrize("chosen", [{"track": ["/x"]}, {"trigger": "/x"}], ids=["track", "trigger"])
def test_tracked_files_are_scanned_at_once(
    begin: Callable[..., Monitor], monkeypatch: pytest.MonkeyPatch, chosen: dict[str, object]
) -> None:
    """The first scan is their baseline: the application may read them while it is loaded."""
    monkeypatch.setattr(Loading, "comes_first", lambda _: True)
    looked(begin(**chosen))


@pytest.mark.parametrize(
    "request_",
    [lambda each: each.track("/x"), Monitor.scan, Monitor.restart],
    ids=["track", "scan", "restart"],
)
def test_a_request_is_not_delayed_by_loading(
    begin: Callable[..., Monitor],
    monkeypatch: pytest.MonkeyPatch,
    request_: Callable[[Monitor], object],
) -> None:
    """What the application tracks or requests while it is loaded takes effect at once."""
    monkeypatch.setattr(Loading, "comes_first", lambda _: True)
    monitor = begin()
    request_(monitor)
    looked(monitor)


def test_a_scan_on_demand(
    begin: Callable[..., Monitor], asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scanning on demand notices what no event has reported."""
    path = tmp_path / "page.html"
    path.write_text("one")
    without_events = lambda self, seconds, _rest: Wakeup.wait(self, seconds) or set()  # noqa: E731
    monkeypatch.setattr(EventWakeup, "wait", without_events)
    monitor = looked(begin(track=[path], watch="events", interval=3600.0))
    path.write_text("two")
    monitor.scan()
    assert asked.event.wait(DEADLINE)


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


def test_status_tells(begin: Callable[..., Monitor], tmp_path: Path) -> None:
    """The status has what is watched, what differs and what is held, as plain data too."""
    path = tmp_path / "view.py"
    path.write_text("x = 1\n")
    monitor = begin(track=[path])
    looked(monitor)
    half = tmp_path / "half"  # without time to settle, a file that is written in place may be empty
    half.write_text("x = (\n")
    half.replace(path)
    wait_for(lambda: monitor.status().holding)
    told = monitor.status()
    assert told.asdict() == {
        "active": True,
        "reason": None,
        "server": "daemon",
        "pid": os.getpid(),
        "application": "app|/",
        "files": told.files,
        "looks": told.looks,
        "changed": [str(path)],
        "holding": told.holding,
        "held": {
            "path": str(path),
            "line": 1,
            "column": 5,
            "text": "x = (",
            "error": "SyntaxError: '(' was never closed",
        },
        "restarting": False,
        "parent": 0,
        "since": told.since,
        "generation": 0,
        "reloaded": None,
        "history": [],
        "waiting": [],
        "beside": None,
        "failed": None,
        "output": None,
        "paused": None,
        "script": None,
        "requests": None,
        "own": told.own,
        "processes": 1,
        "preloaded": None,
        "loading": None,
    }
    assert told.since is not None
    assert 0 <= time.time() - told.since < DEADLINE
    assert str(path) in told.paths()
    assert len(told.paths()) == told.files
    assert told.files > 1
    assert str(path) in str(told.holding)


def test_status_tells_of_earlier_restarts(
    begin: Callable[..., Monitor], asked: Asked, tmp_path: Path
) -> None:
    """A new process knows its generation at once, and soon how long its restart took."""
    past = Journal(Candidates([str(tmp_path / "journal")], print), ours("site"))
    now = time.monotonic()
    first = Entry(now - 9.0, 1, "a.py changed", "f1", ("a.py",), 3, now - 8.5)
    record(past, first)
    assert past.claim() == first._replace(claimed=True)
    record(
        past, first._replace(at=now - 0.5, reason="b.py changed", what="f2", generation=4, up=None)
    )
    monitor = begin()
    told = monitor.status()
    assert (told.generation, told.reloaded) == (4, "b.py changed")
    looked(monitor)
    wait_for(lambda: monitor.status().history[0].took)
    last, before = monitor.status().history
    assert (last.reason, before.reason) == ("b.py changed", "a.py changed")
    assert before.took == pytest.approx(0.5)
    assert 0.5 <= (last.took or 0) < DEADLINE
    assert last.at - before.at == pytest.approx(8.5, abs=0.1)
    assert [entry.up is None for entry in past.entries() or ()] == [False, False]
    monitor.restart("by hand")
    assert asked.event.wait(DEADLINE)
    wait_for(lambda: monitor.status().restarting)
    assert (past.entries() or [])[-1].generation == 5


@pytest.mark.parametrize(("processes", "reported"), [(1, 3), (3, 1)])
def test_one_restart_for_all_processes(
    begin: Callable[..., Monitor], tmp_path: Path, processes: int, reported: int
) -> None:
    """The processes of a group that restart for one change count once."""
    past = Journal(Candidates([str(tmp_path / "journal")], print), ours("site"))
    for number in range(3):
        record(past, Entry(time.monotonic() - 9.0 + number, number, f"{number}", "f", (), 1))
    history = begin(processes=processes).status().history
    assert [each.reason for each in history] == ["2", "1", "0"][-reported:]


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    ("processes", "chosen", "left"),
    [
        (1, {}, 0.01),
        (3, {"rolling": True}, 0.01),
        (3, {}, 0.05),
        (1, {"settle": 0.5}, 0.5),
        (1, {"settle": 0.002}, 0.002),
    ],
)
def test_how_long_a_complete_save_settles(
    processes: int, chosen: dict[str, Any], left: float
) -> None:
    """Shortly where no other process has requests to report, unless the user has set a time."""
    mod_wsgi = ModuleType("mod_wsgi")
    server = Server("daemon", None, "site", "app|/", processes, mod_wsgi)
    log = Log("app")
    early = Early(Settings.of(**chosen), server, log, lambda: None)
    parts = Parts(Settings.of(**chosen), server, log, early, lambda: None)
    parts.wakeup.end()
    [settle] = [gate for gate in parts.gates if isinstance(gate, Settle)]
    assert settle.notice(is_saved=True) == pytest.approx(left, rel=0.5)


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("preflight", [None, "import", ("python", "manage.py", "check")])
def test_what_is_gone_is_found_by_loading_the_code(preflight: Any) -> None:
    """With preflight="import" the new code is tried; else its sources are searched."""
    chosen, log = Settings.of(preflight=preflight), Log("app")
    server = Server("daemon", None, "site", "app|/", 1, ModuleType("mod_wsgi"))
    early = Early(chosen, server, log, lambda: None)
    parts = Parts(chosen, server, log, early, lambda: None)
    parts.wakeup.end()
    found = [gate for gate in parts.gates if isinstance(gate, Deletions)]
    assert len(found) == (preflight != "import")


def test_a_past_that_cannot_be_told_takes_nothing_down(
    begin: Callable[..., Monitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If earlier restarts cannot be read, start() returns and the monitor watches."""
    monkeypatch.setattr(Journal, "claim", lambda _: 1 / 0)
    told = looked(begin()).status()
    assert (told.active, told.generation, told.history) == (True, None, ())


def test_without_a_journal_no_generation_is_told(
    begin: Callable[..., Monitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a journal the generation is unknown, and not 0."""
    monkeypatch.setattr(settings, "state_folders", lambda: ())
    told = begin().status()
    assert (told.generation, told.history) == (None, ())


def test_an_inactive_monitor_does_nothing(
    begin: Callable[..., Monitor], asked: Asked, caplog: pytest.LogCaptureFixture
) -> None:
    """No thread, no finder, one line; what is called on it does no harm."""
    before = list(sys.meta_path)
    monitor = begin(refusal="embedded mode, sorry")
    assert (monitor.active, monitor.reason) == (False, "embedded mode, sorry")
    assert threads() == []
    assert sys.meta_path == before
    assert caplog.text.count("inactive: embedded mode, sorry") == 1
    monitor.track("/x")
    assert monitor.restart("please") is False
    monitor.stop()
    assert asked.times == 0
    assert monitor.status().reason == "embedded mode, sorry"


def test_stop_ends_the_thread_at_once(begin: Callable[..., Monitor]) -> None:
    """The thread of a stopped monitor has ended when stop() returns, whatever it waited for."""
    before = list(sys.meta_path)
    monitor = begin(interval=3600.0)
    looked(monitor)
    assert len(threads()) == 1
    monitor.stop()
    monitor.stop()
    assert threads() == []
    assert sys.meta_path == before
    assert not monitor.active
    assert monitor.status().reason == "it was stopped"


def test_a_stop_ends_a_look_in_the_middle(
    begin: Callable[..., Monitor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scan that reads a huge file ends at the next piece."""
    path = tmp_path / "huge.bin"
    path.write_bytes(b"x")
    reading, stopped = threading.Event(), threading.Event()
    real = os.read

    def endless(handle: int, size: int) -> bytes:
        if Path(f"/proc/self/fd/{handle}").readlink() != path:
            return real(handle, size)
        reading.set()
        stopped.wait(DEADLINE)
        return b"x"

    monkeypatch.setattr(os, "read", endless)
    monitor = begin(track=[path])
    assert reading.wait(DEADLINE)
    monitor.stop(timeout=0.0)
    stopped.set()
    monitor.stop()
    assert threads() == []


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


def test_by_hand(begin: Callable[..., Monitor], asked: Asked) -> None:
    """restart() wakes the monitor, however long its interval."""
    monitor = begin(interval=3600.0)
    assert monitor.restart("deployed") is True
    assert asked.event.wait(DEADLINE)


def test_an_import_wakes(begin: Callable[..., Monitor], monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one in the monitor's own thread: it would break off the burst that is waited out."""
    monitor = looked(begin())
    woken: list[threading.Thread] = []
    stepped = threading.Event()

    def step(_paths: set[str] | None) -> float:
        monitor._imported()
        stepped.set()
        return 60.0

    monkeypatch.setattr(monitor, "_wake", lambda: woken.append(threading.current_thread()))
    monkeypatch.setattr(monitor._late.parts.reloader, "step", step)
    assert stepped.wait(DEADLINE)
    monitor._imported()
    assert woken == [threading.current_thread()]


def test_tracking_wakes(begin: Callable[..., Monitor], tmp_path: Path) -> None:
    """A path that is tracked later is scanned at once."""
    monitor = begin(interval=3600.0)
    looked(monitor)
    before = monitor.status().files
    monitor.track(tmp_path / "a.html", tmp_path / "b.html")
    wait_for(lambda: monitor.status().files >= before + 2)


def restarted(
    begin: Callable[..., Monitor], asked: Asked, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Have a saved file restart a process; what begins afterwards has another pid."""
    path = folder / "page.html"
    path.write_text("one")
    first = looked(begin(track=[path]))
    path.write_text("two")
    assert asked.event.wait(DEADLINE)
    first.stop()
    pid = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: pid + 1)
    return path


def test_the_next_generation_says_why_it_is(
    begin: Callable[..., Monitor],
    asked: Asked,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The process that comes after a restart logs once which file changed."""
    path = restarted(begin, asked, tmp_path, monkeypatch)
    for _ in range(2):
        looked(begin()).stop()
    err = caplog.text
    assert err.count(f"reloaded: {path} changed; new code up after ") == 1


def test_another_server_with_the_same_pid(
    begin: Callable[..., Monitor],
    asked: Asked,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As in a container, where each Apache is pid 1: it inherits no restart, and no budget."""
    restarted(begin, asked, tmp_path, monkeypatch)
    same = process.identity(os.getppid())
    monkeypatch.setattr(process, "identity", lambda _: f"{same} of another boot")
    second = begin()
    looked(second)
    assert second.status().generation == 0
    assert "reloaded" not in caplog.text


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
        told = real(watcher, seconds)
        if breaks.is_set():
            raise NativeError("read", 9, "Bad file descriptor")
        return told

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


def states(tmp_path: Path) -> list[dict[str, object]]:
    """What the monitors of this test have published."""
    return [json.loads(path.read_bytes()) for path in tmp_path.glob("journal/*.state")]


def test_publishes_itself(begin, tmp_path: Path) -> None:
    """A monitor writes its status file, though not at each scan, and removes it when it ends."""
    monitor = looked(begin(track=[tmp_path / "code.py"]))
    wait_for(lambda: states(tmp_path))
    first = states(tmp_path)[0]
    assert first["status"]["active"]
    assert first["group"] == "site"
    looked_again(monitor, 5)
    assert states(tmp_path) == [first]
    (tmp_path / "new").write_text("1 +")
    (tmp_path / "new").rename(tmp_path / "code.py")  # at once: an empty file would compile
    wait_for(lambda: states(tmp_path)[0]["status"]["holding"])
    monitor.stop()
    assert states(tmp_path) == []


def test_publishes_what_a_status_tells(begin, tmp_path: Path) -> None:
    """The status file has the Status as plain data, field by field."""
    monitor = looked(begin(track=[tmp_path / "code.py"]))
    wait_for(lambda: states(tmp_path))
    (told,) = states(tmp_path)
    now = monitor.status().asdict()
    assert told["status"] | {"looks": now["looks"]} == now


def test_publishing_is_small(tmp_path: Path) -> None:
    """Writing the status file does not import dataclasses: every interpreter would pay for it."""
    code = (
        "import glob, logging, sys, time, typing\n"
        "class Named(typing.NamedTuple):\n"
        "    field: 'int'\n"  # from 3.14 on, logging and named tuples import large modules
        "early = set(sys.modules)\n"
        "import wsgireload\n"
        "wsgireload.start(server='daemon', interval=0.01)\n"
        "end = time.monotonic() + 20\n"
        "while not glob.glob(sys.argv[1] + '/*/*.state') and time.monotonic() < end: pass\n"
        "assert glob.glob(sys.argv[1] + '/*/*.state')\n"
        "print(sorted({'dataclasses', 'inspect'} & (sys.modules.keys() - early)))\n"
        "wsgireload.stop()\n"
    )
    known = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)}
    words = [sys.executable, "-P", "-c", code, tmp_path]
    done = subprocess.run(words, env=known, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_asked_from_outside(begin, asked: Asked, tmp_path: Path, caplog) -> None:
    """A request file beside the status file restarts, past the same gates as any other."""
    looked(begin())
    wait_for(lambda: states(tmp_path))
    (state,) = tmp_path.glob("journal/*.state")
    state.with_suffix(".restart").touch()
    assert asked.event.wait(DEADLINE)
    wait_for(lambda: "restarting: requested by hand: wsgireload restart" in caplog.text)
    wait_for(lambda: states(tmp_path)[0]["status"]["restarting"])


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


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs inotify")
def test_a_request_is_heard(begin, asked: Asked, tmp_path: Path) -> None:
    """It ends the wait for the next scan, however long that is."""
    begin(interval=3600.0)
    wait_for(lambda: states(tmp_path))
    (state,) = tmp_path.glob("journal/*.state")
    state.with_suffix(".restart").touch()
    assert asked.event.wait(DEADLINE)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs inotify")
@pytest.mark.parametrize("watch", ["auto", "poll"])
def test_scans_are_seldom_in_a_calm(
    begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, watch: str
) -> None:
    """Once the application is loaded and all files have events; not while a file differs."""
    pauses, pause = [], Pace.pause

    def noting(self: Pace, within: float = float("inf"), *, is_calm: bool = False) -> float:
        pauses.append(is_calm)
        return pause(self, within, is_calm=is_calm)

    monkeypatch.setattr(Pace, "pause", noting)
    code = tmp_path / "code.py"
    code.write_text("x = 1")
    monitor = looked(begin(track=[code], watch=watch))
    looked_again(monitor, 4)
    assert pauses[-1] == (watch == "auto")
    code.write_text("x = (")
    wait_for(lambda: monitor.status().holding)
    looked_again(monitor, 4)
    assert not pauses[-1]


def test_a_scan_for_whoever_waits(begin, tmp_path: Path) -> None:
    """A request for a scan is answered once a gate has decided about what the scan has found."""
    code = tmp_path / "code.py"
    code.write_text("")
    monitor = looked(begin(track=[code], settle=0.3, watch="poll"))
    wait_for(lambda: states(tmp_path))
    (state,) = tmp_path.glob("journal/*.state")
    request = state.with_suffix(".scan")
    request.touch()
    wait_for(lambda: not request.exists())
    assert not states(tmp_path)[0]["status"]["changed"]
    code.write_text("1 +")
    request.touch()
    wait_for(lambda: monitor.status().changed)
    assert request.exists()
    wait_for(lambda: not request.exists())
    assert "SyntaxError" in states(tmp_path)[0]["status"]["holding"]


def test_a_scan_of_everything(begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request for a scan has everything scanned: an event may have been lost."""
    monitor = looked(begin())
    wait_for(lambda: states(tmp_path))
    looked_again(monitor, 3)
    scanned, scan = [], Detector.scan

    def noting(self: Detector, paths: set[str] | None, **chosen: bool) -> dict[str, Change]:
        scanned.append(paths)
        return scan(self, paths, **chosen)

    monkeypatch.setattr(Detector, "scan", noting)
    looked_again(monitor, 3)
    assert None not in scanned
    (state,) = tmp_path.glob("journal/*.state")
    state.with_suffix(".scan").touch()
    wait_for(lambda: not state.with_suffix(".scan").exists())
    assert scanned.count(None) == 1


def test_publishing_fails_quietly(begin, tmp_path: Path, caplog) -> None:
    """Without a folder for the status file the monitor works as usual."""
    (tmp_path / "journal").write_text("no folder")
    monitor = looked(begin())
    looked_again(monitor, 3)
    assert "step failed" not in caplog.text


def test_a_new_process_reports_that_it_is_up(begin, tmp_path: Path) -> None:
    """Until its rolling restart knows of it, a process takes another step soon."""
    (tmp_path / "journal").mkdir(mode=0o700)
    (tmp_path / "journal" / f"{fingerprint(b'daemon site')}.roll").touch(0o600)
    with (tmp_path / "journal" / f"{fingerprint(b'daemon site')}.roll").open("rb") as roll:
        fcntl.flock(roll, fcntl.LOCK_EX)  # as a process has it that is being replaced
        monitor = looked(begin(rolling=True, interval=3600.0))
        looked_again(monitor, 3)
        looks = monitor.status().looks
    wait_for(lambda: monitor.status().looks > looks)
    wait_for(lambda: all(gate.announce() for gate in monitor._late.parts.gates))


def test_another_reloader_is_reported(
    begin: Callable[..., Monitor], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A warning in the log, once, and in the status; the monitor stays active."""
    monkeypatch.setattr(wiring, "other_reloader", lambda: "the reloader x restarts as well")
    monitor = begin()
    wait_for(lambda: monitor.status().looks > 3)
    lines = [each for each in caplog.records if "the reloader x" in each.getMessage()]
    assert [each.levelname for each in lines] == ["WARNING"]
    assert lines[0].getMessage().startswith("watching: ")
    assert monitor.status().beside == "the reloader x restarts as well"
    assert monitor.active


def test_a_pause(begin, asked: Asked, tmp_path: Path) -> None:
    """A pause holds a change, is in the status, and ends when its time has come by itself."""
    path = tmp_path / "page.html"
    path.write_text("one")
    monitor = looked(begin(track=[path], interval=3600.0))
    wait_for(lambda: states(tmp_path))
    now = time.time()
    with closing(PrivateDir(str(tmp_path / "journal"))) as folder:
        Pause(now, now + 600).begin(folder, fingerprint(b"daemon site"))
    monitor.scan()
    wait_for(lambda: states(tmp_path)[0]["status"]["paused"])
    assert monitor.status().paused == pytest.approx(now + 600)
    path.write_text("two")
    wait_for(lambda: monitor.status().holding)
    now = time.time()
    with closing(PrivateDir(str(tmp_path / "journal"))) as folder:
        Pause(now, now + 0.3).begin(folder, fingerprint(b"daemon site"))
    monitor.scan()  # hours before the next step
    assert asked.event.wait(DEADLINE)
    assert monitor.status().paused is None


def test_leftovers_are_removed(begin: Callable[..., Monitor], tmp_path: Path) -> None:
    """A monitor removes what an application left behind that ended long ago; not in start()."""
    (tmp_path / "journal").mkdir(mode=0o700)
    leftover = tmp_path / "journal" / "0123456789abcdef.journal"
    leftover.touch()
    os.utime(leftover, (0, 0))
    looked(begin())
    assert not leftover.exists()
