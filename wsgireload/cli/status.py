"""What the running monitors say: what they watch, hold back and last reloaded."""

from __future__ import annotations

import argparse
import time
from typing import Any

from wsgireload.cli import states
from wsgireload.cli.states import Found, State
from wsgireload.cli.terminal import level, say, say_json
from wsgireload.log import shown

MOST = 3  # changed files that are named


def arguments(_command: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(chosen: argparse.Namespace) -> int:
    """0 where monitors run and none of them holds a restart back."""
    found = states.find()
    if chosen.json:
        monitors = [{**state.told, "folder": state.folder} for state in found.states]
        say_json({"ok": well(found), "monitors": monitors, "unreadable": found.closed})
    else:
        for state in found.states:
            say(text(state))
        if not found.states:
            say(nothing(found))
        if found.closed:
            say(found.unread())
    return 0 if well(found) else 1


def well(found: Found) -> bool:
    """Whether there is a monitor, and none that holds."""
    return bool(found.states) and not any(state.status.get("holding") for state in found.states)


def nothing(found: Found) -> str:
    """What to do where no monitor is found."""
    if found.closed:
        return "no monitor was found in the folders that may be read"
    return (
        "no monitor runs here: the WSGI script has not been asked for yet, has no "
        "wsgireload.start(), or its monitor is inactive, which Apache's error log says"
    )


def text(state: State) -> str:
    """One monitor, in a few lines."""
    status = state.status
    holding = status.get("holding")
    doing = "holding" if holding else "restarting" if status.get("restarting") else "watching"
    lines = [
        f"{level('warn' if holding else 'ok')}  {state}: {doing}, {status['files']} files",
    ]
    changed = list(map(str, status["changed"]))
    more = f" and {len(changed) - MOST} more" if len(changed) > MOST else ""
    details = {
        "application": status.get("application") or "the main interpreter",
        "generation": status.get("generation"),
        "reloaded": _last(status["history"]),
        "changed": ", ".join(changed[:MOST]) + more,
        "holding": holding,
        "told": f"{_ago(time.time() - state.time)} ago, in {state.path}",
    }
    lines += [
        f"      {name:<12} {shown(str(value))}"
        for name, value in details.items()
        if value not in (None, "")
    ]
    return "\n".join(lines)


def _last(history: list[dict[str, Any]]) -> str:
    """The last restart, of this process or another of its group: when, how fast, and why."""
    if not history:
        return ""
    at, reason, took = (history[0].get(name) for name in ("at", "reason", "took"))
    took = f", in {took:.2f} s" if took is not None else ""
    return f"{_ago(time.time() - float(at or 0))} ago{took}: {reason}"


def _ago(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
