"""`wsgireload pause` and `resume`."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from support.published import publish

from wsgireload.cli import main
from wsgireload.cli.running import monitors
from wsgireload.state import pause
from wsgireload.state.pause import Pause, application_name
from wsgireload.state.private_dir import PrivateDir


def paused(
    folder: Path, group: str = "site", script: str | None = None, command: str = ""
) -> Pause | None:
    """The pause of an application."""
    opened = PrivateDir(str(folder))
    try:
        return pause.read(opened, application_name("daemon", group, script, command))
    finally:
        opened.close()


@pytest.mark.parametrize(
    ("given", "seconds"),
    [([], 600), (["--for", "90"], 90), (["--for", "45s"], 45), (["--for", "24h"], 86400)],
)
def test_pause_and_resume(folder: Path, given: list[str], seconds: int, capsys) -> None:
    """A pause begins now and ends after 10 minutes, or what --for says; resume ends it."""
    publish(folder)
    before = time.time()
    assert main(["pause", *given]) == 0
    found = paused(folder)
    assert found is not None
    assert found.until - found.since == pytest.approx(seconds, abs=0.001)
    assert before - 0.001 <= found.since <= time.time() + 0.001
    end = time.strftime("%H:%M:%S", time.localtime(found.until))
    out = capsys.readouterr().out
    assert out.startswith(f"ok    site, pid {os.getpid()}: paused until {end}, for ")
    assert "`wsgireload resume site` ends it" in out
    assert main(["resume"]) == 0
    assert paused(folder) is None
    assert f"ok    site, pid {os.getpid()}: resumed\n" in capsys.readouterr().out
    assert main(["resume"]) == 0
    assert "was not paused" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "printed"),
    [("90", "90 s"), ("90m", "90 min"), ("120", "2 min"), ("24h", "24 h"), ("3601", "3601 s")],
)
def test_how_long_it_lasts(folder: Path, given: str, printed: str, capsys) -> None:
    """The duration is printed as it is, not rounded."""
    publish(folder)
    assert main(["pause", "--for", given]) == 0
    assert f", for {printed}; `wsgireload resume" in capsys.readouterr().out


def test_folders_that_cannot_be_read(folder: Path, monkeypatch, capsys) -> None:
    """JSON lists them too: what runs there is not paused."""
    publish(folder)
    monkeypatch.setattr(monitors, "_systemd_folders", lambda: ["/tmp/systemd-private-1"])
    assert main(["pause", "--all", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unreadable"] == ["/tmp/systemd-private-1"]


@pytest.mark.parametrize("given", ["0", "25h", "-5", "1d", "ten", "", "1e3", "9999999", "10 m"])
def test_durations_that_make_no_sense(folder: Path, given: str, capsys) -> None:
    """A duration has a unit that is known, and is a day at most."""
    publish(folder)
    with pytest.raises(SystemExit) as ended:
        main(["pause", f"--for={given}"])
    assert ended.value.code == 2
    assert f"{given!r}; it takes seconds, or a number with s, m or h" in capsys.readouterr().err
    assert paused(folder) is None


def test_one_of_several(folder: Path, capsys) -> None:
    """Without a name several applications are listed; a name pauses one, --all ends each pause."""
    publish(folder, "1-a", group="shop")
    publish(folder, "2-a", group="blog")
    assert main(["pause"]) == 2
    assert "several applications run" in capsys.readouterr().err
    assert main(["pause", "shop", "--for", "5m"]) == 0
    assert paused(folder, "shop")
    assert not paused(folder, "blog")
    assert main(["resume"]) == 2
    assert main(["resume", "--all"]) == 0
    assert not paused(folder, "shop")


def test_one_name_in_two_apaches(folder: Path, capsys) -> None:
    """Two Apaches have process groups of one name: the one that is named is paused, no other."""
    for number, name in enumerate(("one", "two"), 1):
        more = {"command": f"{name:0>16}"}
        publish(folder, f"{number}-a", parent=number, script=f"/srv/{name}.wsgi", more=more)
    assert main(["pause", "site"]) == 2
    assert "name its WSGI script" in capsys.readouterr().err
    assert main(["pause", "/srv/two.wsgi"]) == 0
    assert paused(folder, command=f"{'two':0>16}")
    assert not paused(folder, command=f"{'one':0>16}")
    assert not paused(folder)
    assert main(["resume", "--all"]) == 0
    assert not list(folder.glob("*.pause"))


def test_a_pid_tells_two_apaches_apart(folder: Path, capsys) -> None:
    """Where several Apaches serve one script in groups of one name, a pid of the error selects."""
    for number, pid in enumerate((os.getpid(), os.getppid()), 1):
        script, more = "/srv/app.wsgi", {"command": f"{number:0>16}"}
        publish(folder, f"{number}-a", parent=number, pid=pid, script=script, more=more)
    assert main(["pause", "/srv/app.wsgi"]) == 2
    assert "name its WSGI script, or one of its pids" in capsys.readouterr().err
    assert main(["pause", str(os.getppid())]) == 0
    assert [path.name for path in folder.glob("*.pause")] == [
        application_name("daemon", "site", None, f"{2:0>16}") + pause.PAUSE
    ]


def test_every_script_of_a_server(folder: Path) -> None:
    """Without a process group, as on Windows, all applications of the process pause with it."""
    publish(folder, "1-a", group="", script="/a.wsgi")
    publish(folder, "1-b", group="", script="/b.wsgi")
    assert main(["pause"]) == 0
    assert paused(folder, "", "/a.wsgi") == paused(folder, "", "/b.wsgi") != None  # noqa: E711


def test_where_it_cannot_be_written(folder: Path, capsys, monkeypatch) -> None:
    """A pause that did not begin is a failure, with its reason."""
    publish(folder)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Pause, "begin", refuse)
    assert main(["pause", "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert not data["ok"]
    assert data["applications"][0]["outcome"] == "not possible: Permission denied"


def test_nothing_to_pause(folder: Path, capsys) -> None:
    """Without a monitor nothing is paused."""
    assert main(["pause"]) == 1
    assert "no monitor found" in capsys.readouterr().out
