"""`wsgireload wait`, with status files in place of monitors."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.published import publish

from wsgireload.cli import main, wait
from wsgireload.cli.running import monitors, rollout
from wsgireload.cli.running.monitors import RunningMonitor
from wsgireload.cli.terminal import UsageError

PARENT = os.getppid()
UP: dict[str, Any] = {"preloaded": True, "since": 1.0, "parent": PARENT, "script": "/srv/app.wsgi"}
FAILURE = {"at": 1.0, "error": "KeyError: 'X'", "traceback": "", "path": "/a.py", "line": 3}


class World:
    """Time that passes with each look, and what the monitors of the folder do meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 0.0
        self.plan: dict[int, Callable[[], object]] = {}  # what happens after so many looks
        self.answers = True
        self._looks = 0

    def publish(self, name: str = "1-a", **status: Any) -> Path:
        """Write the status of a monitor."""
        return publish(self.folder, name, **(UP | status))

    def end(self, name: str = "1-a", **status: Any) -> None:
        """Have a process be replaced: its last status is kept."""
        self.publish(name, **status).rename(self.folder / "0123456789abcdef.ended")

    def sleep(self, _seconds: float) -> None:
        """Let a second pass, and the monitors answer."""
        self.now += 1.0
        self._looks += 1
        self.plan.pop(self._looks, lambda: None)()
        if self.answers:
            self.answer()

    def answer(self) -> None:
        """Each monitor has scanned, and its status shows what came of it."""
        for path in self.folder.glob("*.scan"):
            path.unlink()

    def wait(self, name: str | None = None, timeout: float = 100.0) -> tuple[int, list[str]]:
        """The exit code, and the state and text of each monitor."""
        options = argparse.Namespace(name=name, timeout=timeout)
        code, _, findings = wait.follow(options, lambda: self.now, self.sleep)
        return code, [f"{each.state}: {each.text}" for each in findings]


@pytest.fixture
def world(folder: Path) -> World:
    """A machine without a monitor."""
    return World(folder)


