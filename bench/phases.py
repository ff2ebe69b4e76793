"""The phases of a restart, from the times at which each ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median, quantiles
from typing import NamedTuple

from support.errorlog import Line

PHASES = {
    "settle": "noticed, settled",
    "decide": "decided, signalled",
    "threads": "threads end",
    "python": "Python finalised",
    "parent": "parent sleeps",
    "fork": "fork, Python starts",
    "replaced": "noticed and replaced",
    "reloader": "reloader starts",
    "imports": "application's imports",
    "answer": "first answer",
}
"""Key -> heading, in their order. "replaced" stands for all before it, of a server whose log has
no lines about them.
"""
LINES = {
    "settle": ("bench: settled", "wsgireload: restarting"),
    "decide": ("Shutdown requested",),
    "threads": ("Stopping process",),
    "parent": ("has died",),
}
"""Texts of the log's line that ends a phase; the first text that is found counts."""
STAMPS = ("fork", "reloader", "imports")
"""What ends at each time that the WSGI script takes: at its start, after start(), at its end."""


class Turn(NamedTuple):
    """One save: the milliseconds of each phase, and whether a request failed before the answer."""

    phases: Mapping[str, float]
    failed: bool = False

    @property
    def total(self) -> float:
        """Milliseconds from the save to the first answer of the new code."""
        return sum(self.phases.values())


def logged(lines: Iterable[Line], since: float) -> dict[str, float]:
    """When each phase ended (seconds since 1970) by the lines of a log after a moment."""
    later = [line for line in lines if line.when >= since]
    ends = {}
    for phase, texts in LINES.items():
        found = [line.when for text in texts for line in later if text in line.text]
        ends |= {phase: found[0]} if found else {}
    return ends


def divided(saved: float, ends: Mapping[str, float]) -> dict[str, float]:
    """The milliseconds of each phase. An end that is not known is added to the next phase.

    A log line may be written a little later than what it is about: no phase is negative.
    """
    phases, began = {}, saved
    for phase in PHASES:
        if phase in ends:
            end = max(began, ends[phase])
            phases[phase], began = (end - began) * 1000, end
    return phases


def medians(turns: Iterable[Turn]) -> dict[str, float]:
    """The median of each phase, over the turns that have it."""
    found: dict[str, list[float]] = {}
    for turn in turns:
        for phase, spent in turn.phases.items():
            found.setdefault(phase, []).append(spent)
    return {phase: median(found[phase]) for phase in PHASES if phase in found}


def quartiles(turns: Iterable[Turn]) -> list[float]:
    """The quartiles of the totals; the second of them is the median."""
    totals = [turn.total for turn in turns]
    return quantiles(totals, n=4, method="inclusive") if len(totals) > 1 else totals * 3
