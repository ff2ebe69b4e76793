"""A roll across a fleet: of a thousand machines by simulation, with the real rules."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from support.memorystore import LIFE, Memory

from wsgireload.decide.turn import RETRY
from wsgireload.turn.rules import NOT_YET, YES

PROCESSES = 2
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
    assert roll.seconds < turns * (starts + 2 * REQUEST + RETRY)
    chaos.figure("machines, of two processes each", machines)
    chaos.figure("minutes of the roll", round(roll.seconds / 60, 1))
    chaos.figure("seconds for each process", round(roll.seconds / turns, 2))
    chaos.figure("requests to the coordinator", roll.requests)
    chaos.figure("requests in a second, on average", round(roll.requests / roll.seconds, 1))
    chaos.figure("writes", roll.store.writes)