@pytest.fixture
def other() -> Iterator[int]:
    """The pid of another process of ours."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process.pid
        process.kill()


def test_a_status_alone_proves_nothing(world: World) -> None:
    """A monitor counts once it has answered; until then its status may be an old one."""
    world.publish()
    world.answers = False
    code, [text] = world.wait(timeout=5.0)
    assert (code, text.split(":")[0]) == (3, "pending")
    assert list(world.folder.glob("*.scan"))
    world.answers = True
    assert world.wait() == (0, ["current: runs what lies on disk"])


def test_a_script_that_hangs(world: World) -> None:
    """The wait says where loading hangs, as that is all that it waits for."""
    text = "the WSGI script is still being loaded: /srv/hello.py, line 9"
    world.publish(loading=text)
    world.answers = False
    assert world.wait(timeout=5.0) == (3, [f"pending: {text}"])


def test_a_request_of_another(world: World) -> None:
    """The answer to an earlier request is none to ours: that scan may have begun before."""
    path = world.publish()
    path.with_suffix(".scan").touch()
    world.plan = {1: world.answer, 2: lambda: world.publish(changed=["a.py"])}
    world.answers = False
    assert world.wait(timeout=5.0) == (3, ["pending: changed: a.py"])


@pytest.mark.parametrize(
    ("status", "code", "text"),
    [
        ({}, 0, "current: runs what lies on disk"),
        ({"holding": "a.py, line 1: no"}, 1, "failed: holding: a.py, line 1: no"),
        ({"holding": "paused until 12:00", "paused": 2e9}, 1, "failed: holding: paused until"),
        ({"paused": 2e9}, 0, "current: runs what lies on disk"),
        ({"failed": FAILURE}, 1, "failed: could not load the application: KeyError: 'X' (/a.py"),
        ({"failed": FAILURE, "changed": ["a.py"]}, 3, "pending: changed: a.py"),
        ({"restarting": True}, 3, "pending: restarting"),
        (
            {"restarting": True, "waiting": [{"what": "request GET /x", "since": None}]},
            3,
            "pending: restarting, waits for request GET /x",
        ),
        (
            {"restarting": True, "waiting": [{"what": "the next request", "since": None}]},
            0,
            "next-request: the next request replaces it",
        ),
    ],
    ids=str,
)
def test_what_a_monitor_does(world: World, status: dict[str, Any], code: int, text: str) -> None:
    """Once it has scanned, its status decides."""
    world.publish(**status)
    found, [said] = world.wait(timeout=5.0)
    assert found == code
    assert said.startswith(text)


def test_what_was_held_before(world: World) -> None:
    """A hold, or a failure, from before the deployment is not reported: it may be repaired."""
    world.publish(holding="a.py, line 1: no", changed=["a.py"])
    world.plan = {1: lambda: world.publish(changed=["a.py"]), 3: world.publish}
    assert world.wait()[0] == 0


def test_a_successor(world: World) -> None:
    """A process that is replaced meanwhile must have a successor, which has to scan as well."""
    path = world.publish(restarting=True)
    world.plan = {2: path.unlink, 9: lambda: world.publish("2-a", since=2.0)}
    assert world.wait() == (0, ["current: runs what lies on disk"])
    assert 9 < world.now < 20


def test_the_same_pid_again(world: World) -> None:
    """A new process with the pid of an old one is another monitor, and has to scan."""
    world.publish(restarting=True)
    world.plan = {
        2: lambda: world.publish(since=2.0, changed=["a.py"]),
        3: lambda: world.publish(since=2.0),
    }
    assert world.wait()[0] == 0
    assert world.now > 3


def test_no_successor(world: World) -> None:
    """Where a preloaded process has none for a minute, the exit code is 1."""
    world.end(pid=gone())
    code, [text] = world.wait()
    assert code == 1
    assert text.startswith("failed: 0 of 1 processes run, for 60 s")
    assert rollout.ABSENT <= world.now < rollout.ABSENT + 10


def gone() -> int:
    """A pid that no process has."""
    return 2**22 + 1


@pytest.mark.parametrize(("preloaded", "seconds"), [(False, rollout.GRACE), (None, rollout.ABSENT)])
def test_nobody_loads_it(world: World, preloaded: bool | None, seconds: float) -> None:
    """Without preloading a request brings the successor, and it runs what lies on disk."""
    world.end(preloaded=preloaded, pid=gone())
    code, [text] = world.wait()
    assert (code, text.split(":")[0]) == (0, "next-request")
    assert seconds <= world.now < seconds + 5


def test_an_application_whose_apache_has_ended(world: World) -> None:
    """It is not waited for: none will come."""
    world.end(parent=gone())
    assert world.wait() == (1, [])
    assert world.now == wait.NONE


def test_replaced_long_ago(world: World) -> None:
    """A process that was replaced long ago may belong to an application that is no longer there."""
    world.end()
    [path] = world.folder.glob("*.ended")
    os.utime(path, (1.0, 1.0))
    assert world.wait() == (1, [])


def test_some_of_its_processes(world: World, other: int) -> None:
    """All processes of the group are waited for, also if one was away in the beginning."""
    world.publish(processes=2)
    world.plan = {5: lambda: world.publish("2-a", processes=2, pid=other)}
    assert world.wait() == (0, ["current: runs what lies on disk"] * 2)
    assert world.now > 5


def test_a_monitor_that_was_stopped(world: World) -> None:
    """A process that goes on without its monitor is reported, with 1."""
    path = world.publish()
    world.plan = {1: path.unlink}
    assert world.wait() == (1, ["failed: its monitor has ended, its process has not"])


def test_none(world: World, capsys) -> None:
    """Without any monitor the exit code is 1, after ten seconds: one may be on its way."""
    assert world.wait() == (1, [])
    assert world.now == wait.NONE
    world.now, world.plan = 0.0, {int(wait.NONE) + 5: world.publish}
    assert world.wait() == (0, ["current: runs what lies on disk"])


def test_names(world: World) -> None:
    """A name selects one application, by its group or its script; without one it is all of them."""
    world.publish("1-a", group="shop", script="/srv/shop/app.wsgi")
    world.publish("2-a", group="blog", holding="no")
    assert world.wait("shop") == (0, ["current: runs what lies on disk"])
    assert world.wait("/srv/shop/app.wsgi")[0] == 0
    code, texts = world.wait()
    assert (code, len(texts)) == (1, 2)
    with pytest.raises(UsageError, match="'show'"):
        world.wait("show")


def test_a_named_application_that_is_away_for_long(world: World) -> None:
    """A name that was right when the wait began stays so, also while no process has it."""
    path = world.publish("1-a", group="shop")
    world.publish("2-a", group="blog")
    world.plan = {1: path.unlink, 20: lambda: world.publish("3-a", group="shop")}
    assert world.wait("shop") == (0, ["current: runs what lies on disk"])
    assert world.now > 20


def test_the_successor_of_a_pid(world: World, other: int) -> None:
    """A pid names its application, also once another process has taken its place."""
    path = world.publish("1-a", script=None)

    def replace() -> None:
        path.unlink()
        world.publish("2-a", script=None, pid=other, since=2.0)

    world.publish("3-a", group="blog", pid=os.getppid())
    world.plan = {2: replace, 30: world.answer}
    world.answers = False
    assert world.wait(str(os.getpid())) == (0, ["current: runs what lies on disk"])


def test_folders_that_cannot_be_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """All applications cannot be vouched for then; one that is named can be."""
    world.publish()
    find = monitors.find

    def with_another() -> monitors.Found:
        found = find()
        found.unreadable.append("/tmp/wsgireload-33")
        return found

    monkeypatch.setattr(wait.monitors, "find", with_another)
    assert world.wait("site")[0] == 0
    assert world.wait()[0] == 1


def test_folders_that_no_monitor_uses(world: World, tmp_path: Path, monkeypatch, capsys) -> None:
    """No user makes the deployments of all others fail with a folder that is open, or a link."""
    world.publish()
    (tmp_path / "wsgireload-1").mkdir()
    (tmp_path / "wsgireload-1").chmod(0o777)
    (tmp_path / "wsgireload-2").symlink_to(world.folder)
    planted = [str(tmp_path / f"wsgireload-{number}") for number in (1, 2)]
    monkeypatch.setattr(monitors, "folders_of_all_users", lambda: planted)
    assert world.wait() == (0, ["current: runs what lies on disk"])
    assert main(["status"]) == 0
    out = capsys.readouterr().out
    assert f"open to other users, so that no monitor uses it: {planted[0]}" in out


def test_a_folder_that_cannot_be_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the right to request a scan, `wait` reports that."""

    def refused(_self: RunningMonitor) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(RunningMonitor, "request_scan", refused)
    world.publish()
    assert world.wait() == (1, ["failed: cannot request a scan: Permission denied"])


def test_what_is_printed(world: World, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """One line for each monitor; with --json the same, and whether the time was over."""
    world.publish()
    monkeypatch.setattr(wait, "POLL", 0.0)
    assert main(["wait", "--timeout", "1", "--json"]) == 3
    data = json.loads(capsys.readouterr().out)
    [found] = data.pop("monitors")
    assert data == {"ok": False, "timeout": True, "unreadable": []}
    assert found.pop("text")
    assert found == {"name": "site", "pid": os.getpid(), "state": "pending"}
    world.answer()
    world.publish(holding="a.py, line 1: no")
    monkeypatch.setattr(RunningMonitor, "has_scanned", lambda _self: True)
    assert main(["wait"]) == 1
    out = capsys.readouterr().out
    assert out == f"fail  site, pid {os.getpid()}: holding: a.py, line 1: no\n"
    with pytest.raises(SystemExit) as ended:
        main(["wait", "--timeout", "soon"])
    assert ended.value.code == 2
