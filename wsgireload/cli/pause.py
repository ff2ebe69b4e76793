"""Hold all restarts for a while, as for a deployment or a rebase.

A file beside the status files pauses an application: all its processes, and those that come after
them. Changes are held until then. A restart by hand passes.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable

from wsgireload.cli.running import applications, monitors
from wsgireload.cli.running.applications import Application
from wsgireload.cli.running.described import clock
from wsgireload.cli.terminal import level, print_json, print_text
from wsgireload.log import shown
from wsgireload.state.pause import LONGEST, Pause

USUAL = "10m"
SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
UNITS = ("h", 3600), ("min", 60), ("s", 1)
DURATION = re.compile(r"(\d{1,6})([smh]?)")


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the application, and the duration."""
    applications.add_arguments(command, "pause")
    command.add_argument(
        "--for",
        dest="seconds",
        metavar="DURATION",
        type=seconds,
        default=USUAL,
        help="duration of the pause: 90 (seconds), 30m or 2h, for example; at most 24h "
        "(default: %(default)s)",
    )


def seconds(text: str) -> float:
    """Parse a duration; ArgumentTypeError for one that makes no sense."""
    found = DURATION.fullmatch(text)
    value = int(found[1]) * SECONDS[found[2]] if found else 0
    if not 0 < value <= LONGEST:
        takes = "seconds, or a number with s, m or h, such as 10m; at most 24h"
        raise argparse.ArgumentTypeError(f"{text!r}; it takes {takes}")
    return float(value)


def run(options: argparse.Namespace) -> int:
    """Return 0 if each application is paused now."""
    now = time.time()
    new = Pause(now, now + options.seconds)
    unit, size = next(each for each in UNITS if options.seconds % each[1] == 0)
    end = f"{clock(new.until)}, for {options.seconds / size:.0f} {unit}"

    def begin(application: Application) -> str:
        for each in application.monitors:
            each.begin_pause(new)
        name = shown(application.name)
        return f"paused until {end}; `wsgireload resume {name}` ends it"

    return apply(options, begin)


def apply(options: argparse.Namespace, deed: Callable[[Application], str]) -> int:
    """Do something to each application that is named, and print what; return the exit code.

    `deed` returns the outcome; OSError if there is none.
    """
    found = monitors.find()
    done, failed = [], []
    for application in applications.select(options, found.monitors):
        try:
            done.append((application, deed(application)))
        except OSError as error:
            failed.append((application, f"not possible: {error.strerror or error}"))
    if options.json:
        data = [{**each.data(), "outcome": outcome} for each, outcome in done + failed]
        is_well = bool(done) and not failed
        print_json({"ok": is_well, "applications": data, "unreadable": found.unreadable})
    else:
        for word, outcomes in (("ok", done), ("fail", failed)):
            for each, outcome in outcomes:
                print_text(f"{level(word)}  {each.label}: {outcome}")
        for remark in found.remarks(is_any=bool(done or failed)):
            print_text(remark)
    return 0 if done and not failed else 1
