"""The scripts and the style sheet that browsers get."""

from __future__ import annotations

import os


def _read(name: str) -> str:
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        return file.read()


def _short(script: str) -> str:
    """Return a script without indentation and lines of comments: it is in each page."""
    lines = map(str.strip, script.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


LIVE_SCRIPT = _short(_read("live.js"))
PAGE_SCRIPT = _read("page.js")
PAGE_STYLE = _read("page.css")
