"""The command line, without an Apache."""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.published import publish

from wsgireload import settings, threads
from wsgireload.cli import configuration, main, programs, restart, terminal, windows
from wsgireload.cli.apache.directives import words
from wsgireload.cli.installation import Installation
from wsgireload.cli.running import monitors, processes
from wsgireload.cli.running.monitors import RunningMonitor
from wsgireload.cli.terminal import UsageError
from wsgireload.server.process import identity as identity_of

WINDOWS = Installation(
    True,
    "3.11",
    64,
    r"C:\srv\mysite\venv",
    r"C:\Python311",
    r"C:\srv\mysite\venv\Lib\site-packages",
)


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
    (told,) = json.loads(capsys.readouterr().out)["monitors"]
    assert told["folder"] == str(folder)


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
    """A folder that others can write to is not believed, and a warning says so."""
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


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["restart", "--service", "x"], "--service works on Windows only"),
        (["restart", "--pid-file", "/no/where"], "--pid-file is '/no/where': No such file"),
        (["files", "/no/where"], "SCRIPT is '/no/where'; it takes an existing WSGI script"),
        (["config", "/no/where"], "SCRIPT is '/no/where'; it takes an existing WSGI script"),
        (["config", "--django", "/no"], "--django is '/no'; it takes the folder with manage.py"),
        (["config", "--flask", "a b"], "--flask is 'a b'; it takes MODULE:APP"),
        (["config", "--flask", "nowhere:app"], "--flask is 'nowhere:app'; there is no nowhere"),
        (["config", "--django", ""], "--django is ''; "),
        (["config", "--flask", ""], "--flask is ''; it takes MODULE:APP"),
        (["config", __file__, "--url", "app"], "--url is 'app'; it takes a URL path"),
        (["config", __file__, "--name", "a b"], "--name is 'a b'; it takes letters"),
    ],
)
def test_misuse(given: list[str], said: str, capsys, folder: Path) -> None:
    """An error names the argument, its value and what it takes; the exit code is 2."""
    assert main(given) == 2
    told = capsys.readouterr()
    assert told.err.startswith(f"wsgireload: {said}")
    assert told.out == ""


@pytest.mark.parametrize("given", [[], ["nothing"], ["files"], ["config"]])
def test_misuse_that_argparse_sees(given: list[str], capsys) -> None:
    """An error of argparse has the same exit code."""
    with pytest.raises(SystemExit) as ended:
        main(given)
    assert ended.value.code == 2


def test_version(capsys) -> None:
    """The version is that of the package."""
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.startswith("wsgireload ")


class Terminal(io.StringIO):
    """A stdout that is a terminal, or not."""

    def __init__(self, *, real: bool) -> None:
        super().__init__()
        self.real = real

    def isatty(self) -> bool:
        return self.real


@pytest.mark.parametrize(
    ("real", "no_color", "coloured"),
    [(True, None, True), (False, None, False), (True, "1", False), (True, "", True)],
)
def test_colour(real: bool, no_color: str | None, coloured: bool, monkeypatch) -> None:
    """Colours are for terminals without NO_COLOR."""
    monkeypatch.setattr("sys.stdout", Terminal(real=real))
    known = {} if no_color is None else {"NO_COLOR": no_color}
    monkeypatch.setattr(settings, "environment", lambda: known)
    assert terminal.level("fail") == ("\033[31mfail\033[0m" if coloured else "fail")
    assert ("\033" in terminal.level("ok")) == coloured


def test_what_the_terminal_cannot_show(monkeypatch) -> None:
    """A character that the terminal's encoding lacks is escaped."""
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    terminal.print_text("é \udcff")
    assert raw.getvalue() == b"\\xe9 \\udcff\n"


