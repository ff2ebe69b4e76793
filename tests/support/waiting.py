"""Waiting in a unit test for what another thread or process does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from wsgireload.changes import Changes
from wsgireload.decide.verdict import Gate, Verdict, Wait

DEADLINE = 20.0  # seconds
PAUSE = 0.01

Result = TypeVar("Result")


def wait_for(condition: Callable[[], Result | None], deadline: float = DEADLINE) -> Result:
    """Return the first true value of a condition, whatever a test has done to the clocks."""
    pulse = threading.Event()
    for _ in range(int(deadline / PAUSE)):
        if result := condition():
            return result
        pulse.wait(PAUSE)
    raise AssertionError("it never came true")


def decision(gate: Gate, changes: Changes, deadline: float = DEADLINE) -> Verdict:
    """Return the first verdict of a gate that is not to wait."""

    def decided() -> Verdict | None:
        verdict = gate.check(changes)
        return None if isinstance(verdict, Wait) else verdict

    return wait_for(decided, deadline)
