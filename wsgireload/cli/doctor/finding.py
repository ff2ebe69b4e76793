"""One result of the doctor."""

from __future__ import annotations

from dataclasses import dataclass

LEVELS = "fail", "warn", "ok"  # the worst first


@dataclass(frozen=True)
class Finding:
    """`level` is ok, warn (it works, but not well) or fail; `cure` is what to do, or ""."""

    level: str
    what: str
    text: str
    cure: str = ""


def ok(what: str, text: str, cure: str = "") -> Finding:
    """Return a finding that is no problem; `cure` is for those who want it otherwise."""
    return Finding("ok", what, text, cure)


def warn(what: str, text: str, cure: str) -> Finding:
    """Return a finding about something that works, but not as well as it could."""
    return Finding("warn", what, text, cure)


def fail(what: str, text: str, cure: str) -> Finding:
    """Return a finding that prevents reloads, or the whole site."""
    return Finding("fail", what, text, cure)
