"""Reloads while many requests run: nothing is lost, and nobody is taken back to old code."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import processes
import pytest
from crowd import Crowd, taken_back
from server import wait_for
from testsite import START, Site, Sites

pytestmark = pytest.mark.e2e

LINE = "reload_required = wsgireload.reload_required"
BUDGET = "budget=(100, 1.0)"
CLIENTS = """
MaxSpareThreads 50
ThreadsPerChild 50
MaxRequestWorkers 50
"""
"""Apache's own threads: more than there are clients."""


def save(site: Site, version: int) -> None:
    """Save a version, whole from one moment to the next: nobody loads half of it."""
    site.write("next.py", f"WORD = {version}\n").replace(site.app / "words.py")


def begin(site: Site, settings: str) -> Site:
    """Start a site at version 0, whose requests ask; it may restart as often as it likes."""
    site.edit("app.wsgi", f"{START})", f"{START}, {BUDGET}, {settings})\n{LINE}")
    save(site, 0)
    site.start()
    return site


def held(site: Site) -> tuple[int, int]:
    """How many processes Apache has now, and how many files they have open."""
    pids = processes.of_group(site.pid)
    return len(pids), sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)


@pytest.mark.parametrize(
    ("when", "short", "long"), [("next-request", 25, 1000), ("auto", 4, 200), ("now", 4, 200)]
)
def test_reloads(new_site: Sites, chaos: Any, when: str, short: int, long: int) -> None:
    """However many reloads: no request is lost, no process or file is left; old code is over."""
    site = begin(new_site(directives=CLIENTS), f"when={when!r}")
    site.wait_for_looks()
    before, reloads = held(site), chaos.often(short, long)
    offset = time.monotonic() - time.time()
    with Crowd(site, 8, pause=0.02) as crowd:
        for version in range(1, reloads + 1):
            save(site, version)
            crowd.wait_for(version)
    decided = [line.when + offset for line in site.said("restarting: ")]
    late = [visit for visit in crowd.visits if visit.began > decided[visit.version]]
    after = held(site)
    chaos.figure("reloads", reloads)
