"""What another user of the machine can and cannot do: each claim of docs/security.md."""

from __future__ import annotations

import ast
import logging
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import cast

import pytest
from support.journals import Writes, record
from support.waiting import wait_for

from wsgireload import settings
from wsgireload.changes import NONE, Change
from wsgireload.decide import command
from wsgireload.decide.budget import Budget
from wsgireload.decide.command import Command
from wsgireload.decide.preflight import LIMIT, Preflight
from wsgireload.decide.rolling import Rolling
from wsgireload.decide.settle import Settle
from wsgireload.decide.timing import Handover
from wsgireload.decide.verdict import GO, Hold, Wait
from wsgireload.log import Log
from wsgireload.monitor import Monitor
from wsgireload.reloader import Reloader
from wsgireload.server import native
from wsgireload.server.detection import Server
from wsgireload.server.restart import Restart
from wsgireload.settings import Settings, state_folders
from wsgireload.state.group import GroupEpoch, SharedAnswer
from wsgireload.state.journal import Entry, Journal
from wsgireload.state.own_writes import OwnWrites
from wsgireload.state.private_dir import Candidates

HOUSE = Path(__file__).parents[2]
NOBODY = 65534
ROOT = os.geteuid() == 0
HUGE = 10 << 30


class Site:
    """A folder with an application, and monitors over it whose restarts only count."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.asked = 0
        self.monitors: list[Monitor] = []

    def restart(self) -> bool:
        self.asked += 1
        return True

    def begin(self, **chosen: object) -> Monitor:
        usual = {"interval": 0.01, "settle": 0.0, "server": "daemon", "watch": "poll"}
        server = Server("daemon", None, process_group="site", application="app")
        monitor = Monitor(Settings.of(**usual | chosen), server, None)
        self.monitors.append(monitor)
        monitor.start()
        return monitor

    def looked(self, monitor: Monitor, times: int = 1) -> Monitor:
        """Wait for so many further scans."""
        before = monitor.status().looks
        wait_for(lambda: monitor.status().looks >= before + times)
        return monitor


@pytest.fixture
def site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[Site]:
    """An application without a file yet."""
    caplog.set_level(logging.INFO, "wsgireload")
    made = Site(tmp_path)
    monkeypatch.setattr(native, "restart", made.restart)
    monkeypatch.setattr(settings, "state_folders", lambda: (str(made.state),))
    yield made
    for monitor in made.monitors:
        monitor.stop()
        assert monitor._thread is None or not monitor._thread._ended.locked()


# ------------------------------------------------------------------------------ what is planted

ENTRY = Entry(at=100.0, pid=1, reason="a.py changed", what="f1")


def another_owner(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Just as ours would be, but of another user."""
    folder.mkdir(mode=0o700)
    if ROOT:
        os.chown(folder, NOBODY, NOBODY)
    else:
        patch.setattr(os, "geteuid", lambda: NOBODY)


def open_to(mode: int) -> Callable[[Path, pytest.MonkeyPatch], None]:
    """Ours, but others may write there or read."""

    def plant(folder: Path, _: pytest.MonkeyPatch) -> None:
        folder.mkdir()
        folder.chmod(mode)

    return plant


