"""Restart an application now, unless a check holds the restart.

A file beside the status file of each monitor requests the restart. The monitor restarts its own
process if the code compiles and the preflight passes. On Windows --pid-file and --service restart
Apache itself, with or without a monitor, if Apache accepts its own configuration.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterable

from wsgireload.cli import windows
from wsgireload.cli.running import applications, monitors
from wsgireload.cli.running.monitors import Found, RunningMonitor
from wsgireload.cli.terminal import UsageError, level, print_json, print_text
from wsgireload.log import shown

RESTARTED = "restarted"
WAIT = 10.0  # seconds beyond the scan interval: enough for a preflight on a busy machine
LONGEST = 60.0  # seconds of a scan interval that are waited for: any user may have written it
POLL = 0.05  # seconds between two reads of the status files


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the application, the options that name an Apache, and the time to wait."""
    applications.add_arguments(command, "restart")
    which = command.add_mutually_exclusive_group()
    which.add_argument("--pid-file", metavar="FILE", help="PID file of the Apache to restart")
    which.add_argument("--service", metavar="NAME", help="service to restart (Windows)")
    command.add_argument(
        "--httpd", metavar="PATH", help="Apache program, to check the configuration (Windows)"
    )
    command.add_argument("--config", metavar="FILE", help="configuration file to check (Windows)")
    command.add_argument(
        "--wait",
        metavar="SECONDS",
        type=float,
        default=WAIT,
        help="seconds to wait for the result (default: %(default)g)",
    )


def run(options: argparse.Namespace) -> int:
    """Return 0 if there is a monitor and each one restarts."""
    if os.name == "nt" and (options.service or options.pid_file):
        return windows.restart(options)
    if options.service:
        raise UsageError("--service works on Windows only; use --pid-file here")
    found = monitors.find()
    named = applications.select(options, found.monitors)
    selected = [monitor for each in named for monitor in each.monitors]
    outcomes = request(selected, options.wait)
    is_well = bool(outcomes) and set(outcomes.values()) == {RESTARTED}
    if options.json:
        data = [{"pid": each.status.pid, "outcome": outcomes[each.path]} for each in selected]
        print_json({"ok": is_well, "monitors": data, "unreadable": found.unreadable})
    else:
        _print(selected, outcomes, found)
    return 0 if is_well else 1


def request(
    selected: Iterable[RunningMonitor],
    wait: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, str]:
    """Request a restart from each monitor and wait for the outcome.

    Returns by status file "restarted", or what prevents the restart.
    """
    outcomes, waiting = {}, []
    for monitor in selected:
        try:
            monitor.request_restart()
            waiting.append(monitor)
        except OSError as error:
            outcomes[monitor.path] = f"cannot request a restart: {error.strerror or error}"
    interval = max((each.snapshot.interval for each in waiting), default=0.0)
    end = clock() + wait + min(interval, LONGEST)
    while waiting and clock() < end:
        now = {each.path: each for each in monitors.find().monitors}
        for monitor in list(waiting):
            if outcome := _outcome(monitor, now.get(monitor.path)):
                outcomes[monitor.path] = outcome
                waiting.remove(monitor)
        sleep(POLL)
    outcomes |= {each.path: "requested, no result yet" for each in waiting}
    return outcomes


def _outcome(before: RunningMonitor, now: RunningMonitor | None) -> str:
    """Return the outcome so far; "" for none."""
    if now is None:  # a monitor ends with its process
        return RESTARTED
    if now.status.restarting:  # it may have waited for the next request, and this one passes that
        return ""
    is_taken = now.snapshot.taken != before.snapshot.taken  # else it holds another change
    return f"holding: {shown(now.status.holding)}" if now.status.holding and is_taken else ""


def _print(selected: list[RunningMonitor], outcomes: dict[str, str], found: Found) -> None:
    for each in selected:
        outcome = outcomes[each.path]
        print_text(f"{level('ok' if outcome == RESTARTED else 'fail')}  {each}: {outcome}")
    for remark in found.remarks(is_any=bool(selected)):
        print_text(remark)
