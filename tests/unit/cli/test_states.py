"""The states of running processes: which are found, which are believed, and in whose folders."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from support.otherprograms import Programs
from support.published import publish

from wsgireload import settings, threads
from wsgireload.cli import main, programs, restart
from wsgireload.cli.running import monitors, processes
from wsgireload.server.process import identity as identity_of


def test_status(folder: Path, capsys) -> None:
    """The status of a running process is printed."""
    last = {"at": time.time() - 130, "reason": "a.py changed", "took": 0.5}
    publish(folder, generation=3, history=[last, {"at": 1, "reason": "older", "took": None}])
    assert main(["status"]) == 0
    out = capsys.readouterr().out
    assert "  generation   3\n" in out
    assert "  reloaded     2 min ago, in 0.50 s: a.py changed\n" in out
    assert f"ok    site, pid {os.getpid()}: watching, 7 files\n" in out
    assert str(folder) not in out
    assert main(["status", "--verbose"]) == 0
    assert f"in {folder}/1-app.state" in capsys.readouterr().out


def test_status_of_a_process_that_waits(folder: Path, capsys) -> None:
    """What a restart waits for is printed, with the time for which it has run."""
    waiting = [{"what": "request GET /slow in thread 7", "since": time.time() - 4}]
    publish(folder, restarting=True, waiting=[*waiting, {"what": "thread 'mail_0'", "since": None}])
    assert main(["status"]) == 0
    out = capsys.readouterr().out
    assert ": restarting, 7 files" in out
    assert "waiting for  request GET /slow in thread 7, which has run for 4 s, thread" in out


def test_status_beside_another_reloader(folder: Path, capsys) -> None:
    """The warning about another reloader is printed."""
    publish(folder, beside="the reloader monitor restarts this process as well")
    assert main(["status"]) == 0
    assert "  beside       the reloader monitor restarts" in capsys.readouterr().out


def test_what_cannot_be_a_state(folder: Path, capsys) -> None:
    """Damaged files, links and other files are skipped."""
    (folder / "a.state").write_text("{")
    (folder / "b.state").write_text("[]")
    (folder / "c.state").write_text('{"time": 1}')
    (folder / "d.state").symlink_to(publish(folder, "target"))
    (folder / "e.asked").write_text("")
    assert main(["status", "--json"]) == 0
    (monitor,) = json.loads(capsys.readouterr().out)["monitors"]
    assert monitor["folder"] == str(folder)


@pytest.mark.parametrize(
    "status",
    [
        {"pid": "1"},
        {"files": None},
        {"server": []},
        {"holding": {}},
        {"changed": 1},
        {"history": [1]},
        {"history": [{"at": "now"}]},
        {"history": {"at": 1}},
        {"application": ["x"]},
    ],
    ids=str,
)
def test_what_others_may_write(folder: Path, status: dict[str, object], capsys) -> None:
    """An invalid file of another user is skipped and hides no other monitor."""
    publish(folder, "odd", **status)
    publish(folder, "good")
    assert main(["status"]) == 0
    assert capsys.readouterr().out.count("watching") == 1


HOSTILE = {
    "not a number": '{"time": NaN}',
    "infinite": '{"time": 1e999}',
    "no time": '{"time": "now"}',
    "huge": '{"time": ' + "9" * 5000 + "}",
    "deep": "[" * 100_000,
    "deep inside": '{"time": ' + '{"a":' * 100_000,
    "null": "null",
    "nothing": "",
    "no text": b"\xff\xfe\x00",
    "too long": " " * (1 << 20) + "{}",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_files_that_are_no_status(folder: Path, content: str | bytes, capsys) -> None:
    """Whatever is in a file, it is skipped, and the others are listed."""
    raw = content if isinstance(content, bytes) else content.encode()
    (folder / "0-odd.state").write_bytes(raw)
    publish(folder, "good")
    assert main(["status"]) == 0
    assert capsys.readouterr().out.count("watching") == 1


def test_an_error_that_nobody_foresaw(folder: Path, monkeypatch, capsys) -> None:
    """Any exception concerns the one file that caused it."""
    publish(folder, "odd", pid=1)
    publish(folder, "good")
    real = processes.is_alive

    def is_alive(pid: int, since: float, identity: str) -> bool:
        return real(pid, since, identity) if pid == os.getpid() else bool(1 / 0)

    monkeypatch.setattr(processes, "is_alive", is_alive)
    assert main(["status"]) == 0
    assert capsys.readouterr().out.count("watching") == 1


def test_more_files_than_anyone_needs(folder: Path, monkeypatch) -> None:
    """Of a folder with too many files the first ones are read."""
    monkeypatch.setattr(monitors, "MOST_FILES", 3)
    for number in range(5):
        publish(folder, f"{number}-app")
    assert [each.name for each in monitors.find().monitors] == ["0-app", "1-app", "2-app"]


def test_a_pid_file_selects_by_the_parent_that_a_process_has(folder: Path, capsys) -> None:
    """--pid-file compares the real parent, whatever the status has."""
    publish(folder, "right", parent=1)
    publish(folder, "forged", pid=os.getppid(), parent=os.getppid())
    pid_file = folder / "httpd.pid"
    pid_file.write_text(f"{os.getppid()}\n")
    assert main(["restart", "--pid-file", str(pid_file), "--wait", "0", "--json"]) == 1
    assert [each["pid"] for each in json.loads(capsys.readouterr().out)["monitors"]] == [
        os.getpid()
    ]


def test_a_pid_file_of_an_apache_without_a_monitor(folder: Path, capsys) -> None:
    """The monitors of others are no reason to restart anything, and not denied either."""
    publish(folder)
    pid_file = folder / "httpd.pid"
    pid_file.write_text(f"{os.getpid()}\n")
    assert main(["restart", "--pid-file", str(pid_file), "--wait", "0"]) == 1
    out = capsys.readouterr().out
    assert out == "no monitor of that Apache found; `wsgireload status` lists the others\n"


def test_parents_without_proc(monkeypatch) -> None:
    """Where there is no /proc, ps knows the parent."""
    monkeypatch.setattr(os.path, "exists", lambda path: False)
    monkeypatch.setattr(programs, "run", Programs(ps=(0, "  42\n", "")))
    assert processes.parent(7) == 42
    monkeypatch.setattr(programs, "run", Programs(ps=(1, "", "no such process")))
    assert processes.parent(7) is None


def test_two_monitors_of_one_name(folder: Path, tmp_path: Path, monkeypatch) -> None:
    """A file of another folder with the same name does not answer for a monitor."""
    other = tmp_path / "other"
    other.mkdir(0o700)
    monkeypatch.setattr(monitors, "folders_of_all_users", lambda: [str(other)])
    publish(folder)
    publish(other)
    states = monitors.find().monitors
    (other / "1-app.state").unlink()
    assert len(states) == 2
    passed: list[float] = []
    outcomes = restart.request(states, 0.0, lambda: sum(passed), passed.append)
    assert outcomes[f"{folder}/1-app.state"] == "requested, no result yet"
    assert outcomes[f"{other}/1-app.state"] == "restarted"


def test_an_interval_that_nobody_waits_for(folder: Path) -> None:
    """The interval in a status file prolongs the wait by a minute at most."""
    publish(folder, interval=1e9)
    passed: list[float] = []
    restart.request(monitors.find().monitors, 5.0, lambda: 40.0 * len(passed), passed.append)
    assert len(passed) == 2


def test_an_answer_after_the_clock_was_set_back(folder: Path) -> None:
    """A status that seems to be older than the request is an answer, too."""
    publish(folder)
    monitor = monitors.find().monitors

    def answer(_seconds: float) -> None:
        publish(folder, when=time.time() - 3600, holding="a.py, line 1: no", more=this)

    this = {"process": identity_of(os.getpid()), "taken": 1}
    outcomes = restart.request(monitor, 60.0, iter(range(100)).__next__, answer)
    assert list(outcomes.values()) == ["holding: a.py, line 1: no"]


def test_what_a_terminal_would_obey(folder: Path, capsys) -> None:
    """Characters that move the cursor or forge a line are escaped."""
    publish(folder, application="\x1b[2J\nok    forged", holding="a\rb", changed=["\x07"])
    assert main(["status"]) == 1
    assert main(["restart", "--wait", "0"]) == 1
    out = capsys.readouterr().out
    assert not set("\x1b\r\x07") & set(out)
    assert "\nok    forged" not in out


def test_states_of_the_dead(folder: Path) -> None:
    """The status file of an ended process is removed, also if its pid is in use again."""
    gone = publish(folder, "gone", pid=2**22 + 1)
    reused = publish(folder, "reused", when=1.0)
    assert monitors.find().monitors == []
    assert not gone.exists()
    assert not reused.exists()


@pytest.mark.parametrize("seconds", [3600.0, -3600.0])
def test_a_clock_that_was_set(folder: Path, seconds: float, monkeypatch) -> None:
    """Whatever the clock shows, a process is the one that wrote the status file, or it is not."""
    this = {"process": identity_of(os.getpid()), "apache": identity_of(os.getppid())}
    publish(folder, "living", more=this)
    publish(folder, "replaced", parent=os.getppid(), more=this).rename(folder / "0.ended")
    _, ticks, boot = this["process"].split()
    earlier = f"{os.getpid()} {int(ticks) - 1} {boot}"
    other_boot = f"{os.getpid()} {ticks} {'0' * len(boot)}"
    for name, identity in (("earlier", earlier), ("boot", other_boot)):
        publish(folder, name, more={"process": identity})
    real = time.time
    for clocks in (time, threads.time):
        monkeypatch.setattr(clocks, "time", lambda: real() + seconds)
    monkeypatch.setattr(monitors, "RECENT", 2 * abs(seconds))
    found = monitors.find()
    assert [each.name for each in found.monitors] == ["living"]
    assert len(found.ended) == 1
    assert sorted(path.name for path in folder.glob("*.state")) == ["living.state"]


def test_the_state_of_a_zombie(folder: Path) -> None:
    """A zombie process is not listed as a running monitor."""
    with subprocess.Popen(["sleep", "60"]) as process:
        publish(folder, "1-old", pid=process.pid)
        publish(folder, "1-new", pid=process.pid, more={"process": identity_of(process.pid)})
        assert len(monitors.find().monitors) == 2
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert monitors.find().monitors == []


def test_planted_states(folder: Path, monkeypatch) -> None:
    """A folder is believed only about its owner's processes."""
    publish(folder)
    monkeypatch.setattr(processes, "owner", lambda pid: 12345)
    assert monitors.find().monitors == []


