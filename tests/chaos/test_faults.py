"""Whatever breaks around us: the site is up afterwards, and new code is served."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.server import ServerError
from support.testsite import START, Site, Sites

TYPE_CHECKING = False
if TYPE_CHECKING:
    from conftest import Chaos

pytestmark = pytest.mark.e2e

OFTEN = "budget=(100, 10.0)"
"""Without a journal a process lives a tenth of a second, then."""


class Faulty:
    """A site whose code is edited again and again, while things around it are broken."""

    def __init__(self, site: Site, settings: str = OFTEN, processes: int = 1) -> None:
        self.site = site
        self.processes = processes
        self.edits = 0
        self.slowest = 0.0
        state = site.folder("state")
        self.surround(XDG_STATE_HOME=str(state))
        self.state = state / "wsgireload"
        site.edit("app.wsgi", START, f"{START}, {settings}")

    def surround(self, **environment: str) -> None:
        """Add to Apache's environment."""
        both = {**self.site.served.environment, **environment}
        self.site.served = replace(self.site.served, environment=both)

    def start(self) -> None:
        self.site.start()
        assert self.site.ask().value == "old"

    def edit(self) -> None:
        """A change; `served` waits for it."""
        self.edits += 1
        self._edited = time.monotonic()
        self.site.write("words.py", f"WORD = {self.edits}\n")

    def served(self) -> None:
        """Wait for the latest change; every request meanwhile has to be answered."""
        self.site.wait_for(self.is_served, "new code")
        self.latest = time.monotonic() - self._edited
        self.slowest = max(self.slowest, self.latest)

    def is_served(self) -> bool:
        """Whether each process answers with the latest change, and none with another."""
        pids: set[int] = set()
        for _ in range(20 if self.processes > 1 else 1):
            answer = self.site.ask()
            if answer.value != self.edits:
                return False
            pids.add(answer.pid)
        return len(pids) == self.processes

    def is_up(self) -> bool:
        """The same of a site that may not answer just now."""
        with contextlib.suppress(ServerError, OSError):
            return self.is_served()
        return False

    def waits(self, since: int) -> bool:
        """Whether it was said since then that new code will not be served for now."""
        return self.said_since(since, "holding: ") or self.said_since(since, "inactive: ")

    def reload(self) -> None:
        self.edit()
        self.served()

    def said_since(self, before: int, text: str) -> bool:
        """Whether the error log holds a text of ours behind its first lines."""
        lines = self.site.log.lines(text, after=before)
        return any(line.text.startswith("wsgireload: ") for line in lines)

    def said_twice(self, before: int, text: str) -> bool:
        """The same, for two processes."""
        return len(self.site.log.lines(text, after=before)) == 2

    def tell(self, chaos: Chaos, of: str = "") -> None:
        if self.edits:
            chaos.figure(f"edits{of}", self.edits)
            chaos.figure(f"slowest from edit to new code{of}, seconds", round(self.slowest, 2))


@pytest.fixture
def faulty(new_site: Sites, chaos: Chaos) -> Iterator[Faulty]:
    """A site that is not started yet, with a folder of its own for the journal."""
    faulty = Faulty(new_site())
    yield faulty
    faulty.tell(chaos)


def run(*command: str | Path) -> None:
    """A program, to its good end."""
    subprocess.run(command, check=True)


@contextlib.contextmanager
def mounted(site: Site, folder: Path, size: str) -> Iterator[None]:
    """A small file system of memory, of Apache's user."""
    if os.getuid() != 0:
        pytest.fail("only root may mount a small file system, to fill it or take it away")
    site.folder(str(folder.relative_to(site.root)))
    run("mount", "-t", "tmpfs", "-o", f"size={size},mode=0755,uid=www-data", "none", folder)
    try:
        yield
    finally:
        while folder.is_mount():
            run("umount", "--lazy", folder)


# The journal


def test_a_full_disk(faulty: Faulty) -> None:
    """Restarts go on, as seldom as without a journal; with room again they are told of again."""
    site = faulty.site
    site.edit("app.wsgi", OFTEN, "budget=(2, 4.0)")
    with mounted(site, faulty.state.parent, "64k"):
        filler = faulty.state.parent / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
        assert shutil.disk_usage(filler).free == 0
        faulty.start()
        for _ in range(2):
            started = time.monotonic()
            faulty.reload()
            assert time.monotonic() - started > 1.5
        assert site.said("watching: the journal cannot be written: No space left on device")
        assert site.said("holding: without a journal, a process has to run 2 s")
        assert not site.said("reloaded: ")
        assert [path.name for path in faulty.state.iterdir()] == []
        filler.unlink()
        faulty.reload()
        site.wait_for_line("reloaded: ")


