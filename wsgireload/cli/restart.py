"""Restart now, from outside: the same guards hold it as everywhere.

Each running monitor is asked by a file beside its state, and restarts its own process: if the code
compiles, the preflight passes and the budget is not spent. On Windows --pid-file and --service ask
Apache itself, monitor or not, once it has found its own configuration good.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterable

from wsgireload.cli import monitors, windows
from wsgireload.cli.monitors import Found, RunningMonitor
from wsgireload.cli.terminal import MisuseError, level, say, say_json
from wsgireload.log import shown

PATIENCE = 10.0  # seconds beyond the interval: the preflight and a busy machine take their time
POLL = 0.05


def arguments(command: argparse.ArgumentParser) -> None:
    """Which Apache, and how long to wait for an outcome."""
    which = command.add_mutually_exclusive_group()
    which.add_argument(
        "--pid-file", metavar="FILE", help="only the Apache whose parent's pid stands in this file"
    )
    which.add_argument("--service", metavar="NAME", help="only this service (Windows)")
    command.add_argument(
        "--httpd", metavar="PATH", help="Apache's program, to check its configuration (Windows)"
    )
    command.add_argument("--config", metavar="FILE", help="and the httpd.conf to check (Windows)")
    command.add_argument(
        "--wait",
        metavar="SECONDS",
        type=float,
        default=PATIENCE,
        help="how long to wait for what comes of it (%(default)g)",
    )


def run(chosen: argparse.Namespace) -> int:
    """0 where everything that was asked restarts."""
    if os.name == "nt" and (chosen.service or chosen.pid_file):
        return windows.restart(chosen)
    if chosen.service:
        raise MisuseError(
            "--service is for Windows, where Apache can be a service; here: --pid-file"
        )
    found = monitors.find()
    asked = _of(chosen.pid_file, found.monitors)
    outcomes = ask(asked, chosen.wait)
    if chosen.json:
        told = [{"pid": state.status.pid, "outcome": outcomes[state.name]} for state in asked]
        say_json({"ok": _well(outcomes), "monitors": told, "unreadable": found.unreadable})
    else:
        _tell(asked, outcomes, found)
    return 0 if _well(outcomes) else 1


def ask(
    asked: Iterable[RunningMonitor],
    wait: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, str]:
    """Ask each, and see what comes of it: by name, "restarted" or what is in the way."""
    outcomes, waiting = {}, []
    for state in asked:
        try:
            state.request_restart()
            waiting.append(state)
        except OSError as error:
            outcomes[state.name] = f"cannot be asked: {error.strerror or error}"
    end = clock() + wait + max((s.snapshot.interval for s in waiting), default=0.0)
    while waiting and clock() < end:
        now = {state.name: state for state in monitors.find().monitors}
        for state in list(waiting):
            outcome = _outcome(state, now.get(state.name))
            if outcome:
                outcomes[state.name] = outcome
                waiting.remove(state)
        sleep(POLL)
    outcomes |= {state.name: "asked, and nothing has come of it yet" for state in waiting}
    return outcomes


def _outcome(before: RunningMonitor, now: RunningMonitor | None) -> str:
    """What has come of it by now; "" for nothing."""
    if now is None:  # its monitor has ended, and so does its process
        return "restarted"
    if now.status.restarting:
        return "" if not before.status.restarting else "was restarting already"
    holding = now.status.holding
    return (
        f"holding: {shown(holding)}" if holding and now.snapshot.time > before.snapshot.time else ""
    )


def _of(pid_file: str | None, found: list[RunningMonitor]) -> list[RunningMonitor]:
    if pid_file is None:
        return found
    parent = windows.pid_in(pid_file)
    return [state for state in found if state.status.parent == parent]


def _well(outcomes: dict[str, str]) -> bool:
    return bool(outcomes) and set(outcomes.values()) <= {"restarted"}


def _tell(asked: list[RunningMonitor], outcomes: dict[str, str], found: Found) -> None:
    for state in asked:
        outcome = outcomes[state.name]
        word = level("ok" if outcome == "restarted" else "fail")
        say(f"{word}  {state}: {outcome}")
    if not asked:
        say("no monitor was found to be asked: `wsgireload status` says more")
    if found.unreadable:
        say(found.warning())
