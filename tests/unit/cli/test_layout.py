"""What the doctor prints: the verdict, the problems, the rest, in the width of a terminal."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from wsgireload.cli import terminal
from wsgireload.cli.doctor import layout
from wsgireload.cli.doctor.finding import Finding, fail, ok, warn

PATH = "/srv/" + "a-very-long-name/" * 5 + "app.wsgi"
WELL, POOR, BAD = ok("one", "well"), warn("two", "slow", "hurry"), fail("three", "gone", "look")


@pytest.mark.parametrize(
    ("findings", "verdict"),
    [
        ([WELL], "Reloads will work."),
        ([WELL, POOR], "Reloads should work: 1 warning."),
        ([POOR, POOR], "Reloads should work: 2 warnings."),
        ([BAD], "Reloads will not work: 1 problem."),
        ([BAD, WELL, POOR, BAD], "Reloads will not work: 2 problems."),
    ],
)
def test_verdict(findings: list[Finding], verdict: str) -> None:
    """One sentence says whether reloads will work, and how many problems there are."""
    assert layout.verdict(findings) == verdict


def test_problems_first() -> None:
    """What fails comes first, then warnings, each with its cure, then the rest in its order."""
    assert list(layout.lines([WELL, POOR, BAD, ok("four", "well")], None)) == [
        "Reloads will not work: 1 problem.",
        "",
        "fail  three: gone",
        "      -> look",
        "warn  two: slow",
        "      -> hurry",
        "",
        "ok    one: well",
        "ok    four: well",
    ]


@pytest.mark.parametrize("columns", [1, 40, 80, 200])
def test_wrapped(columns: int) -> None:
    """Lines end between words, below the text of the first, and no path is broken."""
    text, cure = f"the script {PATH} has no such line", f"add that line to {PATH}, or another"
    found = list(layout.lines([fail("script", text, cure)], columns))
    printed = f"Reloads will not work: 1 problem. fail script: {text} -> {cure}"
    assert " ".join(found).split() == printed.split()
    assert all(PATH in line or len(line) <= max(columns, layout.NARROWEST) for line in found)
    below = found[found.index("") + 2 :]
    assert all(line.startswith("      ") for line in below)


def test_not_wrapped() -> None:
    """Without a terminal each finding is one line, which grep finds whole."""
    assert f"fail  script: {PATH} is {PATH}" in layout.lines(
        [fail("script", f"{PATH} is {PATH}", "x")], None
    )


def test_harmless() -> None:
    """A line break in a text, as of a file's name, starts no line of its own."""
    lines = list(layout.lines([fail("script", "a\nok    all: well", "b\nc")], None))
    assert len(lines) == 4


@pytest.mark.parametrize(("is_terminal", "columns"), [(True, 72), (False, None)])
def test_columns(is_terminal: bool, columns: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a terminal has a width: a pipe gets whole lines, whatever COLUMNS is."""
    monkeypatch.setenv("COLUMNS", "72")
    monkeypatch.setattr("sys.stdout", SimpleNamespace(isatty=lambda: is_terminal))
    assert terminal.columns() == columns
