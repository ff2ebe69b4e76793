"""Reloads while many requests run: nothing is lost, and nobody is taken back to old code."""

from __future__ import annotations

import time
from math import inf
from pathlib import Path
from typing import Any

import processes
import pytest
from crowd import Crowd
from testsite import START, Site, Sites

pytestmark = pytest.mark.e2e

LINE = "reload_required = wsgireload.reload_required"
CLIENTS = """
MaxSpareThreads 50
ThreadsPerChild 50
MaxRequestWorkers 50
"""
"""Apache's own threads: more than there are clients."""


def save(site: Site, version: int) -> None:
    """Save a version, whole from one moment to the next: nobody loads half of it."""
    site.write("words.new", f"WORD = {version}\n").replace(site.app / "words.py")


def begin(site: Site, settings: str) -> Site:
    """Start a site at version 0, whose requests ask; it may restart as often as it likes."""
    site.edit("app.wsgi", f"{START})", f"{START}, budget=(100, 1.0), {settings})\n{LINE}")
    save(site, 0)
    site.start()
    return site


def held(site: Site) -> tuple[int, int]:
    """How many processes Apache has now, and how many files they have open."""
    pids = processes.of_group(site.pid)
    return len(pids), sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids)


@pytest.mark.parametrize(
    ("when", "short", "long"), [("next-request", 25, 1000), ("auto", 4, 200), ("now", 4, 200)]
)
def test_reloads(new_site: Sites, chaos: Any, when: str, short: int, long: int) -> None:
    """However many reloads: no request is lost, nothing piles up, and old code is over at once."""
    site = begin(new_site(directives=CLIENTS), f"when={when!r}")
    site.wait_for_looks()
    before, reloads = held(site), chaos.often(short, long)
    with Crowd(site, 8, pause=0.02) as crowd:
        for version in range(1, reloads + 1):
            time.sleep(chaos.random.uniform(0, 0.7))  # Apache takes a second to start a process
            save(site, version)
            crowd.wait_for(version)
    after = held(site)
    to_monotonic = time.monotonic() - time.time()
    decided = [line.when + to_monotonic for line in site.said("restarting: ")]
    assert len(decided) == reloads
    late = [visit for visit in crowd.visits if visit.began > [*decided, inf][visit.version]]
    chaos.figure("reloads", reloads)
    chaos.figure("requests sent", crowd.sent)
    chaos.figure("requests lost", len(crowd.lost))
    chaos.figure("by old code after the restart was decided", len(late))
    chaos.figure("processes and open files before", before)
    chaos.figure("processes and open files after", after)
    assert crowd.lost == []
    assert late == [] or when != "next-request"
    assert after <= before
