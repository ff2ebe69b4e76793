"""What others demand of a monitor: scans, restarts by hand, a pause."""

import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support.monitored import Asked, looked, looked_again, states
from support.waiting import DEADLINE, wait_for

from wsgireload.changes import Change, fingerprint
from wsgireload.detect.detector import Detector
from wsgireload.log import Log
from wsgireload.monitor import UNLOADED, Monitor
from wsgireload.monitor.early import Early
from wsgireload.monitor.loading import Loading
from wsgireload.state.pause import Pause
from wsgireload.state.private_dir import PrivateDir
from wsgireload.watch.wakeup import EventWakeup, Pace, Wakeup


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


def test_by_hand(begin: Callable[..., Monitor], asked: Asked) -> None:
    """restart() wakes the monitor, however long its interval."""
    monitor = begin(interval=3600.0)
    assert monitor.restart("deployed") is True
    assert asked.event.wait(DEADLINE)


def test_asked_from_outside(begin, asked: Asked, tmp_path: Path, caplog) -> None:
    """A request file beside the status file restarts, past the same gates as any other."""
    looked(begin())
    wait_for(lambda: states(tmp_path))
    (state,) = tmp_path.glob("journal/*.state")
    state.with_suffix(".restart").touch()
    assert asked.event.wait(DEADLINE)
    wait_for(lambda: "restarting: requested by hand: wsgireload restart" in caplog.text)
    wait_for(lambda: states(tmp_path)[0]["status"]["restarting"])


def test_a_script_that_cannot_be_loaded(
    begin, asked: Asked, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    """The log does not attribute to a person the restart that is to heal that."""
    heal = []

    def made(early: Early, log: Log, restart: Callable[[], object]) -> Loading:
        heal.append(restart)
        return Loading(early, log, restart)

    monkeypatch.setattr("wsgireload.monitor.Loading", made)
    looked(begin())
    heal[0]()
    assert asked.event.wait(DEADLINE)
    wait_for(lambda: f"restarting: {UNLOADED}" in caplog.text)


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
