"""The page about wsgireload in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.browsertab import Tabs
from support.testsite import Site

PAGE = ".wsgireload/"
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_it_fits_and_follows_the_colours(
    site: Site, tabs: Tabs, tmp_path: Path, size: dict[str, int], scheme: str
) -> None:
    """At each width nothing is cut off, and the colours are light or dark as preferred."""
    site.edit("views.py", 'TEXT = "old"', 'TEXT = "new"')
    site.wait_for(lambda: "new" in site.get(), "the new text")
    site.wait_for_line("reloaded: ")
    site.edit("views.py", 'TEXT = "new"', 'TEXT = = "new" ' + "# a long line " * 20)
    site.wait_for_line("holding: ")
    tab = tabs(site.url + PAGE, viewport=size, color_scheme=scheme)
    tab.wait_for_text("views.py:7:8", ".where")
    tab.page.locator("summary").click()
    assert tab.page.evaluate(FITS)
    ground = tab.page.evaluate("getComputedStyle(document.body).backgroundColor")
    red = int(ground.removeprefix("rgb(").split(",")[0])
    assert red < 60 if scheme == "dark" else red > 200
    tab.page.screenshot(path=tmp_path / f"{scheme}-{size['width']}.png", full_page=True)


def test_it_follows_what_happens(site: Site, tabs: Tabs) -> None:
    """An open page shows the hold, its end and the reload, without being reloaded."""
    tab = tabs(site.url + PAGE)
    tab.wait_for_text("Watching", ".state")
    tab.page.locator("summary").click()
    site.edit("views.py", 'TEXT = "old"', 'TEXT = = "new"')
    tab.wait_for_text("Held", ".state")
    tab.wait_for_text("SyntaxError: invalid syntax", ".error")
    site.edit("views.py", "= =", "=")
    tab.wait_for_text("views.py changed", ".timeline li")
    tab.wait_for_text("Watching", ".state")
    assert tab.page.evaluate("document.querySelector('details').open")
    assert tab.loads == 1
