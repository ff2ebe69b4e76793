"""What is printed: plain text that reads well, or JSON."""

from __future__ import annotations

import json
import sys

from wsgireload import settings

COLOURS = {"ok": 32, "warn": 33, "fail": 31}


class MisuseError(Exception):
    """What the user asked for cannot be done: one sentence for stderr, and exit code 2."""


def say(text: str = "") -> None:
    """One line, or several."""
    print(_encodable(text))


def say_json(value: object) -> None:
    """The answer to `--json`: nothing else is printed then."""
    print(json.dumps(value, indent=2))


def complain(text: str) -> None:
    """What went wrong, on stderr."""
    say_aside(f"wsgireload: {text}")


def say_aside(text: str) -> None:
    """One line on stderr, which escapes what it cannot encode by itself."""
    print(text, file=sys.stderr)


def level(word: str) -> str:
    """ok, warn or fail, as wide as the widest; in colour on a terminal, unless NO_COLOR is set."""
    coloured = sys.stdout.isatty() and not settings.environment().get("NO_COLOR")
    padded = f"{word:<4}"
    return f"\033[{COLOURS[word]}m{padded}\033[0m" if coloured else padded


def _encodable(text: str) -> str:
    """What this terminal's encoding does not have is escaped, rather than an error."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