def a_link(folder: Path, _: pytest.MonkeyPatch) -> None:
    """To a folder that is even ours."""
    (folder.parent / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(folder.parent / "elsewhere")


PLANTED = {
    "of another owner": another_owner,
    "open to all": open_to(0o777),
    "open to all but sticky": open_to(0o1777),
    "open to the group": open_to(0o770),
    "to be read by all": open_to(0o755),
    "a link": a_link,
    "a pipe": lambda folder, _: os.mkfifo(folder, 0o600),
    "a file": lambda folder, _: folder.touch(0o600),
}


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
def test_a_planted_folder(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    plant: Callable[[Path, pytest.MonkeyPatch], None],
) -> None:
    """Nothing is read from it and nothing written into it: not by journal, roll or call."""
    folder, troubles = tmp_path / "wsgireload-33", []
    plant(folder, monkeypatch)
    before = sorted(tmp_path.rglob("*"))
    folders = Candidates([str(folder)], troubles.append)
    journal = Journal(folders, "site")
    assert record(journal, ENTRY) is False
    assert journal.entries() is None
    assert journal.claim() is None
    roll = Rolling(folders, "site", lambda: True, time.monotonic)
    assert isinstance(roll.check(NONE), Hold)
    with pytest.raises(PermissionError):
        folders.open()
    assert sorted(tmp_path.rglob("*")) == before
    assert all(str(folder) in trouble for trouble in troubles)
    assert troubles


def test_every_folder_planted(site: Site) -> None:
    """Where all are, restarts go on, but none before a process has run for its share of time."""
    site.state.mkdir()
    site.state.chmod(0o777)
    (site.folder / "a.html").write_text("1")
    monitor = site.looked(site.begin(track=site.folder / "a.html"))
    (site.folder / "a.html").write_text("2")
    wait_for(lambda: monitor.status().holding)
    assert "a process has to run 6 s before it is replaced" in str(monitor.status().holding)
    quick = site.looked(site.begin(track=site.folder / "a.html", budget=(100, 1.0)))
    (site.folder / "a.html").write_text("3")
    wait_for(lambda: site.asked)
    assert quick.active


def as_nobody(code: str, *arguments: Path) -> str:
    """What a program of another user prints."""
    # Started as root: another user may not be able to run, or to read, a Python in root's home.
    become = f"import fcntl, os, sys; os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})"
    told = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"{become}\n{code}", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.strip()


ATTACK = """if True:
    import fcntl, os, sys
    folder, tried = sys.argv[1], 0
    open(folder + "-reached", "w").close()
    for deed in (
        lambda: os.listdir(folder),
        lambda: os.open(folder + "/site.roll", os.O_RDONLY),
        lambda: os.open(folder + "/site.call", os.O_RDWR),
        lambda: os.open(folder + "/planted", os.O_CREAT | os.O_WRONLY),
        lambda: os.rename(folder, folder + "2"),
        lambda: os.rmdir(folder),
        lambda: fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB),
    ):
        try:
            deed()
        except OSError:
            tried += 1
    print(tried)
"""


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder as /tmp is, which others reach."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o1777)
    yield folder
    shutil.rmtree(folder)


def test_nobody_gets_in(shared: Path) -> None:
    """Our folder and files have the modes 0700 and 0600: no other user can do anything there."""
    troubles: list[str] = []
    folder = shared / "wsgireload-0"
    old = os.umask(0)  # whatever the application has set
    try:
        folders = Candidates([str(folder)], troubles.append)
        record(Journal(folders, "site"), ENTRY)
        roll = Rolling(folders, "site", lambda: True, time.monotonic)
        assert roll.check(NONE) == GO
        GroupEpoch(folders, "site.call").announce()
    finally:
        os.umask(old)
    roll.reset()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert len(list(folder.iterdir())) == 4
    if ROOT:  # else modes must do for a proof
        assert as_nobody(ATTACK, folder) == "7"
    assert not troubles


# ----------------------------------------------------------------------------- what is odd


def a_socket(path: Path) -> None:
    """A socket with a listener."""
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))


def huge(path: Path) -> None:
    """A huge file without a block on the disk."""
    with path.open("wb") as file:
        file.truncate(HUGE)


ODD: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "zero": lambda path: path.symlink_to("/dev/zero"),
    "random": lambda path: path.symlink_to("/dev/urandom"),
    "a terminal": lambda path: path.symlink_to("/dev/tty"),
    "a socket": a_socket,
    "a folder": lambda path: path.mkdir(),
    "a circle": lambda path: path.symlink_to(path),
    "huge": huge,
}
ODD_AND_QUICK = {name: put for name, put in ODD.items() if name != "huge"}


