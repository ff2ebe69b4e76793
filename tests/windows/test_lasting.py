"""What a winnt Apache goes through in the long run, with its monitor at work."""

from __future__ import annotations

import pytest
from support.testsite import START
from support.traffic import Traffic
from support.windows import processes
from support.windows.testsite import WindowsServiceSite, WindowsSite, WindowsSites

ENDLESS = """\
import threading
import time


def forever():
    while True:
        time.sleep(1)


def begin():
    threading.Thread(target=forever, daemon=False).start()
"""
SLOW_START = """\
import pathlib
import time

import words

pathlib.Path(__file__).with_name("starting").touch()
time.sleep(3)
"""


def ours(site: WindowsSite, *, after: int) -> list[str]:
    """What was written by the application: stderr is the level "error" to mod_wsgi."""
    lines = site.log.lines(after=after)
    return [each.text for each in lines if each.level == "error" or "wsgireload: " in each.text]


def test_an_edit_while_apache_starts(new_site: WindowsSites) -> None:
    """What changes while the child is still starting is loaded after it, with Apache still up."""
    site = new_site(preload=True)
    site.write("slow_start.py", SLOW_START)
    site.edit("app.wsgi", "import words", "import slow_start\nimport words")
    site.start()
    site.wait_for((site.app / "starting").exists, "the beginning of the start")
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")
    site.wait_for_looks()
    assert site.restarts() == 1


def test_a_thread_that_never_ends(new_site: WindowsSites) -> None:
    """A child that it keeps alive is ended, while the new one serves."""
    site = new_site(group="%{GLOBAL}")
    site.write("endless.py", ENDLESS)
    site.edit("app.wsgi", f"{START})", f"{START}, linger=3)")
    site.start()
    site.ask("endless.begin")
    site.wait_for_looks()
    old = site.child
    site.edit("words.py", "old", "new")
    with Traffic(site) as traffic:
        site.wait_for_value("new")
        site.wait_for_one_child()
    assert traffic.lost == []
    said = site.said("lingering: ")
    assert len(said) == 1
    assert f"process {old} has not left 3 s after" in said[0].text
    assert (site.restarts(), site.ask().value) == (1, "new")


@pytest.mark.parametrize("group", [None, "%{GLOBAL}"])
def test_stop_and_restart(new_site: WindowsSites, group: str | None) -> None:
    """Apache's own restart gives a child with a monitor, its stop leaves none; we are silent."""
    site = new_site(group=group)
    site.start()
    site.wait_for_looks()
    so_far, before = len(site.log), site.child
    site.restart()
    site.wait_for(lambda: site.child != before, "another child")
    site.wait_for_one_child()
    assert ours(site, after=so_far) == []
    site.wait_for_looks()
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")
    site.wait_for_one_child()
    site.wait_for_looks()
    so_far = len(site.log)
    site.stop()
    assert ours(site, after=so_far) == []


@pytest.mark.skipif(not processes.administrator(), reason="it takes an administrator")
def test_a_service(new_site: WindowsSites) -> None:
    """As a service too: an edit, a broken configuration held and mended, stopped, uninstalled."""
    site: WindowsSite = new_site(kind=WindowsServiceSite)
    site.start()
    assert site.ask().value == "old"
    site.wait_for_looks()
    with Traffic(site) as traffic:
        site.edit("words.py", "old", "new")
        site.wait_for_value("new")
        site.wait_for_one_child()
        site.wait_for_looks()
        with site.broken():
            site.edit("words.py", "new", "newer")
            assert "NoSuchDirective" in site.wait_for_line("holding: ")[0].text
            assert (site.ask().value, site.restarts()) == ("new", 1)
        site.wait_for_value("newer")
    assert traffic.lost == []
    assert site.restarts() == 2
