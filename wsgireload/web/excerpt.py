"""The line that holds a restart, with a caret below the column."""

from __future__ import annotations

from wsgireload import Held

WIDTH = 160  # characters of a line that are shown
BEFORE = 100  # of these before the column, in a longer line


def excerpt(held: Held) -> tuple[str, str]:
    """Return the line without its indentation, and the line with the caret; "" without one."""
    if not held.text or not held.text.strip():
        return "", ""
    text = held.text.expandtabs(4)
    column = len(held.text[: (held.column or 1) - 1].expandtabs(4))
    indentation = len(text) - len(text.lstrip())
    text, column = text.strip(), max(0, column - indentation)
    if len(text) > WIDTH:
        start = max(0, min(column - BEFORE, len(text) - WIDTH))
        before, after = "…" if start else "", "…" if start + WIDTH < len(text) else ""
        text = f"{before}{text[start : start + WIDTH]}{after}"
        column -= start - len(before)
    return text, " " * min(column, len(text)) + "^" if held.column else ""