@pytest.mark.parametrize("compare", ["bytes", "code"])
@pytest.mark.parametrize("put", ODD_AND_QUICK.values(), ids=ODD_AND_QUICK)
def test_odd_files(
    site: Site, monkeypatch: pytest.MonkeyPatch, put: Callable[[Path], object], compare: str
) -> None:
    """Tracked, or a module's __file__: scans go on, whatever it is, and stop() is quick."""
    monkeypatch.chdir(site.folder)
    for name in ("tracked.py", "module.py"):
        put(site.folder / name)
    module = ModuleType("odd_module")
    module.__file__ = str(site.folder / "module.py")
    monkeypatch.setitem(sys.modules, "odd_module", module)
    monitor = site.begin(track=site.folder / "tracked.py", compare=compare)
    site.looked(site.looked(monitor), 3)
    began = time.monotonic()
    monitor.stop()
    assert time.monotonic() - began < 1
    assert not site.asked


def is_open(path: Path) -> bool:
    """Whether this process reads it just now."""
    links = (f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd"))  # noqa: PTH208
    return str(path) in {os.path.realpath(link) for link in links}


@pytest.mark.parametrize("compare", ["bytes", "code"])
@pytest.mark.parametrize("put", ODD.values(), ids=ODD)
def test_odd_files_in_the_place_of_good_ones(
    site: Site, monkeypatch: pytest.MonkeyPatch, put: Callable[[Path], object], compare: str
) -> None:
    """If such a thing takes a source's place, it holds the restart, and scans go on."""
    monkeypatch.chdir(site.folder)
    path = site.folder / "source.py"
    path.write_text("x = 1\n")
    monitor = site.looked(site.begin(track=path, compare=compare))
    path.unlink()
    put(path)
    if put is huge:  # it is read, once: ten seconds or more, but not without an end
        wait_for(lambda: is_open(path))
        began = time.monotonic()
        monitor.stop()
        assert time.monotonic() - began < 2
        return
    if put is not ODD["a circle"]:  # which counts as unchanged, as it cannot be read
        wait_for(lambda: monitor.status().holding)
        assert str(path) in str(monitor.status().holding)
    site.looked(monitor, 3)
    assert not site.asked


# ------------------------------------------------------------------------- restarted without end


class Attacked:
    """Stands in for the detector, where somebody changes a file again and again."""

    content = 0

    def scan(self, _: object = None, *, requested: bool = False) -> dict[str, Change]:
        return {"a.html": Change(str(self.content).encode())}


@pytest.mark.parametrize(("by_us", "least", "most"), [(True, 10, 16), (False, 100, 700)])
def test_restarts_come_to_a_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_us: bool, least: int, most: int
) -> None:
    """A source written each second restarts ever more seldom, above all by the application."""
    now, attacked, restarts = [1000.0], Attacked(), []
    monkeypatch.setattr(native, "restart", lambda: restarts.append(now[0]) or True)

    def generation() -> Reloader:
        clock = lambda: now[0]  # noqa: E731
        journal = Journal(Candidates([str(tmp_path / "state")], pytest.fail), "site", clock)
        observed = cast(OwnWrites, Writes(by_us))
        budget = Budget(Settings().budget, journal, observed, 1, clock)
        gates = [Settle(0.0, clock), budget]
        restart, handover = Restart(0.0, clock), Handover(GroupEpoch())
        return Reloader(attacked, gates, restart, budget, handover, Log("site"))

    reloader = generation()
    for _ in range(3600):
        before = len(restarts)
        now[0] += 1
        attacked.content += 1
        reloader.step()
        if len(restarts) > before:
            reloader = generation()
    assert least <= len(restarts) <= most
    assert restarts[-1] - restarts[-2] > 10


# ------------------------------------------------------------------------------- what is never done


