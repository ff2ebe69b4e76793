"""One thing that was looked at, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """`level` is ok, warn (it works, but) or fail; `cure` what to do, "" where all is well."""

    level: str
    what: str
    text: str
    cure: str = ""


def ok(what: str, text: str) -> Finding:
    """All is well."""
    return Finding("ok", what, text)


def warn(what: str, text: str, cure: str) -> Finding:
    """It works, but not as well as it could."""
    return Finding("warn", what, text, cure)


def fail(what: str, text: str, cure: str) -> Finding:
    """No reload, or no site at all."""
    return Finding("fail", what, text, cure)