def test_open_and_closed_folders(folder: Path, capsys) -> None:
    """A folder that others can write to is not used, and a warning names it."""
    publish(folder)
    folder.chmod(0o777)
    assert main(["status"]) == 1
    out = capsys.readouterr().out
    assert "no monitor found in the readable folders" in out
    assert f"skipped, open to other users, so that no monitor uses it: {folder}" in out
    assert "only by root" not in out


def test_everybodys_folders(tmp_path: Path, monkeypatch) -> None:
    """Folders of other users are found in the shared folders."""
    monkeypatch.setattr(settings, "environment", lambda: {"TMPDIR": str(tmp_path)})
    for name in ("wsgireload-33", "wsgireload-1000", "wsgireload-x", "other"):
        (tmp_path / name).mkdir()
    found = [path for path in monitors.folders_of_all_users() if path.startswith(str(tmp_path))]
    assert found == [f"{tmp_path}/wsgireload-1000", f"{tmp_path}/wsgireload-33"]


@pytest.mark.parametrize("readable", [True, False])
def test_one_folder_by_several_paths(readable: bool, tmp_path: Path, monkeypatch) -> None:
    """Where /var/tmp is a link to /tmp, or TMPDIR ends with a slash, each monitor is found once."""
    real, link = tmp_path / "tmp", tmp_path / "link"
    folder = real / "wsgireload-33"
    folder.mkdir(parents=True, mode=0o700)
    link.symlink_to(real)
    publish(folder)
    monkeypatch.setattr(settings, "state_folders", lambda: (str(folder),))
    monkeypatch.setattr(settings, "environment", lambda: {"TMPDIR": f"{real}/"})
    monkeypatch.setattr(monitors, "TMP", (str(real), str(link)))

    def refuse(*_: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    if not readable:
        monkeypatch.setattr(monitors, "PrivateDir", refuse)
    found = monitors.find()
    assert [each.folder for each in found.monitors] == [str(folder)] * readable
    assert found.unreadable == [str(folder)] * (not readable)


@pytest.mark.parametrize("service", ["apache2", "httpd", "apache2@mine", "httpd@mine"])
@pytest.mark.parametrize("is_root", [True, False])
def test_private_tmp(service: str, is_root: bool, tmp_path: Path, monkeypatch) -> None:
    """systemd gives each service its own /tmp: root searches it, other users get a hint."""
    own = tmp_path / f"systemd-private-0f1e-{service}.service-x1y2"
    (own / "tmp" / "wsgireload-48").mkdir(parents=True, mode=0o700)
    (tmp_path / "systemd-private-0f1e-ntpd.service-x1y2").mkdir()
    monkeypatch.setattr(settings, "state_folders", tuple)
    monkeypatch.setattr(monitors, "TMP", (str(tmp_path), "/nowhere"))
    monkeypatch.setattr(os, "geteuid", lambda: 0 if is_root else 12345)
    found = monitors.find()
    if is_root:
        publish(own / "tmp" / "wsgireload-48")
        assert [each.folder for each in monitors.find().monitors] == [f"{own}/tmp/wsgireload-48"]
    assert found.unreadable == ([] if is_root else [str(own)])
