"""The figures as people read them: ours last, and ours divided by each peer's in parentheses."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

OURS = "wsgireload"
Figures = dict[str, dict[str, float]]
"""Peer -> name of the figure -> the figure."""
COLUMNS = {
    "p50": "noticed, p50 ms",
    "p99": "p99 ms",
    "calls": "system calls/min",
    "memory": "memory MB",
    "start": "start ms",
}


def introduction(command: str, load: float, times: int, window: float) -> Iterator[str]:
    """What was measured, on what, and how to do it again."""
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    yield f"{processor()}, {os.cpu_count()} cores, load {load:.1f} before; {system}"
    yield f"To repeat it: {command}"
    yield f"CPU: share of one core while nothing happens, over {window:g} s, by number of files."
    yield f"All else with 1,000 files. Noticed: {times} saves at random moments."
    yield "Memory and start: what importing and starting the reloader adds and takes."
    yield "In parentheses: wsgireload's figure divided by the peer's; below 1, ours is less."
    yield ""


def processor() -> str:
    """The model, as the kernel names it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def rows(figures: Figures, sizes: Sequence[int]) -> list[list[str]]:
    """The table's cells, the first row being the heads."""
    columns = {f"cpu {count}": f"CPU % {count:,}" for count in sizes} | COLUMNS
    measured = set().union(*figures.values())
    columns = {key: head for key, head in columns.items() if key in measured}
    body = [
        [named(peer), *(cell(mine, figures.get(OURS, {}), key, peer) for key in columns)]
        for peer, mine in figures.items()
    ]
    return [["peer", *columns.values()], *body]


def named(peer: str) -> str:
    """The peer with the version of its distribution, where it has one."""
    distribution, _, way = peer.partition(" ")
    if distribution == "mod_wsgi's":
        return peer
    return f"{distribution} {version(distribution)} {way}".strip()


def cell(mine: Mapping[str, float], ours: Mapping[str, float], key: str, peer: str) -> str:
    if key not in mine:
        return "-"
    text = significant(mine[key])
    if peer == OURS or key not in ours or not mine[key]:
        return text
    return f"{text} ({significant(ours[key] / mine[key])})"


def significant(number: float) -> str:
    """Two digits that matter, and no more decimals than three."""
    for limit, decimals in ((10, 0), (1, 1), (0.1, 2)):
        if abs(number) >= limit:
            return f"{number:,.{decimals}f}"
    return f"{number:.3f}"


def plain(table: list[list[str]]) -> Iterator[str]:
    """Columns under each other."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for first, *others in table:
        cells = (text.rjust(width) for text, width in zip(others, widths[1:], strict=True))
        yield "  ".join([first.ljust(widths[0]), *cells])


def markdown(table: list[list[str]]) -> Iterator[str]:
    """A table as in docs/performance.md."""
    heads, *body = table
    for row in (heads, ["---", *["--:"] * (len(heads) - 1)], *body):
        yield f"| {' | '.join(row)} |"
