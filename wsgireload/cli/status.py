"""Print what the running monitors watch, hold and last reloaded."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from wsgireload.cli import monitors
from wsgireload.cli.monitors import Found, RunningMonitor
from wsgireload.cli.terminal import level, print_json, print_text
from wsgireload.log import few, shown
from wsgireload.report import Restarted, plain


def add_arguments(_command: argparse.ArgumentParser) -> None:
    """This command has no arguments of its own."""


def run(options: argparse.Namespace) -> int:
    """Return 0 if monitors run and none of them holds a restart."""
    found = monitors.find()
    if options.json:
        data = [{**plain(each.snapshot), "folder": each.folder} for each in found.monitors]
        print_json({"ok": is_well(found), "monitors": data, "unreadable": found.unreadable})
    else:
        for each in found.monitors:
            print_text(text(each))
        if not found.monitors:
            print_text(without_monitors(found))
        if found.unreadable:
            print_text(found.warning())
    return 0 if is_well(found) else 1


def is_well(found: Found) -> bool:
    """Return whether there is a monitor, and none that holds a restart."""
    return bool(found.monitors) and not any(each.status.holding for each in found.monitors)


def without_monitors(found: Found) -> str:
    """Explain why no monitor was found."""
    if found.unreadable:
        return "no monitor found in the readable folders"
    return (
        "no monitor runs here: the WSGI script has had no request yet, does not call "
        "wsgireload.start(), or its monitor is inactive and Apache's error log says why"
    )


def text(monitor: RunningMonitor) -> str:
    """Describe one monitor in a few lines."""
    status = monitor.status
    state = "holding" if status.holding else "restarting" if status.restarting else "watching"
    details = {
        "application": status.application or "the main interpreter",
        "generation": status.generation,
        "reloaded": _last(status.history),
        "changed": few(status.changed),
        "holding": status.holding,
        "waiting for": few(each.described(time.time()) for each in status.waiting),
        "beside": status.beside,
        "updated": f"{_ago(monitor.snapshot.time)}, in {monitor.path}",
    }
    lines = [
        f"      {name:<12} {shown(str(value))}"
        for name, value in details.items()
        if value not in (None, "")
    ]
    word = level("warn" if status.holding else "ok")
    return "\n".join([f"{word}  {monitor}: {state}, {status.files} files", *lines])


def _last(history: Sequence[Restarted]) -> str:
    """Describe the last restart of this process group: when, how fast, and why."""
    if not history:
        return ""
    at, reason, took = history[0]
    return f"{_ago(at)}{'' if took is None else f', in {took:.2f} s'}: {reason}"


def _ago(then: float) -> str:
    seconds = time.time() - then
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{max(seconds, 0):.0f} s ago"