@cache
def rooms() -> dict[Path, ast.Module]:
    """Every module of the package: not read while pytest collects, in each of its processes."""
    return {path: ast.parse(path.read_text()) for path in (HOUSE / "wsgireload").rglob("*.py")}


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call in the package: what is called, and with what."""
    for tree in rooms().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield ast.unparse(node.func), node


def test_nothing_is_executed() -> None:
    """No exec, no eval, no shell; what is imported by name has a name that stands in the source."""
    for called, node in calls():
        assert called not in {"exec", "eval", "__import__", "os.system", "os.popen"}, called
        assert not any(word.arg == "shell" for word in node.keywords)
        if called == "import_module":
            assert isinstance(node.args[0], ast.Constant)
    runs = [path.name for path, tree in rooms().items() if "runpy" in ast.unparse(tree)]
    assert runs == ["load_script.py"]  # the WSGI script, in a process beside the site


def test_no_socket() -> None:
    """Neither our Python nor our C opens a socket, except for programs that run beside a site.

    These are the doctor, for one request, the one that asks the coordinator of a fleet, and on
    Windows the one that tries a new `Listen`, which no other module imports.
    """
    for path, tree in rooms().items():
        if path.parts[-3:] == ("cli", "doctor", "request.py") or path.parent.name == "turn":
            continue
        if path.name == "listen_on.py":
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                named = ast.unparse(node)
                pattern = r"socket|asyncio|http\.|multiprocessing|listen_on"
                assert not re.search(pattern, named) or (named.startswith("from http.cookies")), (
                    path
                )
    for source in (HOUSE / "csrc").rglob("*.c"):
        assert not re.search(r"\b(socket|listen|bind|accept)\(", source.read_text()), source


SOCKETS = """if True:
    import os, sys, wsgireload
    os.environ["XDG_STATE_HOME"] = sys.argv[1]
    monitor = wsgireload.start(server="daemon", track=sys.argv[1], rolling=True)
    while not monitor.status().looks:
        pass
    links = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]
    print(*{os.readlink(link).split("[")[0] for link in links if os.path.lexists(link)}, sep="\\n")
"""


def test_a_process_has_no_socket(tmp_path: Path) -> None:
    """Of a process in which a monitor runs, no file is a socket; that it has events is seen."""
    told = subprocess.run(
        [sys.executable, "-P", "-c", SOCKETS, tmp_path],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "inotify" in told
    assert "socket:" not in told.splitlines()


@pytest.mark.parametrize("compare", ["bytes", "code"])
def test_a_tracked_file_is_not_run(site: Site, compare: str) -> None:
    """A Python file that is tracked is compiled at most: neither imported nor executed."""
    mark, path = site.folder / "it-ran", site.folder / "evil_tracked.py"
    text = f"import pathlib\npathlib.Path({str(mark)!r}).touch()\n"
    path.write_text(text)
    site.looked(site.begin(track=path, compare=compare))
    path.write_text(text + "x = 2\n")
    wait_for(lambda: site.asked)
    assert not mark.exists()
    assert "evil_tracked" not in sys.modules
    assert not (site.folder / "__pycache__").exists()


# -------------------------------------------------------------------------------- the preflight


def flown(tmp_path: Path, *command: str) -> Hold | None:
    """The verdict of a preflight of this command."""
    shared = SharedAnswer(Candidates([str(tmp_path / "state")], pytest.fail), "site.preflight")
    made = Command(command, dict(os.environ), str(tmp_path), LIMIT, time.monotonic)
    gate = Preflight(made, shared, time.monotonic)
    wait_for(lambda: not isinstance(gate.check(NONE), Wait))
    verdict = gate.check(NONE)
    return verdict if isinstance(verdict, Hold) else None


def test_no_shell_reads_the_preflight(tmp_path: Path) -> None:
    """Characters that a shell would interpret reach the preflight unchanged."""
    with pytest.raises(settings.SettingsError):
        Settings.of(preflight="touch it-ran; false")
    odd = "$(touch it-ran); `touch it-ran` | touch it-ran > it-ran & *"
    code = "import sys; sys.exit(sys.argv[1])"
    hold = flown(tmp_path, sys.executable, "-I", "-c", code, odd)
    assert hold is not None
    assert hold.reason.endswith(f"ended with 1: {odd}")
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_where_its_output_goes(tmp_path: Path) -> None:
    """Its output goes into a file without a name; it inherits none of our open files."""
    code = "import os, sys; sys.exit('%s %s' % (os.fstat(1).st_nlink, os.listdir('/proc/self/fd')))"
    handles = [os.open("/", os.O_RDONLY) for _ in range(5)]
    hold = flown(tmp_path, sys.executable, "-I", "-c", code)
    for handle in handles:
        os.close(handle)
    assert hold is not None
    assert hold.reason.endswith("0 ['0', '1', '2', '3']")  # the last one is listdir's own


@pytest.mark.parametrize("printed", ["'x' * 99, *range(10**5)", "'x' * 10**5"])
def test_it_cannot_flood(tmp_path: Path, printed: str) -> None:
    """Of its output the last five lines are logged, with at most 4,096 characters in all."""
    code = f"print({printed}, sep='\\n'); raise SystemExit(1)"
    hold = flown(tmp_path, sys.executable, "-I", "-c", code)
    assert hold is not None
    assert hold.reason.count(" / ") < command.LINES
    assert 0 < len(hold.reason) < 5000


# --------------------------------------------------------------------------------------- the log

EVIL = "a\nwsgireload: reloaded: all is well\x1b[2J\u202e\r"


def test_log_injection(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a file's name, nor its text, nor a reason begins a line or reaches a terminal."""
    monitor = site.looked(site.begin(track=site.folder / "in"))
    made = site.folder / "made"  # all at once: a part of it would be a change of its own
    made.mkdir()
    (made / f"{EVIL}.html").touch()
    (made / f"{EVIL}.py").write_text("x = \x1b[2J\x0c '\n")
    made.rename(site.folder / "in")
    monitor.restart(EVIL)
    wait_for(lambda: monitor.status().holding)
    monitor.stop()
    monitor.restart(EVIL)
    lines = [record.getMessage() for record in caplog.records]
    assert any("holding: " in line for line in lines)
    assert any("inactive: " in line for line in lines)
    assert all(line.isprintable() for line in lines)