def test_everything_printed_is_harmless(capsys, monkeypatch) -> None:
    """Whatever reaches the terminal cannot move its cursor; colours of ours and lines remain."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    text = "a\x1b[2Jb\rc\x9bd\u202ee\n\tf\x1b]0;title\x07\x1b[31m"
    harmless = "a\\x1b[2Jb\\rc\\x9bd\\u202ee\n\tf\\x1b]0;title\\x07\x1b[31m\n"
    terminal.print_text(text)
    terminal.print_aside(text)
    out, err = capsys.readouterr()
    assert out == err == harmless


UNIX = Installation(False, "3.11", 64, "/srv/venv", "/usr", "/srv/venv/lib/site-packages")


def conf_for(folder: str, url: str = "/") -> str:
    """The configuration for a script in this folder."""
    return configuration.conf(
        configuration.Application("site", folder, f"{folder}/app.wsgi", url, ""), UNIX
    )


def test_the_end_of_a_url(tmp_path: Path, capsys) -> None:
    """A slash at its end is left out: below such an alias nothing would be found."""
    script = tmp_path / "app.wsgi"
    script.write_text("application = None\n")
    assert main(["config", str(script), "--url", "/app/"]) == 0
    assert f"WSGIScriptAlias /app {script} " in capsys.readouterr().out


def test_config_with_odd_names(monkeypatch) -> None:
    """Quotes are escaped, wildcards are characters, and ${…} is not a variable."""
    monkeypatch.setattr(configuration, "_mod_wsgi", lambda here: "/m/mod_wsgi.so")
    text = conf_for(r"""/srv/a "b"\c""", "/my site")
    assert r'python-path="/srv/a \"b\"\\c"' in text
    assert r"""WSGIScriptAlias "/my site" "/srv/a \"b\"\\c/app.wsgi" """ in text
    assert r"""<Directory "/srv/a \"b\"\\c">""" in text
    assert r"""<Directory "/srv/a[*]\\\\[[]b">""" in conf_for(r"/srv/a*\[b")
    text = conf_for("/srv/${HOME}")
    assert text.startswith("Define wsgireload_dollar $\n")
    assert "${HOME}" not in text
    assert "<Directory /srv/${wsgireload_dollar}{HOME}>" in text
    assert "Define" not in conf_for("/srv/site")


@pytest.mark.parametrize("name", ["a\nRequire all denied", "a\tb", "a:b", "a\x1b[2J", "a\udcff"])
def test_config_that_apache_could_not_read(name: str, monkeypatch) -> None:
    """A name that no configuration can contain is an error."""
    monkeypatch.setattr(configuration, "_mod_wsgi", lambda here: "/m/mod_wsgi.so")
    with pytest.raises(UsageError, match="cannot contain"):
        conf_for(f"/srv/{name}")


def test_words_as_apache_reads_them() -> None:
    """Quotes join words and are removed; backslashes of Windows stay."""
    text = r"""A "b c" d="e f" 'g "h' "i \"j" C:\srv "C:\my srv" """
    assert words(text) == ("A", "b c", "d=e f", 'g "h', 'i "j', r"C:\srv", r"C:\my srv")


@pytest.mark.parametrize(
    ("document", "production"),
    [("README.md", False), ("docs/linux.md", True), ("docs/deploying.md", True)],
)
def test_config_prints_what_the_documents_recommend(
    document: str, production: bool, monkeypatch
) -> None:
    """Each WSGIDaemonProcess and WSGIScriptAlias of mysite is the one that `config` prints.

    Of a server's documents it is the one for `production`.
    """
    monkeypatch.setattr(configuration, "_mod_wsgi", lambda here: "/m/mod_wsgi.so")
    machine = replace(WINDOWS, windows=False, prefix="/srv/mysite/venv", base_prefix="/usr")
    site = configuration.Application("mysite", "/srv/mysite", "/srv/mysite/app.wsgi", "/", "")
    printed = configuration.conf(site, machine, production=production).splitlines()
    text = (Path(__file__).parents[3] / document).read_text("utf-8")
    lines = re.findall(r"^(?:WSGIDaemonProcess mysite|WSGIScriptAlias /) .*", text, re.MULTILINE)
    assert lines
    assert set(lines) <= set(printed)


def with_respawn(folder: Path, production: bool, monkeypatch) -> list[str]:
    """The configuration, by a wsgireload in this folder that has the library for the parent."""
    monkeypatch.setattr(configuration, "_mod_wsgi", lambda here: "/m/mod_wsgi.so")
    folder.mkdir(exist_ok=True)
    (folder / "respawn.so").touch()
    site = configuration.Application("mysite", "/srv/mysite", "/srv/mysite/app.wsgi", "/", "")
    machine = replace(UNIX, package=str(folder))
    return configuration.conf(site, machine, production=production).splitlines()


def test_config_for_development(tmp_path: Path, monkeypatch) -> None:
    """An ended process is replaced at once, and mod_wsgi's own times apply."""
    printed = with_respawn(tmp_path, False, monkeypatch)
    path = f"{tmp_path}/respawn.so"
    assert printed[-3:] == [f"<IfFile {path}>", f"  LoadFile {path}", "</IfFile>"]
    assert printed[-4].startswith("# For development: ")
    assert "WSGIDaemonProcess mysite python-home=/srv/venv python-path=/srv/mysite" in printed
    printed = with_respawn(tmp_path / "a b", False, monkeypatch)
    assert printed[-2] == f'  LoadFile "{tmp_path}/a b/respawn.so"'