def nothing(path: Path) -> None:
    """No folder at all."""


def a_link(path: Path) -> None:
    """A link to a folder that would do."""
    path.symlink_to(path.parent / "elsewhere")


def of_another(path: Path) -> None:
    """Root's."""
    path.mkdir(0o700)


def open_to_all(path: Path) -> None:
    """Anybody may write there."""
    path.mkdir()
    path.chmod(0o777)


def unwritable(path: Path) -> None:
    """Not even its owner may."""
    path.mkdir(0o500)


def a_file(path: Path) -> None:
    """No folder."""
    path.write_text("mine")


def a_pipe(path: Path) -> None:
    """What a careless open waits for, for ever."""
    os.mkfifo(path)


HOSTILE: dict[Callable[[Path], None], str] = {
    nothing: "",
    a_link: "nothing can be kept in",
    of_another: "Permission denied",
    open_to_all: "other users may write there",
    unwritable: "the journal cannot be written",
    a_file: "nothing can be kept in",
    a_pipe: "nothing can be kept in",
}


def away(path: Path) -> None:
    """Remove whatever it is."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def plant(site: Site, planted: Callable[[Path], object], path: Path) -> None:
    """Put something in the place of another, as Apache's user would have."""
    planted(path)
    if site.user and path.is_symlink() | path.exists() and planted is not of_another:
        user = pwd.getpwnam(site.user)
        os.lchown(path, user.pw_uid, user.pw_gid)


def test_a_hostile_folder(faulty: Faulty, chaos: Chaos) -> None:
    """Whatever stands in the place of the journal's folder: it is said, and restarts go on."""
    site = faulty.site
    (site.folder("state/elsewhere")).chmod(0o700)
    faulty.start()
    for _ in range(chaos.often(1, 20)):
        for hostile, words in chaos.random.sample(list(HOSTILE.items()), len(HOSTILE)):
            before = len(site.log)
            away(faulty.state)
            plant(site, hostile, faulty.state)
            faulty.reload()
            assert not words or faulty.said_since(before, words), hostile.__doc__
    assert list((faulty.state.parent / "elsewhere").iterdir()) == []


