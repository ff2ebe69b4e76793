"""Parts of what a monitor tells of itself, as plain data: dataclasses are large, see report.py."""

from __future__ import annotations

from collections.abc import Sequence

from wsgireload.decide import budget
from wsgireload.decide.syntax import Hold
from wsgireload.state.journal import RECENT, Entry


def place(hold: Hold | None) -> dict[str, object] | None:
    """Where the file is that holds, if it is one: the fields of a Held."""
    if hold is None or hold.path is None:
        return None
    return {name: getattr(hold, name) for name in ("path", "line", "column", "text", "error")}


def history(
    entries: Sequence[Entry], processes: int, since_boot: float, now: float
) -> list[dict[str, object]]:
    """The last restarts, newest first, one for all the processes of a group: as Restarted has them.

    `since_boot` is the time now on the clock of `Entry.at`, `now` the same in seconds since 1970.
    """
    ours = [(entry.at, entry.what) for entry in entries]
    times = set(budget.distinct(ours, processes))
    told: list[dict[str, object]] = [
        {
            "at": now - since_boot + entry.at,
            "reason": entry.reason,
            "took": None if entry.up is None else entry.up - entry.at,
        }
        for entry in entries
        if entry.at in times
    ]
    return told[-RECENT:][::-1]