def test_config_for_production(tmp_path: Path, monkeypatch) -> None:
    """No library of ours is loaded into root's process: a comment holds the line."""
    printed = with_respawn(tmp_path, True, monkeypatch)
    assert printed[-1] == f"# LoadFile {tmp_path}/respawn.so"
    assert "as root" in printed[-2]
    assert not [line for line in printed if line.startswith("LoadFile")]
    options = "processes=2 python-home=/srv/venv python-path=/srv/mysite shutdown-timeout=10"
    assert f"WSGIDaemonProcess mysite {options}" in printed


def test_config_without_the_library(tmp_path: Path, monkeypatch) -> None:
    """Where none is installed, as on macOS, no line is printed for it."""
    monkeypatch.setattr(configuration, "_mod_wsgi", lambda here: "/m/mod_wsgi.so")
    site = configuration.Application("mysite", "/srv/mysite", "/srv/mysite/app.wsgi", "/", "")
    machine = replace(UNIX, package=str(tmp_path))
    for production in (False, True):
        text = configuration.conf(site, machine, production=production)
        assert "LoadFile" not in text


def test_config_on_windows(monkeypatch) -> None:
    """On Windows: LoadFile, LoadModule, the home of this Python, AcceptFilter, preloading once."""
    monkeypatch.setattr(configuration, "_mod_wsgi", lambda here: r"C:\m\mod_wsgi.pyd")
    script = r"C:\srv\mysite\app.wsgi"
    site = configuration.Application(
        "mysite", r"C:\srv\mysite", script, "/", "application = None\n"
    )
    assert configuration.conf(site, WINDOWS) == (
        'LoadFile "C:/Python311/python311.dll"\n'
        'LoadModule wsgi_module "C:/m/mod_wsgi.pyd"\n'
        'WSGIPythonHome "C:/Python311"\n'
        'WSGIPythonPath "C:/srv/mysite;C:/srv/mysite/venv/Lib/site-packages"\n'
        "AcceptFilter http none\n"
        "AcceptFilter https none\n"
        'WSGIScriptAlias / "C:/srv/mysite/app.wsgi" application-group=%{GLOBAL}\n'
        "<Directory C:/srv/mysite>\n"
        "  <Files app.wsgi>\n"
        "    Require all granted\n"
        "    WSGIScriptReloading Off\n"
        "  </Files>\n"
        "</Directory>"
    )
    assert configuration.script(site, WINDOWS).startswith(
        "import wsgireload\nwsgireload.start()\n\nappl"
    )


def test_for_production(tmp_path: Path) -> None:
    """On a server with visitors, the printed script also holds code that does not load."""
    (tmp_path / "shop.py").write_text("")
    site = configuration.flask("shop:app", str(tmp_path), None, "/")
    assert "start()" in configuration.script(site, UNIX)
    script = configuration.script(site, UNIX, production=True)
    assert script.startswith('import wsgireload\nwsgireload.start(preflight="import")\nreload_')


@pytest.mark.parametrize(
    ("text", "has_it"),
    [
        ("import wsgireload\nwsgireload.start()\n", True),
        ("if True:\n    wsgireload.start(  # for development\n    )\n", True),
        ("# import wsgireload\n# wsgireload.start()\n", False),
        ("import wsgireload  # wsgireload.start() comes later\n", False),
    ],
)
def test_a_script_that_starts_nothing(tmp_path: Path, text: str, has_it: bool) -> None:
    """A call in a comment is none: the lines are printed."""
    (tmp_path / "app.wsgi").write_text(text)
    site = configuration.existing(str(tmp_path / "app.wsgi"), None, "/")
    assert (configuration.script(site, UNIX) == "") is has_it


