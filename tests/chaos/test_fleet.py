"""A roll across a fleet: over six machines with faults, and over a thousand by simulation."""

from __future__ import annotations

import heapq
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from support.apache import Apache
from support.coordinators import KINDS
from support.errorlog import Line
from support.fleet import PROCESSES, Fleet
from support.machines import Machine
from support.memorystore import LIFE, Memory

from wsgireload.decide.turn import RETRY
from wsgireload.turn.rules import NOT_YET, YES

REQUEST = 0.1  # seconds for a request: the program starts, and the coordinator answers
MACHINES = 1_000


class Roll:
    """Machines that deploy at the same time, in the time of a store in memory.

    Each is a generator of the seconds for which it does nothing.
    """

    def __init__(self, random: Any, machines: int, starts: float) -> None:
        """`starts` are the seconds in which the application starts, on average."""
        self.random = random
        self.starts = starts
        self.store = Memory()
        self.requests = 0
        self.starting = 0.0  # seconds of all starts together
        self.away = self.most_away = 0
        order = count()  # of events at the same time
        began = self.store.clock.now
        queue = [
            (began + random.random(), next(order), self.machine(f"web{n}")) for n in range(machines)
        ]
        heapq.heapify(queue)
        while queue:
            self.store.clock.now, _, machine = heapq.heappop(queue)
            if (pause := next(machine, None)) is not None:
                heapq.heappush(queue, (self.store.clock.now + pause, next(order), machine))
        self.seconds = self.store.clock.now - began

    def machine(self, name: str) -> Iterator[float]:
        """Replace the processes of a machine, one after another."""
        for _ in range(PROCESSES):
            while self.ask("take", name, "v2") == NOT_YET:
                yield REQUEST + RETRY
            yield REQUEST
            self.away += 1
            self.most_away = max(self.most_away, self.away)
            yield from self.start(name)
            self.away -= 1
            yield REQUEST
            assert self.ask("give", name) == YES

    def start(self, name: str) -> Iterator[float]:
        """Start the new process, which renews the turn every third of its life."""
        left = self.random.uniform(0.5, 1.5) * self.starts
        self.starting += left
        while left > LIFE / 3:
            yield LIFE / 3
            left -= LIFE / 3
            assert self.ask("keep", name) == YES
        yield left

    def ask(self, *words: str) -> int:
        """Make a request; its code."""
        self.requests += 1
        return self.store.ask(*words).code


