"""The clock is set, descriptors run out, file systems go away: new code is served afterwards."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.apacheserver import wait_for
from support.faultysite import OFTEN, Faulty, mounted
from support.loops import REWRITE, SELF

if TYPE_CHECKING:
    from conftest import Chaos

pytestmark = pytest.mark.e2e


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


def set_clock(clock: Path, text: str) -> None:
    """Whole from one moment to the next: an empty file would be no time at all."""
    beside = clock.with_name("clock.new")
    beside.write_text(text)
    beside.replace(clock)


def test_the_clock_is_set(faulty: Faulty) -> None:
    """An hour back, then two ahead: changes are noticed as ever, and the budget counts on."""
    site, clock = faulty.site, faulty.site.app / "clock"
    site.edit("app.wsgi", OFTEN, "budget=(3, 60.0)")
    set_clock(clock, "+0")
    faulty.surround(**faked(clock))
    faulty.start()
    for ahead in (0, -HOUR, HOUR):
        set_clock(clock, f"{ahead:+d}")
        assert abs(site.ask("time.time").value - time.time() - ahead) < HOUR / 2
        for path in (*site.app.rglob("*.py"), *faulty.state.glob("*")):
            os.utime(path, (time.time(), time.time() - ahead))  # as it was before
        faulty.reload()
        site.wait_for_line("reloaded: ", count=faulty.edits)
    site.write("words.py", f"WORD = 0\n{REWRITE.format(file=f'{site.app}/words.py')}{SELF}")
    spent = "holding: the budget of 3 restarts in 60 s is spent"
    wait_for(lambda: site.ask() and site.said(spent), spent, deadline=100)


HOARD = """\
import os, resource, threading, time

def take():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, most))
    threading.Thread(target=hoard, daemon=True).start()

def hoard():
    while not os.path.exists(__file__ + ".begin"):  # this request needs descriptors to the end
        time.sleep(0.01)
    held = []
    while not os.path.exists(__file__ + ".free"):
        try:
            held.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            if os.path.exists(__file__ + ".begin"):  # now there is none left
                os.remove(__file__ + ".begin")
            time.sleep(0.01)
    for one in held:
        os.close(one)
    os.remove(__file__ + ".free")
"""
"""A module that takes every descriptor that it can get, from one file's appearance to another's.

It removes the first file once it has them all.
"""


def test_no_descriptor_is_left(faulty: Faulty, chaos: Chaos) -> None:
    """What changes meanwhile is noticed as soon as files can be opened again.

    No request comes meanwhile: mod_wsgi crashes over a connection that it has no descriptor for,
    wsgireload or not (6.1.1 on Apache 2.4.71).
    """
    site, slowest = faulty.site, 0.0
    hoard = site.write("hoard.py", HOARD)
    begin, free = hoard.with_suffix(".py.begin"), hoard.with_suffix(".py.free")
    faulty.start()
    for _ in range(chaos.often(2, 30)):
        site.ask("hoard.__name__")
        before, said = site.wait_for_looks(), len(site.log)
        site.ask("hoard.take")
        begin.touch()
        site.wait_for(lambda: not begin.exists(), "the module to take descriptors")
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
        site.wait_for_line("reloaded: ")  # the new process knows the page
    site.wait_for_line("changed: ", count=2)
    faulty.reload()
    site.wait_for_line("reloaded: ", count=2)  # the next process knows that there is none
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
    site.wait_for_line(f"watching: cannot read {far}/words.py: ")
    assert site.wait_for_looks().pid == before.pid
    assert site.ask("far.words.WORD").value == "one"
    far.chmod(0o755)
    site.wait_for_value("two", "far.words.WORD")
