"""The scripts and the style sheet that browsers get."""

from __future__ import annotations

import os
import re

BLANKS = re.compile(r"(?: (=>|[!=]==?|[-+*/?:%<>]|<<|&&|\|\|)|(,)) ")


def _read(name: str) -> str:
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        return file.read()


def _short(script: str) -> str:
    """Return a script without lines of comments and most blanks: it is in each page.

    No text in it may have an operator between blanks, or a blank after a comma.
    """
    lines = map(str.strip, script.splitlines())
    text = "\n".join(line for line in lines if line and not line.startswith("//"))
    return BLANKS.sub(r"\1\2", text)


LIVE_SCRIPT = _short(_read("live.js"))
PAGE_SCRIPT = _read("page.js")
PAGE_STYLE = _read("page.css")