ENTRY = {"at": 0.0, "pid": 1, "reason": "a", "what": "b", "paths": []}
ENTRIES: dict[str, Callable[[Path], object]] = {
    "nothing": lambda path: path.touch(),
    "noise": lambda path: path.write_bytes(os.urandom(4096)),
    "a gigabyte of zeros": lambda path: (path.touch(), os.truncate(path, 1 << 30)),
    "deep": lambda path: path.write_text("[" * 60_000),
    "a long number": lambda path: path.write_text("9" * 60_000),
    "a number without end": lambda path: path.write_text(
        json.dumps({**ENTRY, "pid": float("inf")})
    ),
    "no number": lambda path: path.write_text(json.dumps({**ENTRY, "at": float("nan")})),
    "a folder": lambda path: path.mkdir(),
    "a full folder": lambda path: (path.mkdir(), (path / "file").touch()),
    "a pipe": os.mkfifo,
    "a link": lambda path: path.symlink_to("/etc/shadow"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "unreadable": lambda path: (path.touch(), path.chmod(0)),
}


def test_hostile_entries(faulty: Faulty, chaos: Chaos) -> None:
    """Whatever is planted among the journal's entries, restarts go on and are counted."""
    site = faulty.site
    faulty.start()
    faulty.reload()
    [entry] = faulty.state.iterdir()
    application = entry.name.partition("-")[0]
    for _ in range(chaos.often(1, 50)):
        for planted in chaos.random.sample(list(ENTRIES.values()), len(ENTRIES)):
            name = f"{application}-{time.monotonic_ns():020d}-1.asked"
            plant(site, planted, faulty.state / name)
            if chaos.random.random() < 0.25:
                faulty.reload()
        faulty.reload()
        site.wait_for_line("reloaded: ", count=faulty.edits)
    assert not site.said("holding: ")


# The clock

HOUR = 3600


def faked(clock: Path) -> dict[str, str]:
    """The environment in which programs read the wall clock of a file: "-3600" is an hour ago.

    Files get their times from the same clock, and the monotonic one goes on as ever.
    """
    [library] = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def test_the_clock_is_set(faulty: Faulty) -> None:
    """An hour back, then two ahead: changes are noticed as ever, and the budget counts on."""
    site, clock = faulty.site, faulty.site.app / "clock"
    site.edit("app.wsgi", OFTEN, "budget=(3, 60.0)")
    clock.write_text("+0")
    faulty.surround(**faked(clock))
    faulty.start()
    for ahead in (0, -HOUR, HOUR):
        clock.write_text(f"{ahead:+d}")
        assert abs(site.ask("time.time").value - time.time() - ahead) < HOUR / 2
        for path in (*site.app.rglob("*.py"), *faulty.state.glob("*")):
            os.utime(path, (time.time(), time.time() - ahead))  # as it was before
        faulty.reload()
        site.wait_for_line("reloaded: ", count=faulty.edits)
    faulty.edit()
    site.wait_for_line("holding: the budget of 3 restarts in 60 s is spent")


# The native module

PLANTED = """\
import os
from wsgireload import _native, reloader

FOLDER = os.path.dirname(__file__)
FAILED = (3, 5, "planted", "planted")
FAILURES = {
    "probe": lambda: (False, "", "", 0, -1, -1, 2, ""),
    "restart": lambda: FAILED,
    "marks": lambda paths, count: int.to_bytes(1, 8, "little") * count,
    "watch_begin": lambda: (-1, FAILED),
    "watch_directory": lambda *args: (-1, FAILED),
    "watch_wait": lambda *args: ([], FAILED),
}


def plant(name, real):
    def call(*args):
        try:
            with open(f"{FOLDER}/{name}.fault") as file:
                how = file.read()
        except FileNotFoundError:
            return real(*args)
        if how == "raises":
            raise RuntimeError(f"planted in {name}")
        if how == "does nothing":
            return (0, 0, "kill", "") if name == "restart" else None
        return FAILURES[name](*args)

    setattr(_native, name, call)


reloader.TAKEN_UP = 1.0
for name in "probe restart rearm marks".split():
    plant(name, getattr(_native, name))
for name in "begin directory name forget wait wake end".split():
    plant(f"watch_{name}", getattr(_native, f"watch_{name}"))
"""
"""A module that has the native one fail as a file beside it says: NAME.fault."""

FAILING = {
    **dict.fromkeys(("probe", "marks"), ("raises", "fails")),
    "restart": ("raises", "fails", "does nothing"),
    **{f"watch_{name}": ("raises", "fails") for name in ("begin", "directory", "wait")},
    **{f"watch_{name}": ("raises", "does nothing") for name in ("name", "forget", "wake", "end")},
    "rearm": ("raises", "does nothing"),
}
"""How each call may fail: those that say what came of them, and those that say nothing."""


def test_the_native_module_fails(faulty: Faulty, chaos: Chaos) -> None:
    """Each call in turn: what is held is said, and new code is served once it works again."""
    site = faulty.site
    site.noisy = True
    site.write("planted.py", PLANTED)
    site.edit("app.wsgi", "import wsgireload\n", "import planted\nimport wsgireload\n")
    faulty.start()
    for _ in range(chaos.often(1, 10)):
        for name in chaos.random.sample(sorted(FAILING), len(FAILING)):
            how = chaos.random.choice(FAILING[name])
            said, edits = len(site.log), chaos.often(1, 2)
            site.write(f"{name}.fault", how)
            if name == "rearm":  # which is called where nothing comes of a restart
                site.write("restart.fault", "does nothing")
            for _ in range(edits):
                faulty.edit()
                site.wait_for(lambda: faulty.is_served() or faulty.waits(said), "new code or why")  # noqa: B023
            for planted in site.app.glob("*.fault"):
                planted.unlink()
            if faulty.said_since(said, "inactive: "):
                site.replace(Site.graceful)
            faulty.served()
            chaos.figures[f"{name} {how}"] = round(faulty.latest, 2)


# What the application uses up


HOARD = """\
import os, resource, threading, time

def take():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, most))
    threading.Thread(target=hoard, daemon=True).start()

def hoard():
    held = []
    while not os.path.exists(__file__ + ".free"):
        try:
            held.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            time.sleep(0.01)
    for one in held:
        os.close(one)
    os.remove(__file__ + ".free")
"""
"""A module that takes every descriptor that it can get, until a file appears, which it removes."""


def test_no_descriptor_is_left(faulty: Faulty, chaos: Chaos) -> None:
    """What changes meanwhile is noticed as soon as files can be opened again.

    No request comes meanwhile: mod_wsgi crashes over a connection that it has no descriptor for,
    wsgireload or not (6.1.1 on Apache 2.4.71).
    """
    site, slowest = faulty.site, 0.0
    free = site.write("hoard.py", HOARD).with_suffix(".py.free")
    faulty.start()
    for _ in range(chaos.often(2, 30)):
        site.ask("hoard.__name__")
        before, said = site.wait_for_looks(), len(site.log)
        site.ask("hoard.take")
        faulty.edit()
        site.wait_for(lambda: faulty.said_since(said, "Too many open files"), "a word")  # noqa: B023
        free.touch()
        site.wait_for(lambda: not free.exists(), "free descriptors")
        freed = time.monotonic()
        assert site.ask().pid == before.pid
        faulty.served()
        slowest = max(slowest, time.monotonic() - freed)
        site.wait_for_line("reloaded: ", count=faulty.edits)
    chaos.figure("slowest from free descriptors to new code, seconds", round(slowest, 2))


# What is mounted


def test_a_mount_goes_away(faulty: Faulty, chaos: Chaos) -> None:
    """Tracked files that are unmounted are gone, and restart; mounted again, they are new.

    No event tells of either: with events they are found as everything is gone round, in 30 s.
    """
    site = faulty.site
    site.edit("app.wsgi", OFTEN, f"{OFTEN}, watch='poll', track=['{site.app}/pages']")
    with mounted(site, site.app / "pages", "1m"):
        site.write("pages/one.html", "one")
        faulty.start()
        faulty.reload()
    site.wait_for_line("changed: ", count=2)
    faulty.reload()
    with mounted(site, site.app / "pages", "1m"):
        site.write("pages/one.html", "two")
        site.wait_for(lambda: "appeared" in site.said("changed: ")[-1].text, "pages that are back")
        faulty.reload()


def test_the_code_goes_away(faulty: Faulty, chaos: Chaos) -> None:
    """Code that is unmounted goes on serving from memory; mounted again, what is new is served."""
    site = faulty.site
    site.edit("app.wsgi", "import words ", "import words, far.words ")
    with mounted(site, site.app / "far", "1m"):
        site.write("far/words.py", "WORD = 'one'\n")
        faulty.start()
        assert site.ask("far.words.WORD").value == "one"
    site.wait_for_line("holding: ")
    assert site.ask("far.words.WORD").value == "one"
    with mounted(site, site.app / "far", "1m"):
        site.write("far/words.py", "WORD = 'two'\n")
        site.wait_for_value("two", "far.words.WORD")
        faulty.reload()


def test_a_folder_may_not_be_entered(faulty: Faulty) -> None:
    """Its code counts as unchanged, which is said; what changed is noticed once it may again."""
    site = faulty.site
    site.edit("app.wsgi", "import words ", "import words, far.words ")
    far = site.write("far/words.py", "WORD = 'one'\n").parent
    faulty.start()
    assert site.ask("far.words.WORD").value == "one"
    before = site.wait_for_looks()
    site.write("far/words.py", "WORD = 'two'\n")
    far.chmod(0)
    site.wait_for_line(f"watching: {far}/words.py cannot be read and is left out")
    assert site.wait_for_looks().pid == before.pid
    assert site.ask("far.words.WORD").value == "one"
    far.chmod(0o755)
    site.wait_for_value("two", "far.words.WORD")


# Several processes

HASTY = "from wsgireload import roll\n\nroll.LATE = 2.0\n"
"""A module that is sooner impatient with a rolling restart."""

HOLDER = """\
import fcntl, sys

file = open(sys.argv[1], "r+b")
fcntl.flock(file, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""

GARBAGE: dict[str, Callable[[Path], object]] = {
    "noise": lambda path: path.write_bytes(os.urandom(4096)),
    "zeros": lambda path: path.write_bytes(bytes(1 << 20)),
    "no number": lambda path: path.write_text("nan"),
    "no end": lambda path: path.write_text("inf"),
    "nothing": lambda path: path.write_text(""),
    "no file": lambda path: path.unlink(),
}


@pytest.fixture
def new_group(new_site: Sites, chaos: Chaos) -> Iterator[Callable[[str], Faulty]]:
    """Makes sites of two processes, with further settings; they are started."""
    made: list[Faulty] = []

    def new(settings: str, state: Path | None = None) -> Faulty:
        group = Faulty(
            new_site(daemon="processes=2 threads=2", preload=True), settings, processes=2
        )
        if state is not None:
            group.surround(XDG_STATE_HOME=str(state.parent))
            group.state = state
        group.site.write("hasty.py", HASTY)
        group.site.edit("app.wsgi", "import wsgireload\n", "import hasty, wsgireload\n")
        made.append(group)
        group.site.start()
        group.site.wait_for_line("watching: ", count=2)
        return group

    yield new
    for number, group in enumerate(made, 1):
        group.tell(chaos, f" of group {number}")


@contextlib.contextmanager
def held(site: Site, path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of Apache's user that holds the lock of a file, until it is killed."""
    command = ["/usr/bin/python3", "-c", HOLDER, path]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, user=site.user, **pipes) as holder:  # type: ignore[call-overload]
        try:
            assert holder.stdout.readline() == "locked\n"
            yield holder
        finally:
            holder.kill()


