"""Apache ends or restarts while the monitor runs, which logs nothing about it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest
from support.testsite import START, Site, Sites

GROUPS = pytest.mark.parametrize("group", [None, "%{GLOBAL}"])


def running(new_site: Sites, group: str | None) -> tuple[Site, int]:
    """A site with a monitor at work, and how long its error log is by now."""
    site = new_site(group=group)
    site.start()
    site.wait_for_looks()
    return site, len(site.log)


def ours(site: Site, *, after: int) -> list[str]:
    """What the application's processes wrote: stderr is the level "error" to mod_wsgi."""
    lines = site.log.lines(after=after)
    return [each.text for each in lines if each.level == "error" or "wsgireload: " in each.text]


@pytest.mark.each_mod_wsgi
@GROUPS
def test_stop(new_site: Sites, group: str | None) -> None:
    """`apachectl stop` leaves no process, and no line of ours in the error log."""
    site, so_far = running(new_site, group)
    site.stop()
    assert ours(site, after=so_far) == []
    assert (site.started(), site.ended()) == (1, 1)


@GROUPS
@pytest.mark.parametrize("command", [Site.graceful, Site.restart])
def test_restart(new_site: Sites, group: str | None, command: Callable[[Site], None]) -> None:
    """After `apachectl graceful` or `restart` a new monitor runs; the old one logs nothing."""
    site, so_far = running(new_site, group)
    site.replace(command)
    assert ours(site, after=so_far) == []
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")
    assert site.said("holding") == []


def test_a_process_that_ends_itself(new_site: Sites) -> None:
    """A process that mod_wsgi replaces after so many requests logs nothing."""
    site = new_site(daemon="threads=5 maximum-requests=3")
    site.start()
    for _ in range(3):
        site.ask()
    site.wait_for_start(2)
    assert {line.text.split(":")[1].strip() for line in site.said()} <= {"watching"}


# One file takes 2 s to be opened once `slow.go` is there, as on a busy machine or disk.
SLOW = """
import os, time

opened = os.open

def slowly(path, *rest, **options):
    if str(path).endswith("slow.html") and os.path.exists(f"{__file__}.go"):
        with open(f"{__file__}.reading", "w"):
            pass
        ends = time.monotonic() + 2
        while time.monotonic() < ends:
            time.sleep(0.001)
    return opened(path, *rest, **options)

os.open = slowly
"""


@GROUPS
def test_a_monitor_at_work(new_site: Sites, group: str | None) -> None:
    """A sub-interpreter outlives the monitor's thread, which would crash the process otherwise."""
    site = new_site(group=group)
    site.write("slow.py", SLOW)
    page = str(site.write("slow.html", "old"))
    site.edit("app.wsgi", f"{START})", f"{START}, track={page!r})\nimport slow")
    site.start()
    site.wait_for_looks()
    site.write("slow.py.go", "")
    site.write("slow.html", "new")
    site.wait_for((site.app / "slow.py.reading").exists, "the scan")
    os.kill(site.ask().pid, signal.SIGINT)
    site.wait_for_start(2)
    assert site.noise() == []


SLOW_HOOK = """
def on_event(event):
    ends = time.monotonic() + 2.5
    while event.kind == "restarting" and time.monotonic() < ends:
        time.sleep(0.001)
"""


@GROUPS
def test_a_hook_at_work(new_site: Sites, group: str | None) -> None:
    """Nor does it end under the thread of a hook that takes longer than a restart waits for it."""
    site = new_site(group=group)
    site.edit("app.wsgi", f"{START})", f"import time\n{SLOW_HOOK}\n{START}, on_event=on_event)")
    site.start()
    site.wait_for_looks()
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")
    assert site.noise() == []


