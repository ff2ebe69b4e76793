"""README.md and the pages as a reader sees them: true facts, pictures and tables that fit."""

from __future__ import annotations

import re
import tomllib
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from support.terminal import NARROW, SIZE

HOUSE = Path(__file__).parents[2]
README = (HOUSE / "README.md").read_text("utf-8")
PROJECT = tomllib.loads((HOUSE / "pyproject.toml").read_text("utf-8"))["project"]
PICTURE = HOUSE / "docs" / "pictures" / "terminal.svg"
SVG = "{http://www.w3.org/2000/svg}"
LEGIBLE = 11.0
"""Pixels: the smallest letters that a phone's reader needs no glass for."""
LETTER, CODE, CELL = 7.2, 8.2, 27.0
"""Pixels on GitHub: of a letter, of one in `code`, and around the text of a table's cell."""
WIDE = {"cli", "deploying", "performance", "reliability", "settings", "troubleshooting", "web"}
WIDE |= {"django", "how-it-works", "moving-over", "security", "windows"}
"""Pages with measurements, log lines or settings in their tables, which cannot be narrow."""
PAGES = [HOUSE / "README.md"]
PAGES += [page for page in sorted((HOUSE / "docs").glob("*.md")) if page.stem not in WIDE]
TABLE = re.compile(r"^\|[^\n]*\n\|[ -:|]*\|\n(?:\|[^\n]*\n)+", re.MULTILINE)


def test_the_order() -> None:
    """One sentence, what it looks like, how to install it, the script, Apache, the two commands."""
    order = (
        "Save a file, and Apache",
        "pictures/terminal.svg",
        "pip install wsgireload",
        "pip install .",
        "import wsgireload\nwsgireload.start()\nreload_required",
        "WSGIDaemonProcess",
        "    ci/demo ",
        "    ci/test ",
        "## From nothing",
    )
    places = [README.index(each) for each in order]
    assert all(before < after for before, after in pairwise(places))


def test_the_facts() -> None:
    """The line of facts is what pyproject.toml declares."""
    [first, *_, last] = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    facts = f"Python {first} to {last} · Linux and Windows · no dependencies · typed · MIT"
    assert f"**{facts}**" in README
    assert PROJECT["requires-python"] == f">={first}"
    assert PROJECT["dependencies"] == []
    assert PROJECT["license"] == "MIT"
    assert (HOUSE / "wsgireload" / "py.typed").exists()
    assert "Typing :: Typed" in PROJECT["classifiers"]


def test_the_figures() -> None:
    """What the comparison says of others and of us is what the measurements say."""
    measured = (HOUSE / "docs" / "performance.md").read_text("utf-8")
    recipe = next(row for row in measured.splitlines() if row.startswith("| mod_wsgi's recipe |"))
    ours = next(row for row in measured.splitlines() if row.startswith("| wsgireload 0.1.0 |"))
    compared = {
        cells[1].strip(): [cell.strip() for cell in cells[3:5]]
        for cells in (row.split("|") for row in README.splitlines() if row.startswith("|"))
    }
    cpu, noticed, memory = recipe.split("|")[4], recipe.split("|")[6], recipe.split("|")[9]
    assert compared["CPU, 10,000 files"] == [f"{cpu.split()[0]} %", f"{cell(ours, 4):.2f} %"]
    assert compared["noticed after"] == [f"{noticed.split()[0]} ms", f"{cell(ours, 6):.0f} ms"]
    assert compared["memory"] == [f"{float(memory.split()[0]):.1f} MB", f"{cell(ours, 9)} MB"]


def cell(row: str, number: int) -> float:
    """A number of a table."""
    return float(row.split("|")[number].replace(",", ""))


def test_the_terminal_is_legible() -> None:
    """On a phone its letters are large enough, no line is cut, and the last line is within it."""
    root = ET.parse(PICTURE).getroot()
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    lines = root.findall(f"{SVG}text")
    assert lines
    assert SIZE * NARROW / width >= LEGIBLE
    for line in lines:
        assert float(line.attrib["x"]) + len(line.text or "") * SIZE * 0.61 <= width, line.text
        assert float(line.attrib["y"]) < height


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_terminal_has_contrast(scheme: str) -> None:
    """Each colour stands out from the ground, by WCAG's 4.5, in both colour schemes."""
    style = ET.parse(PICTURE).getroot().findtext(f"{SVG}style") or ""
    light, dark = re.findall(r"svg \{([^}]*)\}", style)
    assert f"prefers-color-scheme: dark) {{\n  svg {{{dark}" in style
    colours = dict(re.findall(r"--(\w+): (#\w{6})", {"light": light, "dark": dark}[scheme]))
    ground = colours.pop("ground")
    del colours["edge"]
    assert colours.keys() == set(re.findall(r"[^-]fill: var\(--(\w+)", style)) - {"ground"}
    for name, colour in colours.items():
        assert contrast(colour, ground) >= 4.5, name


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, as WCAG defines it."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of "#rrggbb"."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_terminal_needs_no_motion() -> None:
    """All of it is there where nothing moves, and it moves once only."""
    style = ET.parse(PICTURE).getroot().findtext(f"{SVG}style") or ""
    assert "(prefers-reduced-motion: reduce) { text { animation: none } }" in style
    assert "infinite" not in style
    assert not re.search(r"text \{[^}]*opacity", style)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_tables_fit_a_phone(page: Path) -> None:
    """No table is wider than a phone's screen once its cells are wrapped between words."""
    for table in TABLE.findall(page.read_text("utf-8")):
        rows = [row.strip("|").split("|") for row in table.splitlines()]
        columns = zip(*(row for row in rows if not set("".join(row)) <= set(" -:")), strict=True)
        widths = [max(map(narrowest, column)) + CELL for column in columns]
        assert sum(widths) <= NARROW, (table.splitlines()[0], widths)


def narrowest(text: str) -> float:
    """The width of the longest part of a cell that is not broken."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text).replace("**", "")
    parts = re.split(r"\s|&shy;|(?<=[a-z]-)(?=[a-z])", text)
    return max(len(part.strip("`")) * (CODE if "`" in part else LETTER) for part in parts)


def test_the_changelog() -> None:
    """Its versions and kinds of changes are those of Keep a Changelog, the newest first."""
    text = (HOUSE / "CHANGELOG.md").read_text("utf-8")
    versions = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert versions[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[[\d.]+\] - \d{4}-\d\d-\d\d", each) for each in versions[1:])
    kinds = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    for part in text.split("\n## ")[1:]:
        found = re.findall(r"^### (.*)$", part, re.MULTILINE)
        assert found == [kind for kind in kinds if kind in found]