def test_somebody_has_the_lock(new_group: Callable[[str], Faulty], chaos: Chaos) -> None:
    """The old code serves, and why is said; once the lock is free the new code comes."""
    group = new_group(f"{OFTEN}, rolling=True")
    [lock] = group.state.glob("*.roll")
    for _ in range(chaos.often(1, 10)):
        for stopped in chaos.random.sample((False, True), chaos.often(1, 2)):
            said = len(group.site.log)
            with held(group.site, lock) as holder:
                if stopped:
                    holder.send_signal(signal.SIGSTOP)
                group.edit()
                group.site.wait_for(lambda: group.said_twice(said, "holding: another"), "a hold")  # noqa: B023
                assert not group.is_served()
            group.served()


def test_garbage_in_what_processes_share(new_group: Callable[[str], Faulty], chaos: Chaos) -> None:
    """Whatever a file of theirs holds, also while they run: the new code comes."""
    asking = "when='next-request')\nreload_required = wsgireload.reload_required\nimport words"
    groups = {"roll": new_group(f"{OFTEN}, rolling=True"), "call": new_group(f"{OFTEN}, {asking}#")}
    for _ in range(chaos.often(1, 20)):
        for garbage in chaos.random.sample(list(GARBAGE.values()), chaos.often(3, len(GARBAGE))):
            for kind, group in groups.items():
                for path in group.state.glob(f"*.{kind}"):
                    garbage(path)
                group.edit()
            for group in groups.values():
                group.served()


