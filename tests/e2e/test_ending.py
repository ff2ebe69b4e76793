"""Apache ends or restarts while the monitor runs, which logs nothing about it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.testsite import Site, Sites

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
