"""What a monitor says of itself: its status, the file of that, the log of a new process."""

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.journals import record
from support.monitored import Asked, looked, looked_again, ours, states
from support.waiting import DEADLINE, wait_for

from wsgireload import settings
from wsgireload.changes import fingerprint
from wsgireload.detect.detector import Detector
from wsgireload.monitor import Monitor, wiring
from wsgireload.server import process
from wsgireload.state.journal import Entry, Journal
from wsgireload.state.private_dir import Candidates


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


def test_a_change_while_modules_are_imported(
    begin: Callable[..., Monitor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The status file has it at once, and what is waited for: to find that out may import, too."""
    path = tmp_path / "page.html"
    path.write_text("one")
    looked(begin(track=[path], settle=30.0))
    wait_for(lambda: states(tmp_path))
    always = property(lambda _: True, lambda _, _value: None)
    monkeypatch.setattr(Detector, "importing", always, raising=False)
    path.write_text("two")
    wait_for(lambda: states(tmp_path)[0]["status"]["waiting"])


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


def test_leftovers_are_removed(begin: Callable[..., Monitor], tmp_path: Path) -> None:
    """A monitor removes what an application left behind that ended long ago; not in start()."""
    (tmp_path / "journal").mkdir(mode=0o700)
    leftover = tmp_path / "journal" / "0123456789abcdef.journal"
    leftover.touch()
    os.utime(leftover, (0, 0))
    looked(begin())
    assert not leftover.exists()
