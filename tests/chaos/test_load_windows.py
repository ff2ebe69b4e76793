"""Reloads of a winnt Apache while many requests run: nothing is lost or piles up."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import pytest
from support.busysite import crowd, save
from support.testsite import START
from support.windows import installed
from support.windows.testsite import WindowsSite, WindowsSites

pytestmark = pytest.mark.windows

EARLY = 3  # reloads after which handles are counted
COUNT = """
import ctypes, sys
MANY = 500
kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
kernel32.OpenProcess.restype = kernel32.CreateEventW.restype = ctypes.c_void_p
kernel32.GetCurrentProcess.restype = ctypes.c_void_p
own = ctypes.c_void_p(kernel32.GetCurrentProcess())
event = ctypes.c_void_p(kernel32.CreateEventW(None, False, False, None))
other = ctypes.c_void_p(kernel32.OpenProcess(0x40, False, int(sys.argv[1])))
given = []
for _ in range(MANY):
    handle = ctypes.c_void_p()
    if not kernel32.DuplicateHandle(own, event, other, ctypes.byref(handle), 0, False, 2):
        raise ctypes.WinError(ctypes.get_last_error())
    given.append(handle)
for handle in given:
    back = ctypes.c_void_p()
    if not kernel32.DuplicateHandle(other, handle, own, ctypes.byref(back), 0, False, 3):
        raise ctypes.WinError(ctypes.get_last_error())
print(max(handle.value for handle in given) // 4 - MANY)
"""
"""How many handles another process has: wine 8 does not tell (GetProcessHandleCount says 0), but
gives out the lowest free number, and so as many as there are below the last of many are taken."""


def held(site: WindowsSite) -> tuple[int, int, int]:
    """How many processes Apache has, and how many handles its parent and its child."""
    site.wait_for_one_child()
    pids = (site.pid, site.child)
    parent, child = (int(installed.python("-c", COUNT, str(pid)).stdout) for pid in pids)
    return len(site.running()), parent, child


def no_more(site: WindowsSite, before: tuple[int, ...]) -> tuple[int, ...] | None:
    """As `held`, once none of the numbers is larger than before."""
    after = held(site)
    return after if all(now <= then for now, then in zip(after, before, strict=True)) else None


@pytest.mark.timeout(900)
def test_reloads(new_windows_site: WindowsSites, chaos: Any) -> None:
    """However many reloads: no request is lost, and no process or handle is left behind."""
    site = new_windows_site()
    site.edit("app.wsgi", f"{START})", f"{START}, budget=(100, 1.0))")
    save(site, 0)
    site.start()
    parent, reloads = site.pid, chaos.often(50, 200)
    # Apache's first child has fewer handles than those after it (under wine 10), and one child may
    # have some more than another. What is left behind adds up in the parent.
    early = []
    for version in range(1, EARLY + 1):
        with crowd(site, 4, pause=0.1) as traffic:
            traffic.wait_for(version - 1)
            save(site, version)
            traffic.wait_for(version)
        site.wait_for_looks()
        early.append(held(site))
    before = tuple(map(max, *early))
    with crowd(site, 4, pause=0.1) as traffic:
        for version in range(EARLY + 1, reloads + EARLY + 1):
            time.sleep(chaos.random.uniform(0, 1))
            save(site, version)
            traffic.wait_for(version)
    # Each reload has a new child: what is open in it for a moment is none of what was left behind.
    after = site.wait_for(partial(no_more, site, before), f"no more than {before}")
    chaos.figure("reloads", reloads)
    chaos.figure("requests sent", traffic.sent)
    chaos.figure("requests lost", len(traffic.lost))
    chaos.figure("processes, handles of the parent and of the child before", before)
    chaos.figure("processes, handles of the parent and of the child after", after)
    assert traffic.lost == []
    assert traffic.sent > 5 * reloads
    assert (site.pid, site.restarts()) == (parent, reloads + EARLY)
    assert len(site.said("restarting: ")) == reloads + EARLY
