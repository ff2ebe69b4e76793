"""Wait until all applications of this machine run what lies on disk.

For a deployment that goes from machine to machine. The exit code is 0 then; 1 if a restart is held,
has failed or is missing, with the reason; 2 for a wrong command line; 3 if the time is over.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from wsgireload.cli import pause
from wsgireload.cli.running import applications, monitors
from wsgireload.cli.running.monitors import Found
from wsgireload.cli.running.rollout import CURRENT, FAILED, NEXT, PENDING, Finding, Rollout
from wsgireload.cli.terminal import UsageError, level, print_json, print_progress, print_text

USUAL = "2m"
POLL = 0.1  # seconds between two reads of the status files
NONE = 10.0  # seconds: Apache may just be replacing the only process
LEVELS = {CURRENT: "ok", NEXT: "warn", PENDING: "fail", FAILED: "fail"}
TIME_OVER = 3


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the application, and for how long."""
    command.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="application to wait for: its process group, its WSGI script, or a pid (default: all)",
    )
    command.add_argument(
        "--timeout",
        metavar="DURATION",
        type=pause.seconds,
        default=USUAL,
        help="exit with 3 after this time: 90 (seconds), 30m or 2h, for example "
        "(default: %(default)s)",
    )


def run(options: argparse.Namespace) -> int:
    """Return 0 once all run what lies on disk; 1 or 3 if that does not happen."""
    try:
        code, found, findings = follow(options)
    finally:
        print_progress()
    if options.json:
        data = [each._asdict() for each in findings]
        outcome = {"ok": code == 0, "timeout": code == TIME_OVER}
        print_json({**outcome, "monitors": data, "unreadable": found.unreadable})
        return code
    for each in findings:
        print_text(f"{level(LEVELS[each.state])}  {each}: {each.text}")
    for remark in found.remarks(is_any=bool(findings)):
        print_text(remark)
    if code == TIME_OVER:
        print_text(f"the time is over: {options.timeout:g} s")
    return code


def follow(
    options: argparse.Namespace,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[int, Found, list[Finding]]:
    """Return the exit code, and what was found last; UsageError if NAME is none of them."""
    began, rollout = clock(), Rollout(clock)
    end, named = began + options.timeout, set[tuple[str, int]]()
    options.all = not options.name
    while True:
        found = monitors.find()
        waited = clock() - began
        findings = rollout.look(
            *_selected(options, found, named, is_late=waited >= min(NONE, end - began))
        )
        states = {each.state for each in findings}
        if FAILED in states or (not states and waited >= NONE):
            return 1, found, findings
        if states and PENDING not in states:
            # Without a name it is all of them, and these it cannot know.
            return int(bool(found.unreadable) and not options.name), found, findings
        if clock() >= end:
            return TIME_OVER, found, findings
        print_progress("; ".join(f"{each}: {each.text}" for each in findings))
        sleep(POLL)


def _selected(
    options: argparse.Namespace, found: Found, named: set[tuple[str, int]], *, is_late: bool
) -> tuple[list[monitors.RunningMonitor], list[monitors.RunningMonitor]]:
    """Return the monitors of the application that is named: those that run, and that have ended.

    `named` is what NAME has meant since the wait began: none of its processes may have it now.
    """
    every = [*found.monitors, *found.ended]
    selected = [each for each in applications.group(every) if each.place in named]
    try:
        selected = selected or applications.select(options, every)
    except UsageError:
        if is_late and not named:
            raise
        return [], []
    if options.name:
        named.update(each.place for each in selected)
    every = [each for application in selected for each in application.monitors]
    running = [each for each in every if each in found.monitors]
    return running, [each for each in every if each not in found.monitors]