# What an application leaves to the end of its process, each in a file of TMPDIR.
LEFT = """
import atexit, os, tempfile, threading, weakref
from concurrent.futures import ThreadPoolExecutor

import mod_wsgi

FOLDER = tempfile.gettempdir()

def note(name):
    with open(f"{FOLDER}/{name}.ended", "w"):
        pass

mod_wsgi.subscribe_shutdown(lambda *_event, **_details: note("subscribe_shutdown"))
atexit.register(note, "atexit")
kept = set()
weakref.finalize(kept, note, "finalize")
buffered = open(f"{FOLDER}/buffered.ended", "w")
buffered.write("x")
temporary = tempfile.TemporaryDirectory(prefix="left-")
pool = ThreadPoolExecutor(1)

def begin():
    if os.environ["JOB"]:
        pool.submit(threading.Event().wait, 40)
    return os.getpid()
"""
OF_PYTHON = {"atexit", "finalize", "buffered", "temporary"}


def lost(site: Site) -> set[str]:
    """What the end of a process has left undone."""
    folder = site.temporary
    found = {name for name in OF_PYTHON if not (folder / f"{name}.ended").exists()}
    found -= {"temporary"}
    found |= {"temporary"} if list(folder.glob("left-*")) else set()
    if not (folder / "buffered.ended").read_text():
        found.add("buffered")
    return found


@pytest.mark.parametrize("destroy", ["On", "Off"])
def test_without_finalisation(new_site: Sites, destroy: str) -> None:
    """WSGIDestroyInterpreter Off: Python leaves its end undone, and no thread of a pool delays it.

    mod_wsgi's own subscribers run, and a reload is as ever.
    """
    job = "" if destroy == "On" else "40 s"  # with On it would take the whole shutdown-timeout
    site = new_site(
        daemon="threads=5 shutdown-timeout=60",
        group="%{GLOBAL}",
        directives=f"WSGIDestroyInterpreter {destroy}",
        environment={"JOB": job},
    )
    site.write("left.py", LEFT)
    site.start()
    site.wait_for_looks()
    first = site.ask("left.begin").value
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")
    site.wait_for(lambda: first not in site.daemons(), "the end of the first process")
    assert (site.temporary / "subscribe_shutdown.ended").exists()
    assert lost(site) == (set() if destroy == "On" else OF_PYTHON)
    assert [line.text for line in site.said() if "still waits" in line.text] == []


MARKS = """
import atexit, os, mod_wsgi
def mark(text):
    with open(__file__ + ".marks", "a") as file:
        file.write(f"{text}:{os.getpid()} ")
atexit.register(mark, "atexit")
mod_wsgi.subscribe_shutdown(lambda event, **details: mark(event))
"""


@pytest.mark.each_mod_wsgi
@GROUPS
def test_our_own_ending(new_site: Sites, group: str | None) -> None:
    """With `WSGIDestroyInterpreter Off` our own ending is complete: it does not need atexit.

    The restarts are in the journal, the lock of a rolling restart is released, and no status file
    is left. The application's subscribe_shutdown function runs too.
    """
    directive = "WSGIDestroyInterpreter Off"
    daemon = "processes=2 threads=2"
    site = new_site(group=group, daemon=daemon, preload=not group, directives=directive)
    site.edit("app.wsgi", f"{START})", f"{START}, rolling=True, when='now'){MARKS}import words")
    site.start()
    site.wait_for(lambda: [site.ask() for _ in range(9)] and len(site.said("watching: ")) == 2, "")
    old = site.daemons()
    site.edit("words.py", "old", "new")
    site.wait_for(lambda: site.ask().value == "new" and len(site.said("reloaded: ")) == 2, "both")
    site.wait_for(lambda: site.daemons() == states(site), "the status files of these processes")
    # With Python 3.13 mod_wsgi calls the functions of a sub-interpreter twice.
    marks = (site.app / "app.wsgi.marks").read_text().split()
    assert set(marks) == {f"process_stopping:{pid}" for pid in old}
    assert site.said("holding: ") == []


def states(site: Site) -> set[int]:
    """The processes whose status files are there."""
    files = site.temporary.glob("wsgireload-*/*.state")
    return {int(path.name.partition("-")[0]) for path in files}
