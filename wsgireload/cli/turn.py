"""Print or clear the turn of a fleet in etcd or Redis: which machine may restart now.

Clearing it lets the other machines go on after one has died with the turn.
"""

from __future__ import annotations

import argparse

from wsgireload.cli.terminal import UsageError, level, print_json, print_text
from wsgireload.coordinator import Coordinator
from wsgireload.turn import request


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the coordinator, and what to do there."""
    command.add_argument(
        "url", metavar="URL", help="the value of `rolling`, as in redis://host:6379/name"
    )
    command.add_argument(
        "--clear", action="store_true", help="clear the turn, so that other machines go on"
    )


def run(options: argparse.Namespace) -> int:
    """Return 0 for an answer of the coordinator, 1 without one."""
    try:
        Coordinator.of(options.url)
    except ValueError as error:
        raise UsageError(str(error)) from None
    try:
        text, is_well = request(options.url, "clear" if options.clear else "show").text, True
    except OSError as error:
        text, is_well = f"no answer: {error.strerror or error}", False
    if options.clear and is_well:
        text = f"cleared; before, {text}"
    if options.json:
        print_json({"ok": is_well, "outcome": text})
    else:
        print_text(f"{level('ok' if is_well else 'fail')}  {text}")
    return 0 if is_well else 1