def test_two_apaches_share_a_lock(new_group: Callable[..., Faulty], chaos: Chaos) -> None:
    """Both get through, edited at the same time, again and again."""
    one = new_group(f"{OFTEN}, rolling=True")
    other = new_group(f"{OFTEN}, rolling=True", one.state)
    assert len(list(one.state.glob("*.roll"))) == 1
    for _ in range(chaos.often(1, 30)):
        for group in (one, other):
            group.edit()
        for group in (one, other):
            group.served()


# What is killed


@pytest.mark.parametrize("processes", [1, 2])
def test_a_process_is_killed(
    faulty: Faulty, new_group: Callable[[str], Faulty], chaos: Chaos, processes: int
) -> None:
    """At whatever moment of a restart: the next processes serve the new code."""
    if processes == 1:
        faulty.start()
    else:
        faulty = new_group(f"{OFTEN}, rolling=True")
    site = faulty.site
    site.noisy = True  # Apache's parent says that a process was killed
    killed = {"before it asked": 0, "after it asked": 0}
    for _ in range(chaos.often(4 // processes, 200 // processes)):
        said = len(site.log)
        faulty.edit()
        time.sleep(chaos.random.uniform(0, chaos.random.choice((0.1, 1.5 * processes))))
        asked = faulty.said_since(said, "restarting: ")
        killed["after it asked" if asked else "before it asked"] += 1
        if pids := sorted(site.daemons()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(chaos.random.choice(pids), signal.SIGKILL)
        site.wait_for(faulty.is_up, "new code")
    faulty.reload()
    chaos.figure("killed", killed)
    left = [path.name for path in faulty.state.iterdir() if path.suffix == ".new"]
    chaos.figure("files left half written", len(left))
