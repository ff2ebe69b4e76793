"""The restarts in a journal, as a status reports them."""

from __future__ import annotations

from collections.abc import Sequence

from wsgireload.report import Restarted
from wsgireload.state.journal import RECENT, Entry


def restarts(entries: Sequence[Entry], offset: float) -> tuple[Restarted, ...]:
    """Return the last 20 of these entries, newest first.

    `offset` plus `Entry.at` is the time in seconds since 1970. Of the entries that the processes of
    one group wrote for the same change, pass only the first.
    """
    return tuple(
        Restarted(offset + each.at, each.reason, None if each.up is None else each.up - each.at)
        for each in entries[-RECENT:][::-1]
    )
