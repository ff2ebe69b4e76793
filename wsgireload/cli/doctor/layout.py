"""How the findings are printed: the verdict, the problems with their cures, then the rest."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from wsgireload.cli.doctor.finding import LEVELS, Finding
from wsgireload.cli.terminal import level
from wsgireload.log import escaped

INDENT = " " * len("fail  ")
CURE = f"{INDENT}-> "
NARROWEST = 20  # columns: in a smaller window a sentence is no longer readable


def verdict(findings: Sequence[Finding]) -> str:
    """Return in one sentence whether reloads will work."""
    fails, warns = (sum(each.level == word for each in findings) for word in ("fail", "warn"))
    if fails:
        return f"Reloads will not work: {_counted(fails, 'problem')}."
    return f"Reloads should work: {_counted(warns, 'warning')}." if warns else "Reloads will work."


def lines(findings: Sequence[Finding], columns: int | None) -> Iterator[str]:
    """Return the lines, wrapped to a terminal of so many columns; None: not at all."""
    yield from _wrapped(verdict(findings), "", "", columns)
    problems = [each for word in LEVELS for each in findings if each.level == word != "ok"]
    for part in (problems, [each for each in findings if each.level == "ok"]):
        if part:
            yield ""
        for each in part:
            text = f"{each.what}: {escaped(each.text)}"
            first, *rest = _wrapped(text, INDENT, INDENT, columns)
            yield f"{level(each.level)}  {first.removeprefix(INDENT)}"
            yield from rest
            if each.cure:
                yield from _wrapped(escaped(each.cure), CURE, " " * len(CURE), columns)


def _wrapped(text: str, first: str, rest: str, columns: int | None) -> list[str]:
    """Break a text between words, so that a path or an option stays whole to be copied."""
    if columns is None:
        return [first + text]
    return textwrap.wrap(
        text,
        max(columns, NARROWEST),
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
