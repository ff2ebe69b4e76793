"""Reloads while many requests run: nothing is lost, and nobody is taken back to old code."""

from __future__ import annotations

import os
import signal
import time
from itertools import groupby
from math import inf
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from support import processgroup
from support.busysite import busy_site, crowd, fewest_ready, save, taken_back, write
from support.testsite import Site, Sites
from support.traffic import Traffic

import wsgireload

pytestmark = pytest.mark.e2e

FOUR = "processes=4 threads=5"
RESPAWN = Path(wsgireload.__file__).parent / "respawn.so"
SLOW = """\
import time

import words


def answer():
    version = words.WORD
    time.sleep({seconds})
    return version
"""


def held(site: Site) -> tuple[int, int]:
    """How many processes Apache has now, and how many files they have open."""
    pids = processgroup.members(site.pid)
    return len(pids), sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids)


@pytest.mark.parametrize(
    ("when", "directives", "short", "long"),
    [
        ("next-request", "", 20, 500),
        ("auto", "", 4, 500),
        ("auto", f'LoadFile "{RESPAWN}"\nWSGIDestroyInterpreter Off', 4, 500),
        ("now", "", 4, 500),
    ],
    ids=["next-request", "auto", "auto, at once", "now"],
)
def test_reloads(
    new_site: Sites, chaos: Any, when: str, directives: str, short: int, long: int
) -> None:
    """However many reloads: no request is lost, nothing piles up, and old code is over at once."""
    site = busy_site(new_site, f"when={when!r}", directives=directives)
    site.ask()
    site.wait_for_looks()  # by now it has opened what it keeps open
    before, reloads = held(site), chaos.often(short, long)
    with crowd(site, 8, pause=0.02) as traffic:
        for version in range(1, reloads + 1):
            time.sleep(chaos.random.uniform(0, 0.7))  # Apache takes a second to start a process
            save(site, version)
            traffic.wait_for(version)
    site.wait_for(lambda: held(site) <= before, f"no more than {before}")
    # With "auto" some processes log it twice.
    by_process = groupby(site.said("restarting: "), lambda line: line.pid)
    decided = [next(lines).when for _, lines in by_process]
    over = [*decided, inf]
    late = [visit for visit in traffic.visits if visit.began > over[visit.value]]
    chaos.figure("reloads", reloads)
    chaos.figure("requests sent", traffic.sent)
    chaos.figure("requests lost", len(traffic.lost))
    chaos.figure("by old code after the restart was decided", len(late))
    chaos.figure("processes and open files before", before)
    chaos.figure("processes and open files after", held(site))
    assert (traffic.lost, len(decided)) == ([], reloads)
    assert late == [] or when != "next-request"
    off = how_far_off(site, traffic, reloads)
    chaos.figure("seconds by which a 'reloaded' line was wrong, at most", max(off))
    assert site.ask().status["generation"] == reloads
    # In between, the log's lines wait for the processor, on a busy machine: as in the short form,
    # which runs beside all other tests.
    assert max(off) < 2.0
    assert sorted(off)[len(off) // 2] < 0.2 or reloads == short


def how_far_off(site: Site, traffic: Traffic, reloads: int) -> list[float]:
    """By how many seconds each 'reloaded' line differs from the time of the first new answer.

    A process reports that it is up some time after that: it lets the application answer first.
    """
    lines = site.wait_for_line("reloaded: ", count=reloads)
    ended = [line.when for line in site.log.lines("Shutdown requested for daemon process")]
    assert (len(lines), len(ended)) == (reloads, reloads)
    said = [float(line.text.partition(" up after ")[2].partition(" s")[0]) for line in lines]
    latest_first = sorted(traffic.visits, key=attrgetter("ended"), reverse=True)
    first = {visit.value: visit.ended for visit in latest_first}
    measured = [first[number] - end for number, end in enumerate(ended, 1)]
    return [abs(one - other) for one, other in zip(said, measured, strict=True)]


@pytest.mark.parametrize("preload", [True, False])
@pytest.mark.parametrize("when", ["next-request", "auto"])
def test_no_way_back(new_site: Sites, chaos: Any, when: str, preload: bool) -> None:
    """Once anybody has seen a version, no request that begins is answered by one before it.

    Each process looks once a second, at a moment of its own: the others have to be told.
    """
    site = busy_site(new_site, f"when={when!r}, watch='poll'", daemon=FOUR, preload=preload)
    rounds = chaos.often(3, 60)
    with crowd(site, 32) as traffic:
        for version in range(1, rounds + 1):
            traffic.wait_for(version - 1, processes=4)
            time.sleep(chaos.random.uniform(0, 0.3))
            save(site, version)
        traffic.wait_for(rounds)
    back = taken_back(traffic.visits)
    chaos.figure("rounds", rounds)
    chaos.figure("requests sent", traffic.sent)
    chaos.figure("requests lost", len(traffic.lost))
    chaos.figure("taken back to old code", len(back))
    assert (traffic.lost, back) == ([], [])


def test_saves_while_processes_start(new_site: Sites, chaos: Any) -> None:
    """Then too each version comes to be served, and no request is lost.

    A process that starts right after a save has the new code before any other has noticed: for as
    long as that takes, it answers beside those with the old code.
    """
    site = busy_site(new_site, "when='next-request'", daemon=FOUR)
    rounds = chaos.often(4, 120)
    with crowd(site, 32) as traffic:
        for version in range(1, rounds + 1):
            traffic.wait_for(version - 1)  # the first of the four is up, the others are starting
            time.sleep(chaos.random.uniform(0, 0.03))
            save(site, version)
        traffic.wait_for(rounds, processes=4)
    back = taken_back(traffic.visits)
    chaos.figure("rounds, of which with two versions", (rounds, len({x.value for x in back})))
    chaos.figure("requests sent", traffic.sent)
    chaos.figure("taken back to old code", len(back))
    chaos.figure(
        "for how long, s", max((x.began - traffic.first[x.value + 1] for x in back), default=0)
    )
    assert traffic.lost == []


def test_no_way_back_with_long_requests(new_site: Sites, chaos: Any) -> None:
    """The same where each process serves requests that take seconds, which all finish."""
    site = busy_site(new_site, "when='auto'", daemon="processes=4 threads=10 shutdown-timeout=30")
    site.patience = 60.0
    site.write("slow.py", SLOW.format(seconds=chaos.often(3, 10)))
    rounds = chaos.often(2, 12)
    with crowd(site, 4, name="slow.answer") as slow, crowd(site, 32) as traffic:
        for version in range(1, rounds + 1):
            traffic.wait_for(version - 1, processes=4)
            time.sleep(chaos.random.uniform(0, 0.3))
            save(site, version)
        traffic.wait_for(rounds, processes=4)
    back = taken_back([*traffic.visits, *slow.visits])
    chaos.figure("rounds", rounds)
    chaos.figure("requests sent, of which long", (traffic.sent + slow.sent, slow.sent))
    chaos.figure("requests lost, of which long", (len(traffic.lost + slow.lost), len(slow.lost)))
    chaos.figure("taken back to old code", len(back))
    assert (traffic.lost, slow.lost, back) == ([], [], [])


@pytest.mark.parametrize("when", ["now", "auto", "next-request"])
def test_rolling(new_site: Sites, chaos: Any, when: str) -> None:
    """With rolling three of four processes are able to answer at any moment; nothing is lost."""
    site = busy_site(new_site, f"when={when!r}, rolling=True", daemon=FOUR, preload=True)
    rounds = chaos.often(1, 20)
    with crowd(site, 8, pause=0.02) as traffic:
        for version in range(1, rounds + 1):
            traffic.wait_for(version - 1, processes=4)
            save(site, version)
        traffic.wait_for(rounds, processes=4)
    chaos.figure("rolls", rounds)
    chaos.figure("requests sent", traffic.sent)
    chaos.figure("requests lost", len(traffic.lost))
    chaos.figure("fewest ready of 4", fewest_ready(site, 4))
    assert traffic.lost == []
    assert fewest_ready(site, 4) == 3


@pytest.mark.parametrize("when", ["now", "auto", "next-request"])
def test_rolling_onto_a_version_that_does_not_start(new_site: Sites, chaos: Any, when: str) -> None:
    """Three processes go on with the old code; the repair brings all four to the new one."""
    site = busy_site(new_site, f"when={when!r}, rolling=True", daemon=FOUR, preload=True)
    site.noisy, site.patience = True, 60.0
    with crowd(site, 8, pause=0.02) as traffic:
        traffic.wait_for(0, processes=4)
        write(site, "raise RuntimeError('broken')\n")
        site.wait_for(lambda: traffic.lost, "the first that meets the broken version")
        if chaos.long:
            site.wait_for_line("holding: ", count=3)
        broken = time.time()
        time.sleep(chaos.often(1, 10))

        def old() -> set[int]:
            return {visit.pid for visit in traffic.visits if visit.began > broken}

        site.wait_for(lambda: len(old()) >= 3, "answers of three processes")
        answered = old()
        save(site, 1)
        traffic.wait_for(1, processes=4)
    chaos.figure("processes with old code meanwhile", len(answered))
    chaos.figure("requests that met the broken version", len(traffic.lost))
    chaos.figure("fewest ready of 4", fewest_ready(site, 4))
    assert len(answered) == 3
    assert all(": 500 " in lost for lost in traffic.lost)
    assert fewest_ready(site, 4) == 3


def test_rolling_when_the_one_that_has_the_turn_is_killed(new_site: Sites, chaos: Any) -> None:
    """The turn goes on to the next, once the killed one's successor is up; three are ready."""
    site = busy_site(new_site, "when='next-request', rolling=True", daemon=FOUR, preload=True)
    site.noisy = True
    with crowd(site, 8, pause=0.02) as traffic:
        traffic.wait_for(0, processes=4)
    save(site, 1)  # nobody asks: who has the turn keeps it
    killed = site.wait_for_line("restarting: ")[0].pid
    os.kill(killed, signal.SIGKILL)
    with crowd(site, 8, pause=0.02) as after:
        after.wait_for(1, processes=4)
    chaos.figure("fewest ready of 4", fewest_ready(site, 4, killed))
    assert (traffic.lost, after.lost) == ([], [])
    assert fewest_ready(site, 4, killed) == 3
    assert len(site.said("restarting: ")) == 4
