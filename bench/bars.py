"""Stacked bars as SVG: text stays text, and the colours follow the reader's light or dark mode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import NamedTuple

WIDTH, MARGIN, LABEL, TOTAL, LINE, THICK = 640, 14, 176, 66, 22, 14
"""In pixels: the picture, its margin, the columns of names and of totals, a row, and its bar."""
COLUMNS = 2
"""Of the legend."""
COLOURS = ("e69f00", "cc79a7", "d55e00", "0072b2", "8c959f", "009e73", "56b4e9", "c9b800")
"""Okabe and Ito's, which colour-blind readers can distinguish."""
STYLE = """\
svg { --ground: #ffffff; --edge: #d0d7de; --text: #1f2328 }
@media (prefers-color-scheme: dark) {
  svg { --ground: #0d1117; --edge: #3d444d; --text: #e6edf3 }
}
text { font: 12.5px system-ui, sans-serif; fill: var(--text) }
.head { font-size: 14px; font-weight: 600 }
.ours { font-weight: 600 }
.ground { fill: var(--ground); stroke: var(--edge) }
"""


class Bar(NamedTuple):
    """A row: its name, the milliseconds of its parts in order, their sum to show, is it ours."""

    name: str
    parts: Mapping[str, float]
    total: float
    is_ours: bool = False


def picture(title: str, parts: Sequence[str], groups: Mapping[str, Sequence[Bar]]) -> str:
    """An SVG with a legend of the parts, and a heading and bars for each group."""
    widest = max((bar.total for bars in groups.values() for bar in bars), default=1.0)
    scale = (WIDTH - 2 * MARGIN - LABEL - TOTAL) / widest
    body, top = [], MARGIN
    for number, part in enumerate(parts):
        left = MARGIN + number % COLUMNS * (WIDTH // COLUMNS)
        at = top + number // COLUMNS * LINE
        body += [_box(number, left, at, THICK), _text(left + THICK + 8, at, part)]
    top += -(-len(parts) // COLUMNS) * LINE
    for head, bars in groups.items():
        body.append(_text(MARGIN, top + LINE // 2, head, "head"))
        top += LINE + LINE // 2
        for bar in bars:
            body += _bar(bar, parts, top, scale)
            top += LINE
    height = top + MARGIN
    style = STYLE + "\n".join(f".p{n} {{ fill: #{colour} }}" for n, colour in enumerate(COLOURS))
    ground = (
        f'<rect class="ground" x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1}" rx="6"/>'
    )
    label = escape(f"{title} {described(groups)}", quote=True)
    view = f'viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {view}>'
    return "\n".join([head, f"<style>\n{style}\n</style>", ground, *body, "</svg>\n"])


def described(groups: Mapping[str, Sequence[Bar]]) -> str:
    """The totals in words, for readers who do not see the bars."""
    each = (
        f"{head}: " + ", ".join(f"{bar.name} {bar.total:,.0f} ms" for bar in bars)
        for head, bars in groups.items()
    )
    return "; ".join(each) + "."


def _bar(bar: Bar, parts: Sequence[str], top: int, scale: float) -> Iterator[str]:
    kind = "ours" if bar.is_ours else ""
    yield _text(MARGIN, top, bar.name, kind)
    left = float(MARGIN + LABEL)
    for number, part in enumerate(parts):
        width = bar.parts.get(part, 0.0) * scale
        if width >= 0.05:  # less is not to be seen
            yield _box(number, left, top, width)
            left += width
    yield _text(left + 6, top, f"{bar.total:,.0f} ms", kind)


def _box(number: int, left: float, top: int, width: float) -> str:
    place = f'x="{left:.4g}" y="{top}" width="{width:.3g}" height="{THICK}"'
    return f'<rect class="p{number}" {place}/>'


def _text(left: float, top: int, text: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{left:.4g}" y="{top + THICK - 3}">{escape(text)}</text>'