@pytest.mark.parametrize("starts", [1.0, 25.0], ids="starts in {} s".format)
def test_many_machines(chaos: Any, starts: float) -> None:
    """One process is away at a time, and a roll takes the time of its starts and little more."""
    machines = chaos.often(30, MACHINES if starts == 1 else MACHINES // 10)
    roll = Roll(chaos.random, machines, starts)
    turns = machines * PROCESSES
    assert roll.most_away == 1
    assert roll.store.entries == (None, None)
    assert roll.seconds < roll.starting + turns * (2 * REQUEST + RETRY)
    chaos.figure("machines, of two processes each", machines)
    chaos.figure("minutes of the roll", round(roll.seconds / 60, 1))
    chaos.figure("seconds for each process", round(roll.seconds / turns, 2))
    chaos.figure("requests to the coordinator", roll.requests)
    chaos.figure("requests in a second, on average", round(roll.requests / roll.seconds, 1))
    chaos.figure("writes", roll.store.writes)


class Faults:
    """What happens to a fleet while it rolls. Each returns the machines that may lose requests."""

    def __init__(self, fleet: Fleet, random: Any) -> None:
        self.fleet = fleet
        self.random = random
        self.ended: list[Line] = []  # the processes that ended without a last word

    def none(self) -> list[Machine]:
        """Nothing happens."""
        return []

    def coordinator_killed(self) -> list[Machine]:
        """It is down for some seconds; Redis has forgotten all then."""
        self.later(5)
        self.fleet.coordinator.kill()
        self.later(5)
        self.fleet.start_coordinator()
        return []

    def coordinator_hangs(self) -> list[Machine]:
        """It answers nothing for some seconds, shorter than a turn lives."""
        self.later(5)
        self.fleet.coordinator.pause(on=True)
        self.later(8)
        self.fleet.coordinator.pause(on=False)
        return []

    def machine_cut_off(self) -> list[Machine]:
        """It does not reach the coordinator for some seconds, shorter than a turn lives."""
        machine = self.random.choice(self.fleet.machines)
        self.later(5)
        machine.cut(off=True)
        self.later(10)
        machine.cut(off=False)
        return []

    def process_killed(self) -> list[Machine]:
        """One process dies at any moment of the roll."""
        self.later(8)
        machine = self.random.choice(self.fleet.machines)
        for pid in sorted(machine.daemons())[:1]:
            self.dies(pid)
            os.kill(pid, signal.SIGKILL)
        return [machine]

    def machine_dies(self) -> list[Machine]:
        """All its processes die, and it comes back some seconds later."""
        self.later(8)
        machine = self.random.choice(self.fleet.machines)
        for pid in machine.daemons():
            self.dies(pid)
        machine.power_off()
        self.later(5)
        machine.start()
        return [machine]

    def broken_version(self) -> list[Machine]:
        """The version does not start: the next one repairs it."""
        self.fleet.write("raise RuntimeError('broken')\n")
        broken = self.fleet.by_turn()[0]
        self.later(5)
        return [broken]

    def later(self, most: float) -> None:
        """Wait for a random time."""
        time.sleep(self.random.uniform(0.0, most))

    def dies(self, pid: int) -> None:
        """Note the end of a process, which it does not log."""
        self.ended.append(Line(time.time(), pid, "", "Shutdown requested"))


CALM = (Faults.none, Faults.coordinator_killed, Faults.coordinator_hangs, Faults.machine_cut_off)
FAULTS = (*CALM, Faults.process_killed, Faults.machine_dies, Faults.broken_version)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.scheme)
def test_faults(kind: Any, apache: Apache, library: Path, chaos: Any) -> None:
    """All machines come to each version, whatever happens; no request of a healthy one is lost.

    Never more than one process is away, but where a process or a machine dies, and where Redis has
    lost its memory: then two.
    """
    if not chaos.long:
        pytest.skip("only in its long form, ci/chaos fleet: tests/fleet has each fault once")
    with ExitStack() as stack:
        fleet = Fleet.around(kind, apache, library, stack)
        fleet.start(machines=6)
        fleet.noisy()
        for machine in fleet.machines:
            machine.patience = 300.0
        faults = Faults(fleet, chaos.random)
        usable = [each for each in FAULTS if fleet.network.works or each != Faults.machine_cut_off]
        deployments = 100
        fewest, lost, sent = 99, 0, 0
        for version in range(1, deployments + 1):
            fault = chaos.random.choice(usable)
            began = time.time()
            result = deploy(fleet, version, lambda fault=fault: fault(faults))
            lost, sent = lost + result[0], sent + result[1]
            if fault in CALM and not (kind.scheme == "redis" and fault == CALM[1]):
                fewest = min([fewest, *fewest_since(fleet, faults, began)])
        chaos.figure("deployments to six machines of two processes", deployments)
        chaos.figure("requests sent", sent)
        chaos.figure("requests lost by machines without a fault", lost)
        chaos.figure("fewest of 12 ready, where none died", fewest)
        assert lost == 0
        assert fewest == 6 * PROCESSES - 1


def deploy(fleet: Fleet, version: int, fault: Callable[[], list[Machine]]) -> tuple[int, int]:
    """Deploy a version while something happens; returns the requests lost and sent.

    Those of the machines that the fault concerns do not count as lost.
    """
    with ExitStack() as stack:
        crowds = [stack.enter_context(crowd) for crowd in fleet.crowds()]
        fleet.save(version)
        concerned = fault()
        fleet.save(version)  # in place of a broken one
        for crowd in crowds:
            crowd.wait_for(version, processes=PROCESSES)
    healthy = zip(fleet.machines, crowds, strict=True)
    lost = sum(len(crowd.lost) for machine, crowd in healthy if machine not in concerned)
    return lost, sum(crowd.sent for crowd in crowds)


def fewest_since(fleet: Fleet, faults: Faults, began: float) -> list[int]:
    """How many processes were able to answer at each moment since then."""
    return [count for when, count in fleet.ready(faults.ended) if when >= began]
