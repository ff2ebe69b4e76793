"""docs/web.md is true: its code runs, and its figures are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.wsgicall import BROWSER, call

from wsgireload.web.assets import LIVE_SCRIPT

TEXT = (Path(__file__).parents[3] / "docs" / "web.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def hello(environ, start_response):
    """The wrapped application."""
    start_response("200 OK", [("Content-Type", "text/html")])
    return [b"<p>hello"]


@pytest.mark.parametrize("block", BLOCKS)
def test_each_block_gives_an_application(block: str) -> None:
    """With the import of the first block, each block wraps an application."""
    names: dict[str, object] = {"application": hello}
    exec(BLOCKS[0].splitlines()[0], names)
    exec(block, names)
    path = "/dev/reload/" if "/dev/reload/" in block else "/.wsgireload/"
    assert "Inactive" in call(names["application"], path).text
    page = call(names["application"], **BROWSER).body
    assert (b"data-wsgireload" in page) == ("live=True" in block)


def test_figures() -> None:
    """The size and the interval in the document are those of the script."""
    [size] = re.findall(r"script of ([\d.]+) kB", TEXT)
    assert len(LIVE_SCRIPT) <= float(size) * 1000
    [pause] = re.findall(r"polls every ([\d.]+) s,", TEXT)
    assert f"wait = {float(pause) * 1000:g}" in LIVE_SCRIPT
