"""The state of a monitor in one word, a headline and a sentence."""

from __future__ import annotations

from typing import NamedTuple

from wsgireload import Status
from wsgireload.threads import time

OLD_CODE = "The old code keeps serving."


class Summary(NamedTuple):
    """`tone` is a class of the style sheet, `state` one word."""

    tone: str
    state: str
    headline: str
    more: str


def clock(at: float) -> str:
    """Return a time, in seconds since 1970, in the one format of all times of the page."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
    except (OverflowError, ValueError, OSError):  # beyond the system's calendar
        return "an unknown time"


def summary(status: Status) -> Summary:
    """Summarize a status. What needs a person comes first."""
    if not status.active:
        reason = f"{status.reason or 'Stopped'}."
        return Summary("warn", "Inactive", "Nothing restarts here", reason)
    if status.failed is not None:
        more = "The application could not be loaded. Save a repair: it restarts with that."
        return Summary("bad", "Failed", "The application does not start", more)
    if status.paused is not None:
        until = f"Until {clock(status.paused)}; “wsgireload resume” ends the pause."
        return Summary("warn", "Paused", "Restarts are paused", f"{until} {OLD_CODE}")
    return _held(status) if status.holding is not None else _running(status)


def _held(status: Status) -> Summary:
    held = status.held
    if held is None or held.error is None:
        return Summary("bad", "Held", "A restart is held", f"{status.holding}. {OLD_CODE}")
    what = "does not compile" if held.line else "holds the restart"
    return Summary("bad", "Held", f"This file {what}", OLD_CODE)


def _running(status: Status) -> Summary:
    if status.waiting:
        more = "The old code answers until these have ended:"
        return Summary("news", "Waiting", "Waiting to restart", more)
    if status.restarting:
        more = "A new process loads the new code and answers next."
        return Summary("news", "Restarting", "Restarting", more)
    if status.changed:
        more = "A restart follows if all checks pass. Until then the old code answers."
        return Summary("news", "Changed", "Files have changed", more)
    if status.loading is not None:
        return Summary("warn", "Loading", "The application is not loaded yet", f"{status.loading}.")
    if not status.looks:
        more = "Comparing the files with the loaded code."
        return Summary("news", "Starting", "First scan", more)
    files = f"{status.files:,} file" + ("s" if status.files != 1 else "")
    more = "Running code matches disk for all watched files."
    return Summary("good", "Watching", f"Watching {files}", more)
