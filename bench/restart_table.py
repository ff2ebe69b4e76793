"""What bench/restart found, as tables and as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median

from applications import SITES
from bars import Bar, picture
from lineup import LATEST, MEASURES, PEERS, titled
from phases import PHASES, Turn, medians, quartiles
from table import markdown, plain, significant

Turns = Mapping[str, list[Turn]]
"""Contender -> its saves; wsgireload's are named "6.1.1 all", for the mod_wsgi and the measure."""
Results = Mapping[str, Turns]
"""Application -> the turns."""
OURS, ALONE = f"{LATEST} all", f"{LATEST} none"
PARTS = {
    "noticed, settled, decided": ("settle", "decide"),
    "the old process ends": ("threads", "python"),
    "Apache's parent sleeps": ("parent",),
    "the new process starts": ("fork",),
    "all of these, not separated": ("replaced",),
    "the reloader starts": ("reloader",),
    "the application's imports": ("imports",),
    "first answer": ("answer",),
}
"""Of the picture: its parts, and the phases of each."""
DRAWN = (ALONE, f"{LATEST} respawn", OURS, *PEERS)
TITLE = "From a save to the first answer of the new code, in milliseconds."


def report(results: Results, *, as_markdown: bool) -> Iterator[str]:
    """The lines: the totals, then the phases of each application."""
    lines = markdown if as_markdown else plain
    yield from lines(totals(results))
    for site, turns in results.items():
        table = phases(turns)
        if len(table) > 1:
            yield ""
            yield f"{SITES[site].name}, medians in ms:"
            yield ""
            yield from lines(table)


def named(name: str) -> str:
    """A contender as the tables name it."""
    server, _, measure = name.partition(" ")
    if measure in MEASURES:
        return f"mod_wsgi {server}: {MEASURES[measure].name}"
    return titled(name)


def totals(results: Results) -> list[list[str]]:
    """The median and quartiles of each contender's totals, for each application.

    In parentheses: wsgireload's median with all measures, divided by this one.
    """
    names = list(dict.fromkeys(name for turns in results.values() for name in turns))
    ours = [name for name in names if name.partition(" ")[2] in MEASURES]
    rows = [["save to first new answer, ms", *(SITES[site].name for site in results), "failed"]]
    for name in [*ours, *(peer for peer in names if peer not in ours)]:
        every = [turn for turns in results.values() for turn in turns.get(name, [])]
        failed = f"{sum(turn.failed for turn in every)} of {len(every)}"
        rows.append([named(name), *(total(turns, name) for turns in results.values()), failed])
    return rows


def total(turns: Turns, name: str) -> str:
    """One cell of that table."""
    if not turns.get(name):
        return "-"
    low, middle, high = quartiles(turns[name])
    text = f"{significant(middle)}, {low:,.0f} to {high:,.0f}"
    if name == OURS or not turns.get(OURS):
        return text
    return f"{text} ({significant(quartiles(turns[OURS])[1] / middle)})"


def phases(turns: Turns) -> list[list[str]]:
    """The median of each phase, of the servers that log them."""
    shown = {name: medians(each) for name, each in turns.items() if each}
    shown = {name: each for name, each in shown.items() if "parent" in each}
    columns = [phase for phase in PHASES if any(phase in each for each in shown.values())]
    rows = [["under Apache", *(PHASES[phase] for phase in columns), "all", "ratio to alone"]]
    for name, each in shown.items():
        spent = [significant(each[phase]) if phase in each else "-" for phase in columns]
        whole = quartiles(turns[name])[1]
        alone = f"{name.partition(' ')[0]} none" if name.endswith(tuple(MEASURES)) else ALONE
        ratio = significant(whole / quartiles(turns[alone])[1]) if turns.get(alone) else "-"
        rows.append([named(name), *spent, significant(whole), ratio])
    return rows


def drawn(results: Results) -> str:
    """The picture: each part is its median."""
    groups = {
        SITES[site].name: [bar(name, turns[name]) for name in DRAWN if turns.get(name)]
        for site, turns in results.items()
    }
    return picture(TITLE, list(PARTS), groups)


def bar(name: str, turns: list[Turn]) -> Bar:
    """One row of the picture, its parts shrunk or stretched to the median of the totals."""
    spent = medians(turns)
    parts = {part: sum(spent.get(phase, 0.0) for phase in which) for part, which in PARTS.items()}
    whole = median(turn.total for turn in turns)
    fit = whole / (sum(parts.values()) or 1.0)
    parts = {part: each * fit for part, each in parts.items()}
    return Bar(label(name), parts, whole, is_ours=name.partition(" ")[2] in MEASURES)


def label(name: str) -> str:
    """A contender's name in the picture, which has room for few words."""
    distribution, _, way = name.partition(" ")
    if way in MEASURES:
        return {"none": "wsgireload alone", "respawn": "… with respawn.so"}.get(
            way, "… with all three"
        )
    peers = {"flask": "flask run", "django": "runserver", "express": "mod_wsgi-express"}
    return ", ".join(filter(None, [peers.get(distribution, distribution), way]))
