"""The monitor's life, with a real thread and a stand-in for the native module."""

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.journals import record
from support.monitored import Asked, looked, ours, threads
from support.waiting import DEADLINE, wait_for

from wsgireload.decide.missing_modules import MissingModules
from wsgireload.decide.settle import Settle
from wsgireload.log import Event, Log
from wsgireload.monitor import Monitor
from wsgireload.monitor.early import Early
from wsgireload.monitor.loading import Loading
from wsgireload.monitor.wiring import Parts
from wsgireload.server.detection import Server
from wsgireload.settings import Settings
from wsgireload.state.journal import Entry, Journal
from wsgireload.state.private_dir import Candidates
from wsgireload.watch.wakeup import Wakeup


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


@pytest.mark.parametrize("chosen", [{"track": ["/x"]}, {"trigger": "/x"}], ids=["track", "trigger"])
def test_tracked_files_are_scanned_at_once(
    begin: Callable[..., Monitor], monkeypatch: pytest.MonkeyPatch, chosen: dict[str, object]
) -> None:
    """The first scan is their baseline: the application may read them while it is loaded."""
    monkeypatch.setattr(Loading, "comes_first", lambda _: True)
    looked(begin(**chosen))


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
    found = [gate for gate in parts.gates if isinstance(gate, MissingModules)]
    assert len(found) == (preflight != "import")


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
