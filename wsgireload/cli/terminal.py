"""Everything that the command line prints: text or JSON."""

from __future__ import annotations

import json
import sys

from wsgireload import settings

COLOURS = {"ok": 32, "warn": 33, "fail": 31}


class UsageError(Exception):
    """The command line makes no sense: one sentence for stderr, and exit code 2."""


def print_text(text: str = "") -> None:
    """Print one or more lines. A character that the terminal cannot show is escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))


def print_json(value: object) -> None:
    """Print the answer to `--json`, the only output then."""
    print(json.dumps(value, indent=2))


def print_error(text: str) -> None:
    """Print an error on stderr."""
    print_aside(f"wsgireload: {text}")


def print_aside(text: str) -> None:
    """Print one line on stderr, which escapes what it cannot encode by itself."""
    print(text, file=sys.stderr)


def level(word: str) -> str:
    """Return ok, warn or fail, padded to one width; in colour on a terminal without NO_COLOR."""
    coloured = sys.stdout.isatty() and not settings.environment().get("NO_COLOR")
    padded = f"{word:<4}"
    return f"\033[{COLOURS[word]}m{padded}\033[0m" if coloured else padded