def test_what_is_never_told(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """Of the files' content only the line that does not compile is shown, anywhere."""
    tracked, source = site.folder / ".env", site.folder / "a.py"
    tracked.write_text("PASSWORD=secret1")
    source.write_text("x = 'secret2'\ny = 1\n")
    monitor = site.looked(site.begin(track=[tracked, source]))
    source.write_text("x = 'secret2'\ny = 1 +\n")
    tracked.write_text("PASSWORD=secret3")
    wait_for(lambda: monitor.status().holding)
    source.write_text("x = 'secret2'\ny = 1 + 1\n")
    wait_for(lambda: site.asked)
    monitor.stop()
    kept = "".join(file.read_text() for file in site.state.iterdir())
    assert "a.py" in kept
    assert "y = 1 +" in caplog.text
    assert "secret" not in caplog.text + kept + str(monitor.status())


# --------------------------------------------------------------------------- several applications


def test_one_folder_for_each_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user of its own has a folder of its own; so has an application that sets XDG_STATE_HOME."""
    monkeypatch.setenv("XDG_STATE_HOME", "/srv/one")
    monkeypatch.delenv("TMPDIR", raising=False)
    assert state_folders() == ("/srv/one/wsgireload", *(f"{path}-{os.getuid()}" for path in SHARED))
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    assert state_folders()[1:] == tuple(f"{path}-4711" for path in SHARED)


SHARED = ("/tmp/wsgireload", "/var/tmp/wsgireload")


def test_groups_do_not_meet(site: Site) -> None:
    """In a shared folder each process group has journal files of its own name."""
    (site.folder / "a.html").write_text("1")
    names = set()
    for group in ("one", "two"):
        server = Server("daemon", None, process_group=group, application="app")
        chosen = Settings.of(
            interval=0.01, settle=0.0, server="daemon", watch="poll", track=site.folder / "a.html"
        )
        site.monitors.append(monitor := Monitor(chosen, server, None))
        monitor.start()
        site.looked(monitor)
        asked = site.asked
        (site.folder / "a.html").write_text(group)
        wait_for(lambda before=asked: site.asked > before)
        monitor.stop()
        names |= {file.name for file in site.state.glob("*.journal")}
    assert len(names) == 2
