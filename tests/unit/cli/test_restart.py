"""`wsgireload restart`: what comes of it, and by which program."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.otherprograms import Programs
from support.published import publish

from wsgireload.cli import main, programs, restart, windows
from wsgireload.cli.running import monitors
from wsgireload.cli.running.monitors import RunningMonitor
from wsgireload.cli.terminal import UsageError


def test_restart_with_nothing_coming_of_it(folder: Path, capsys) -> None:
    """Without a result in time the command reports that, and the request remains."""
    publish(folder, interval=0.0)
    assert main(["restart", "--wait", "0"]) == 1
    assert "requested, no result yet" in capsys.readouterr().out
    assert (folder / "1-app.restart").exists()


def test_restart_held_before_and_after(folder: Path, monkeypatch) -> None:
    """Only a hold that is reported after the request was taken is its outcome."""
    path = publish(folder, holding="old")
    (state,) = monitors.find().monitors
    passed: list[float] = []

    def ask() -> dict[str, str]:
        return restart.request([state], 5.0, lambda: sum(passed), passed.append)

    def on_request(deed: Callable[[object], object]) -> None:
        monkeypatch.setattr(RunningMonitor, "request_restart", deed)

    assert ask() == {state.path: "requested, no result yet"}
    assert sum(passed) == pytest.approx(6.0, abs=0.1)  # the wait, and the monitor's interval
    passed.clear()
    on_request(lambda self: publish(folder, when=time.time() + 0.5, holding="old", looks=9))
    assert ask() == {state.path: "requested, no result yet"}  # written anew, for another reason
    on_request(lambda self: publish(folder, holding="new", more={"taken": 1}))
    assert ask() == {state.path: "holding: new"}
    on_request(lambda self: path.unlink())
    assert ask() == {state.path: "restarted"}


def test_restart_instead_of_the_next_request(folder: Path, monkeypatch) -> None:
    """A restart that waits for the next request is made now, which is no failure."""
    path = publish(folder, restarting=True)
    (state,) = monitors.find().monitors
    monkeypatch.setattr(RunningMonitor, "request_restart", lambda self: None)
    passed: list[float] = []

    def sleep(seconds: float) -> None:
        passed.append(seconds)
        path.unlink(missing_ok=True)

    assert restart.request([state], 5.0, lambda: sum(passed), sleep) == {state.path: "restarted"}


def test_restart_of_another_users(folder: Path, monkeypatch) -> None:
    """A request that cannot be made is an outcome."""
    publish(folder)
    (state,) = monitors.find().monitors
    monkeypatch.setattr(
        RunningMonitor,
        "request_restart",
        lambda self: (_ for _ in ()).throw(PermissionError(13, "no")),
    )
    assert restart.request([state], 0.0) == {state.path: "cannot request a restart: no"}


def chosen(**options: object) -> argparse.Namespace:
    """Parsed arguments."""
    none = dict.fromkeys(("name", "service", "pid_file", "httpd", "config"))
    return argparse.Namespace(**none | {"json": False} | options)


def test_restart_of_a_service(monkeypatch, capsys) -> None:
    """A service is restarted by its own httpd.exe, which checks its configuration."""
    output = '\n        BINARY_PATH_NAME   : "C:\\Apache24\\bin\\httpd.exe" -k runservice\n'
    ran = Programs(sc=(0, output, ""))
    monkeypatch.setattr(programs, "run", ran)
    assert windows.restart(chosen(service="Apache2.4")) == 0
    httpd = r"C:\Apache24\bin\httpd.exe"
    assert ran.ran[1] == [httpd, "-k", "restart", "-n", "Apache2.4"]
    assert "service Apache2.4: restart requested" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name", ["BINARY_PATH_NAME", "NOM_CHEMIN_BINAIRE", "BIN\N{REPLACEMENT CHARACTER}R"]
)
@pytest.mark.parametrize("quote", ["", '"'])
def test_the_program_of_a_service(name: str, quote: str, monkeypatch) -> None:
    """It is found in whatever language Windows names it."""
    output = (
        "[SC] QueryServiceConfig SUCCESS\n\nSERVICE_NAME: Apache2.4\n        TYPE  : 10  WIN32\n"
        f"        {name}   : {quote}C:\\Program Files\\bin\\httpd.EXE{quote} -k runservice\n"
        "        TAG                : 0\n        DISPLAY_NAME       : Apache2.4\n"
    )
    monkeypatch.setattr(programs, "run", Programs(sc=(0, output, "")))
    assert windows.service_program("Apache2.4", None) == r"C:\Program Files\bin\httpd.EXE"
    monkeypatch.setattr(programs, "run", Programs(sc=(1060, "no such service", "")))
    with pytest.raises(UsageError, match="it takes the name of a service: no such service"):
        windows.service_program("Apache2.4", None)


def test_restart_with_a_broken_configuration(monkeypatch, tmp_path: Path, capsys) -> None:
    """The Apache of a PID file is restarted only if its configuration is correct."""
    (tmp_path / "httpd.pid").write_text("4711\r\n")
    monkeypatch.setattr(programs, "run", Programs(httpd=(1, "", "Syntax error on line 1")))
    events: list[str] = []
    monkeypatch.setattr(windows, "_set_event", lambda name: (events.append(name), (0, ""))[1])
    asked = chosen(pid_file=str(tmp_path / "httpd.pid"), httpd="httpd")
    assert windows.restart(asked) == 1
    assert "pid 4711: not restarted: Syntax error on line 1" in capsys.readouterr().out
    assert events == []
    monkeypatch.setattr(programs, "run", Programs())
    assert windows.restart(asked) == 0
    assert events == ["ap4711_restart"]


@pytest.mark.parametrize("which", [{"service": "Apache2.4"}, {"pid_file": "httpd.pid"}], ids=str)
def test_a_name_of_what_restarts_as_a_whole(which: dict[str, str], monkeypatch) -> None:
    """On Windows both forms restart Apache itself: with a name, nothing is restarted."""
    ran = Programs()
    monkeypatch.setattr(programs, "run", ran)
    with pytest.raises(UsageError, match="restarts Apache itself: leave out NAME"):
        windows.restart(chosen(name="blog", **which))
    assert ran.ran == []


def test_a_pid_file_needs_a_program(monkeypatch, tmp_path: Path) -> None:
    """Without a program for the check nothing is restarted."""
    (tmp_path / "httpd.pid").write_text("4711")
    with pytest.raises(UsageError, match="--pid-file needs --httpd"):
        windows.restart(chosen(pid_file=str(tmp_path / "httpd.pid")))
    (tmp_path / "httpd.pid").write_text("no pid")
    with pytest.raises(UsageError, match="a file with a pid, not 'no pid'"):
        windows.read_pid(str(tmp_path / "httpd.pid"))


def test_a_program_that_is_not_there() -> None:
    """A program that does not exist is no exception."""
    code, _, said = programs.run(["/no/such/program"])
    assert code == -1
    assert "No such file" in said
