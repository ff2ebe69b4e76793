"""A running monitor in words: what `wsgireload status` prints of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from wsgireload.cli.running.monitors import RunningMonitor
from wsgireload.cli.terminal import level
from wsgireload.log import few, shown
from wsgireload.report import Failed, Restarted, Status

MOST_LINES = 20  # of a check's output: the last ones
UNITS = ("d", 86400), ("h", 3600), ("min", 60), ("s", 1)


def monitor(found: RunningMonitor, now: float, url: str | None = None) -> str:
    """Describe one monitor in a few lines; `now` is in seconds since 1970.

    With a `url`, or "" if that is unknown, all is described; without one, what matters most.
    """
    status, verbose = found.status, url is not None
    is_stuck = status.holding or status.paused or status.loading
    word = "fail" if status.failed else "warn" if is_stuck else "ok"
    updated = ago(found.snapshot.time, now) + (f", in {found.path}" if verbose else "")
    lines = [f"{level(word)}  {found}: {_state(status)}, {_files(status)}"]
    for name, value in [*_details(status, now, url), ("updated", updated)]:
        if value not in (None, ""):
            lines.append(f"      {name:<12} {shown(str(value))}")
        if name == "holding" and status.output:
            lines += _indented(status.output, verbose=verbose)
        if name == "failed" and status.failed and verbose:
            lines += _indented(status.failed.traceback, verbose=True)
    return "\n".join(lines)


def _state(status: Status) -> str:
    if status.failed:
        return "failed"
    if status.paused:
        return "paused"
    if status.holding:
        return "holding"
    return "restarting" if status.restarting else "loading" if status.loading else "watching"


def _files(status: Status) -> str:
    """Return how many files are watched: of them, a person cares for the own."""
    own = "" if status.own is None else f", {status.own} of them yours"
    return f"{status.files} files{own}"


def _details(status: Status, now: float, url: str | None) -> Iterator[tuple[str, str | int | None]]:
    """Return the names and values of the other lines; None or "" for one without a value."""
    yield "script", status.script
    yield "url", url
    yield "application", status.application or "the main interpreter"
    yield "running", _running(status, now)
    yield "generation", status.generation
    yield "reloaded", _last(status.history, now)
    yield "changed", few(status.changed)
    yield "failed", _failed(status.failed, now)
    yield "loading", status.loading
    yield "holding", status.holding
    yield "paused", _paused(status.paused, now)
    yield "waiting for", few(each.described(now) for each in status.waiting)
    yield "beside", status.beside


def _running(status: Status, now: float) -> str:
    """Return since when it runs, and how many requests it has answered."""
    parts = [] if status.since is None else [f"for {duration(now - status.since)}"]
    if status.requests is not None:
        parts.append(f"{status.requests} request{'s' if status.requests != 1 else ''}")
    return ", ".join(parts)


def _last(history: Sequence[Restarted], now: float) -> str:
    """Describe the last restart of this process group: when, how fast, and why."""
    if not history:
        return ""
    at, reason, took = history[0]
    return f"{ago(at, now)}{'' if took is None else f', in {took:.2f} s'}: {reason}"


def _failed(failed: Failed | None, now: float) -> str:
    return f"{ago(failed.at, now)}: {failed.described()}" if failed else ""


def _paused(until: float | None, now: float) -> str:
    if until is None:
        return ""
    return f"until {clock(until)}, for {duration(until - now)}; `wsgireload resume` ends it"


def _indented(output: str, *, verbose: bool) -> list[str]:
    """Return the lines of an output, or the last ones of many."""
    lines = output.splitlines()
    shorter = lines if verbose else lines[-MOST_LINES:]
    left = len(lines) - len(shorter)
    more = [f"({left} lines before these: see --verbose)"] if left else []
    return [f"        {shown(line) if line else ''}".rstrip() for line in more + shorter]


def clock(at: float) -> str:
    """Return a time of day, as the machine shows it."""
    return time.strftime("%H:%M:%S", time.localtime(at))


def ago(then: float, now: float) -> str:
    """Return how long ago `then` was."""
    return f"{duration(now - then)} ago"


def duration(seconds: float) -> str:
    """Return a duration in its largest unit; 0 s for a negative one, of clocks that differ."""
    unit, size = next((each for each in UNITS if seconds >= each[1]), UNITS[-1])
    return f"{max(seconds, 0) / size:.0f} {unit}"
