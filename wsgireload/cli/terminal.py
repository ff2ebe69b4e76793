"""Everything that the command line prints: text or JSON."""

from __future__ import annotations

import json
import re
import sys

from wsgireload import settings
from wsgireload.log import escaped

COLOURS = {"ok": 32, "warn": 33, "fail": 31}
ALLOWED = re.compile("(\\033\\[(?:0|3[123])m|[\n\t])")  # in what is printed: our own, and lines


class UsageError(Exception):
    """The command line makes no sense: one sentence for stderr, and exit code 2."""


def print_text(text: str = "") -> None:
    """Print one or more lines. What a terminal would obey or cannot show is escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    print(_harmless(text).encode(encoding, "backslashreplace").decode(encoding))


def print_json(value: object) -> None:
    """Print the answer to `--json`, the only output then."""
    print(json.dumps(value, indent=2))


def print_error(text: str) -> None:
    """Print an error on stderr."""
    print_aside(f"wsgireload: {text}")


def print_aside(text: str) -> None:
    """Print one line on stderr, which escapes what it cannot encode by itself."""
    print(_harmless(text), file=sys.stderr)


def _harmless(text: str) -> str:
    return "".join(each if ALLOWED.match(each) else escaped(each) for each in ALLOWED.split(text))


def level(word: str) -> str:
    """Return ok, warn or fail, padded to one width; in colour on a terminal without NO_COLOR."""
    coloured = sys.stdout.isatty() and not settings.environment().get("NO_COLOR")
    padded = f"{word:<4}"
    return f"\033[{COLOURS[word]}m{padded}\033[0m" if coloured else padded
