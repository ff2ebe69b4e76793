"""respawn.so: in Apache's parent alone, through restarts; an ended process is replaced at once."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from support import processgroup
from support.testsite import Site, Sites

import wsgireload

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it is for Linux")

LOADED = f'LoadFile "{Path(wsgireload.__file__).parent / "respawn.so"}"\n'
QUIET = 4.0  # seconds without a fork, after which it begins anew: three whole ones
ENDS = 4  # as many as are noticed at once within three seconds


def handles(pid: int) -> bool:
    """Whether a process has a handler of SIGCHLD."""
    text = Path(f"/proc/{pid}/status").read_text()
    caught = next(line.split()[1] for line in text.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (signal.SIGCHLD - 1) & 1)


def seconds_without(site: Site) -> float:
    """End the daemon process; returns the seconds between its end and the start of another."""
    site.ask()
    (pid,) = site.daemons()
    os.kill(pid, signal.SIGINT)
    site.wait_for(lambda: pid not in site.daemons(), "its end")
    began = time.monotonic()
    site.wait_for(site.daemons, "its successor")
    return time.monotonic() - began


def median_without(site: Site) -> float:
    """The third of four, as the least of them may be short without a library too."""
    site.start()
    return sorted(seconds_without(site) for _ in range(ENDS))[ENDS // 2]


def test_in_the_parent_alone(new_site: Sites) -> None:
    """The parent keeps it through graceful and full restarts; its children never have it."""
    site = new_site(directives=2 * LOADED)
    site.start()
    site.ask()
    assert handles(site.pid)
    for command in (Site.graceful, Site.restart, Site.graceful):
        site.replace(command)
        site.ask()
        children = processgroup.children(site.pid)
        assert len(children) >= 2
        assert not [command for pid, command in children.items() if handles(pid)]
    # All these processes ended within a short time: the next end is noticed as without a library.
    forked = time.monotonic()
    site.wait_for(lambda: time.monotonic() > forked + QUIET, "the end of the burst")
    seconds_without(site)
    assert handles(site.pid)
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")


@pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])
def test_replaced_at_once(new_site: Sites, mpm: str) -> None:
    """Of four ended processes three are replaced within a fifth of the parent's second."""
    assert median_without(new_site(directives=LOADED, mpm=mpm)) < 0.2
