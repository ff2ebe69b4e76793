"""The scripts and the style sheet that browsers get."""

from __future__ import annotations

import os


def _read(name: str) -> str:
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        return file.read()


LIVE_SCRIPT = _read("live.js")
PAGE_SCRIPT = _read("page.js")
PAGE_STYLE = _read("page.css")
