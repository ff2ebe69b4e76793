"""Print what the running monitors watch, hold and last reloaded."""

from __future__ import annotations

import argparse
import contextlib
import time
from functools import cache, partial

from wsgireload.cli import programs
from wsgireload.cli.apache import directives, httpd, sites
from wsgireload.cli.apache.httpd import Httpd
from wsgireload.cli.running import described, monitors
from wsgireload.cli.running.monitors import Found
from wsgireload.cli.terminal import flush, is_terminal, print_json, print_screen, print_text
from wsgireload.log import shown
from wsgireload.report import plain

EVERY = 1.0  # seconds between two frames of --watch
LONGEST = 5.0  # seconds for each program that reads Apache's configuration


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add how much is printed, and how often."""
    command.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="also print the URL, by Apache's configuration, the status files and all output",
    )
    command.add_argument(
        "-w",
        "--watch",
        action="store_true",
        help="print the status again every second until Ctrl-C; where the output is no terminal, "
        "whenever the status has changed",
    )


def run(options: argparse.Namespace) -> int:
    """Return 0 if monitors run and none of them is in trouble."""
    if options.watch:
        _watch(options)
    found = monitors.find()
    _print(found, options)
    return 0 if is_well(found) else 1


def _watch(options: argparse.Namespace) -> None:
    printed = None
    while True:
        found = monitors.find()
        if is_terminal() and not options.json:
            print_screen(text(found, verbose=options.verbose))
        elif (now := _comparable(found)) != printed:
            printed = now
            _print(found, options)
            flush()
        time.sleep(EVERY)


def _comparable(found: Found) -> object:
    """Return what of the output matters: neither ages nor numbers that always grow."""
    every = [(each.path, each.status._replace(looks=0, requests=0)) for each in found.monitors]
    return every, found.unreadable


def _print(found: Found, options: argparse.Namespace) -> None:
    if options.json:
        data = [{**plain(each.snapshot), "folder": each.folder} for each in found.monitors]
        print_json({"ok": is_well(found), "monitors": data, "unreadable": found.unreadable})
    else:
        print_text(text(found, verbose=options.verbose))


def is_well(found: Found) -> bool:
    """Return whether there is a monitor, and none that has failed, hangs or holds a restart."""
    statuses = [each.status for each in found.monitors]
    return bool(statuses) and not any(
        each.holding or each.failed or each.loading for each in statuses
    )


def text(found: Found, *, verbose: bool = False) -> str:
    """Describe all monitors."""
    now = time.time()
    every = [
        described.monitor(each, now, _url(each.status.script or "") if verbose else None)
        for each in found.monitors
    ]
    return "\n".join([*(every or [_without_monitors(found)]), *found.warnings()])


@cache
def _url(script: str) -> str:
    """Return where a script answers by the configuration of the first Apache; "" if unknown."""
    with contextlib.suppress(Exception):  # a broken Apache is the doctor's matter
        if script and (program := httpd.find()):
            apache = Httpd(program, run=partial(programs.run, timeout=LONGEST))
            served = sites.of_script(script, sites.find(directives.read(apache)[0], script))
            return next((each.address.url for each in served if each.address), "")
    return ""


def _without_monitors(found: Found) -> str:
    if names := ", ".join(sorted({shown(each.title) for each in found.ended})):
        return (
            f"no monitor runs now: the last process of {names} was replaced; "
            "the new one is being loaded, or waits for a first request"
        )
    if found.unreadable or found.unused:
        return "no monitor found in the readable folders"
    return (
        "no monitor runs here: the WSGI script has had no request yet, does not call "
        "wsgireload.start(), or its monitor is inactive and Apache's error log says why"
    )