@pytest.mark.parametrize("settings", ["site/conf.py", "site/conf/__init__.py", "site/base.py"])
def test_a_script_of_django(tmp_path: Path, settings: str) -> None:
    """Where Django's settings have our app, the script needs reload_required alone."""
    for path in (tmp_path / settings, tmp_path / "site/conf.py"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / settings).write_text("INSTALLED_APPS = ['wsgireload.django']\n")
    script = tmp_path / "site/wsgi.py"
    script.write_text("environ['DJANGO_SETTINGS_MODULE'] = 'site.conf'\n")
    site = configuration.existing(str(script), None, "/")
    assert configuration.script(site, WINDOWS) == ""
    line = "import wsgireload\nreload_required = wsgireload.reload_required\n"
    assert configuration.script(site, UNIX) == line
    script.write_text(script.read_text() + line)
    assert configuration.script(site, UNIX) == ""


@pytest.mark.parametrize(("settings", "has_hint"), [("", True), ("preflight='import'", False)])
def test_for_production_a_script_that_starts(
    tmp_path: Path, settings: str, has_hint: bool, capfd, monkeypatch
) -> None:
    """A script that starts wsgireload without the check for visitors is given that setting."""
    monkeypatch.setattr(configuration, "_mod_wsgi", lambda here: "/m/mod_wsgi.so")
    script = tmp_path / "app.wsgi"
    script.write_text(f"import wsgireload\nwsgireload.start({settings})\n")
    assert main(["config", str(script), "--production"]) == 0
    assert ('add to its settings: preflight="import"' in capfd.readouterr().out) is has_hint


def test_a_flask_factory(tmp_path: Path) -> None:
    """MODULE:FACTORY() is called."""
    (tmp_path / "shop.py").write_text("")
    site = configuration.flask("shop:create_app()", str(tmp_path), None, "/")
    assert site.body == "from shop import create_app\n\napplication = create_app()\n"


@pytest.mark.parametrize(
    ("files", "script", "text", "folder"),
    [
        (["app.wsgi"], "app.wsgi", "", ""),
        (["mysite/__init__.py"], "mysite/wsgi.py", "", ""),
        (["a/b/__init__.py", "a/__init__.py"], "a/b/wsgi.py", "", ""),
        (
            ["mysite/settings.py"],
            "mysite/wsgi.py",
            "setdefault({}, 'mysite.settings')",
            "",
        ),
        (["config/settings/prod.py"], "config/wsgi.py", "environ[{}] = 'config.settings.prod'", ""),
        (["src/shop/settings/__init__.py"], "deploy/app.wsgi", "environ[{}] = 'no.such'", "deploy"),
        (["src/site/conf.py"], "src/run/app.wsgi", "os.environ[{}]='site.conf'", "src"),
    ],
)
def test_folder_of_the_modules(
    files: list[str], script: str, text: str, folder: str, tmp_path: Path
) -> None:
    """python-path is where Django's settings can be imported, or the folder outside packages."""
    for name in (*files, script):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    path = tmp_path / script
    path.write_text(text.format('"DJANGO_SETTINGS_MODULE"'))
    site = configuration.existing(str(path), "site", "/")
    assert site.folder == str(tmp_path / folder).rstrip("/")


@pytest.mark.parametrize("line", ["os.system('echo noise')", "print('noise')"])
def test_files_of_a_script_that_prints(tmp_path: Path, capfd, line: str) -> None:
    """Neither the script's output nor that of programs it starts is taken for the list."""
    script = tmp_path / "app.wsgi"
    script.write_text(f"import os\n{line}\napplication = None\n")
    assert main(["files", str(script), "--json"]) == 0
    assert str(script) in json.dumps(json.loads(capfd.readouterr().out))


def test_files_of_a_script_that_ends_early(tmp_path: Path, capfd) -> None:
    """A script that ends its process is one that cannot be loaded."""
    script = tmp_path / "app.wsgi"
    script.write_text("raise SystemExit(0)\n")
    assert main(["files", str(script)]) == 1
    assert "Traceback" not in capfd.readouterr().err


class Programs:
    """Stands in for other programs: answers by the first word, and records the calls."""

    def __init__(self, **answers: tuple[int, str, str]) -> None:
        self.answers = answers
        self.ran: list[list[str]] = []

    def __call__(self, asked: list[str], environment: object = None) -> tuple[int, str, str]:
        self.ran.append(asked)
        return self.answers.get(asked[0], (0, "", ""))


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
