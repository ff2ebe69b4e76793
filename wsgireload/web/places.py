"""A place in a file, as it is shown: the line, and a caret below the column."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wsgireload import Held

MOST = 160  # characters of a line that are shown
BEFORE = 100  # of these before the column, in a line that is longer


def excerpt(held: Held) -> tuple[str, str]:
    """The line without its indentation, and what puts a caret below it; both empty without one."""
    if not held.text or not held.text.strip():
        return "", ""
    text = held.text.expandtabs(4)
    column = len(held.text[: (held.column or 1) - 1].expandtabs(4))
    cut = len(text) - len(text.lstrip())
    text, column = text.strip(), max(0, column - cut)
    if len(text) > MOST:
        start = max(0, min(column - BEFORE, len(text) - MOST))
        before, after = "…" if start else "", "…" if start + MOST < len(text) else ""
        text = f"{before}{text[start : start + MOST]}{after}"
        column -= start - len(before)
    return text, " " * min(column, len(text)) + "^" if held.column else ""
