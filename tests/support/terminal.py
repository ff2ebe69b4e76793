"""A recording for README.md: a shell beside a real site, and what Apache's log has meanwhile."""

from __future__ import annotations

import shutil
import subprocess
import textwrap
import time
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from support.apache import Apache
from support.apacheserver import Server
from support.httpdconf import Application
from support.packages import copy_packages

EXAMPLE = Path(__file__).parents[2] / "examples" / "wsgi"
NARROW = 343
"""Pixels that GitHub gives a picture on a phone of 375."""
COLUMNS, LETTER, LINE, MARGIN = 46, 8.44, 20, 14
"""Characters in a line; the other three in pixels, at the full width of the picture."""
SIZE = 14
"""Of the letters, in pixels at full width."""
PAUSE = 1.2
"""Seconds before each command, in which a reader takes in what came of the last one."""
TITLE = "A save brings new code. A touch does nothing. A mistake is held, and the old code answers."

# What is typed, and the first word of the line of the log that ends it.
SCENES = (
    ("curl localhost", ""),
    ("sed -i s/first/second/ greeting.py", "reloaded"),
    ("curl localhost", ""),
    ("touch greeting.py  # nothing changed", ""),
    ("echo 'def oops(' >> greeting.py # mistake", "holding"),
    ("curl localhost", ""),
    ("sed -i '$d; s/second/third/' greeting.py", "reloaded"),
    ("curl localhost", ""),
)
STYLE = f"""\
svg {{ --ground: #ffffff; --edge: #d0d7de; --text: #1f2328; --typed: #0550ae; --log: #59636e;
  --good: #116329; --held: #953800 }}
@media (prefers-color-scheme: dark) {{
  svg {{ --ground: #0d1117; --edge: #3d444d; --text: #e6edf3; --typed: #79c0ff; --log: #9198a1;
    --good: #7ee787; --held: #ffa657 }}
}}
rect {{ fill: var(--ground); stroke: var(--edge) }}
text {{ font: {SIZE}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  fill: var(--text); white-space: pre; animation: appear 1ms step-end backwards }}
.typed {{ fill: var(--typed); font-weight: 600 }}
.log {{ fill: var(--log) }}
.reloaded {{ fill: var(--good) }}
.holding {{ fill: var(--held) }}
@keyframes appear {{ from {{ opacity: 0 }} }}
@media (prefers-reduced-motion: reduce) {{ text {{ animation: none }} }}
"""


class Row(NamedTuple):
    """One line at the terminal: the second at which it appeared, its kind, and its text."""

    at: float
    kind: str
    text: str


def record() -> list[Row]:
    """Return what a shell and the log show while each scene is played on a real Apache."""
    conf = (EXAMPLE / "apache.conf").read_text("utf-8")
    served = Application(scripts={}, example=conf, python_path=["library"])
    with Server(Apache.of_the_system(), served) as server:
        copy_packages(server.root / "library", "wsgireload")
        shutil.copytree(EXAMPLE, server.app, dirs_exist_ok=True)
        server.start()
        server.get()
        server.wait_for(lambda: server.log.lines(" files"), "the first scan")
        return [row for scene in SCENES for row in _played(server, *scene)]


def _played(server: Server, command: str, until: str) -> list[Row]:
    """Type one command: it, its output, and the lines of the log, each at its time from now."""
    before, began = len(server.log), time.time()
    words = command.replace("localhost", server.url)
    shell = ["bash", "-euo", "pipefail", "-c", words]
    printed = subprocess.run(shell, cwd=server.app, capture_output=True, text=True, check=True)
    rows = [Row(0.0, "typed", f"$ {command}")]
    rows += [Row(time.time() - began, "printed", line) for line in printed.stdout.splitlines()]
    ends = f"wsgireload: {until}:"
    if until:
        server.wait_for(lambda: server.log.lines(ends, after=before), ends)
    else:  # a restart would have begun by then
        time.sleep(1.0)
    for line in server.log.lines("wsgireload: ", after=before):
        text = line.text.partition(" [pid ")[0].replace(f"{server.app}/", "")
        rows.append(Row(line.when - began, text.split(":")[1].strip(), text))
    return sorted(rows, key=lambda row: row.at)


def picture(rows: Sequence[Row]) -> str:
    """Draw rows as an animated SVG, which is complete where nothing moves."""
    drawn, y, clock, last = [], MARGIN + SIZE, 0.0, 0.0
    for row in rows:
        clock += PAUSE if row.kind == "typed" else row.at - last
        last = row.at
        for text in textwrap.wrap(row.text, COLUMNS, subsequent_indent="  "):
            name = row.kind if row.kind in ("typed", "printed") else f"log {row.kind}"
            delay = f' style="animation-delay: {clock:.2f}s"'
            drawn.append(f'<text class="{name}" x="{MARGIN}" y="{y}"{delay}>{escape(text)}</text>')
            y += LINE
    width, height = round(COLUMNS * LETTER) + 2 * MARGIN, y - SIZE + MARGIN
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    edge = f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}>\n<title>{TITLE}</title>'
    return "\n".join([head, f"<style>\n{STYLE}</style>", edge, *drawn, "</svg>", ""])
