"""May we: how soon another restart is allowed after those that were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

LONGEST = 3600.0  # seconds that a spent budget holds at most


def pause(times: Sequence[float], budget: tuple[int, float]) -> float:
    """Seconds that have to pass after the last of these restarts; 0.0 where none have to.

    `times` are ascending. Once `budget[0]` of them fall into `budget[1]` seconds, the next waits
    that long, the one after it twice as long, and so on, an hour at most, until the restarts come
    slower than that by half.
    """
    most, window = budget
    waiting, previous = 0.0, None
    recent: list[float] = []
    for time in times:
        if previous is not None and time - previous > max(window, 2 * waiting):
            waiting, recent = 0.0, []
        recent = [earlier for earlier in recent if time - earlier < window] + [time]
        if waiting or len(recent) >= most:
            waiting = min(max(window, 2 * waiting), LONGEST)
        previous = time
    return waiting


def distinct(restarts: Iterable[tuple[float, str]], processes: int) -> list[float]:
    """The times of restarts, where the processes of one group count once for one change.

    Each restart is a time and what it was for. Up to `processes` in a row for the same thing are
    one: a group's processes each restart for themselves.
    """
    times: list[float] = []
    last, run = None, 0
    for time, what in restarts:
        run = run + 1 if what == last and run < processes else 1
        last = what
        if run == 1:
            times.append(time)
    return times


def culprit(paths: Iterable[str]) -> str | None:
    """The path that stands most often among those that caused restarts."""
    return max(Counter(paths).items(), key=lambda item: item[1], default=(None, 0))[0]
