"""axe-core finds nothing against WCAG 2.2 AA, in the page and in the banner.

The pages are rendered here and given to Chromium without a server: each state, width and scheme.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route
from support.browsertab import Tab, Tabs

from wsgireload import Awaited, Held, Restarted, Status
from wsgireload.report import Failed
from wsgireload.web import page
from wsgireload.web.assets import LIVE_SCRIPT

URL = "http://127.0.0.1:9/.wsgireload/"
VIEWS = [(320, "light"), (320, "dark"), (3840, "light")]  # what differs, not each with each
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
NOW = 1_700_000_000.0
LONG = "a_long_name_" * 20
TRACEBACK = f'Traceback (most recent call last):\n  File "/srv/{LONG}.py", line 3\nNameError: x'
PLACE = Held(f"/srv/{LONG}.py", 87, 9, f"    x = = {LONG}", f"SyntaxError: {LONG}")
HISTORY = (Restarted(NOW, f"/srv/{LONG}.py changed", 0.5), Restarted(NOW - 9, "b changed", None))
STATES: dict[str, dict[str, Any]] = {
    "watching": {},
    "held": {"holding": "h", "held": PLACE, "changed": (f"/srv/{LONG}.py",)},
    "a check": {"holding": "the preflight failed", "output": TRACEBACK, "changed": ("/srv/a.py",)},
    "failed": {"failed": Failed(NOW, "NameError: x", TRACEBACK, "/srv/a.py", 3)},
    "paused": {"paused": NOW, "beside": "the reloader of x restarts this process as well"},
    "waiting": {"restarting": True, "waiting": (Awaited(f"request GET /{LONG}", NOW),)},
    "inactive": {"active": False, "reason": "embedded mode"},
}
SITE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>A site</title>
<link rel="icon" href="data:,"><body><main><h1>A site</h1></main>
<script data-wsgireload="%slive?v=x">%s</script></body></html>"""
SITE_PAGE = SITE % ("/.wsgireload/", LIVE_SCRIPT)
ANSWER = {
    "reload": False,
    "files": False,
    "held": TRACEBACK,
    "editor": "vscode://file/srv/a.py:3:1",
}


def render(**fields: Any) -> str:
    """The page about a monitor in one state."""
    usual = {"active": True, "reason": None, "server": "daemon", "pid": 7, "application": "a|/"}
    files = ["/srv/a.py", f"/srv/{LONG}.py", os.__file__]
    more = {"script": "/srv/app.wsgi", "requests": 12, "since": NOW, "generation": 2}
    values = {**usual, "files": 3, "looks": 2, "history": HISTORY, **more, **fields}
    return page.render(Status(**values, list_paths=lambda: files), {})


def violations(shown: Page) -> list[str]:
    """What axe-core finds."""
    found = Axe().run(shown, options={"runOnly": TAGS, "resultTypes": ["violations"]})
    return [
        f"{each['id']}: {node['html'][:200]} {node['failureSummary']}"
        for each in found.response["violations"]
        for node in each["nodes"]
    ]


def opened(tabs: Tabs, body: str, width: int, scheme: str) -> Tab:
    """A tab with this page; there is no server behind it."""
    size = {"width": width, "height": 700}
    tab = tabs("data:,", complains=True, viewport=size, color_scheme=scheme)

    def answer(route: Route) -> None:
        if "/live" in route.request.url:
            route.fulfill(json=ANSWER)
        else:
            policy = {"Content-Security-Policy": page.POLICY} if body != SITE_PAGE else {}
            route.fulfill(body=body, headers={"Content-Type": "text/html", **policy})

    tab.page.route("**/*", answer)
    tab.page.goto(URL)
    return tab


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
@pytest.mark.parametrize("state", STATES)
def test_the_page(tabs: Tabs, state: str, width: int, scheme: str) -> None:
    """Each state of the page, with its files unfolded, at each width, light and dark."""
    tab = opened(tabs, render(**STATES[state]), width, scheme)
    tab.page.locator("summary").click()
    assert tab.page.evaluate(FITS)
    assert violations(tab.page) == []


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_the_banner(tabs: Tabs, width: int, scheme: str) -> None:
    """The banner with a traceback and all its links."""
    tab = opened(tabs, SITE_PAGE, width, scheme)
    tab.wait_for_text("NameError", "p[role=alert]")
    assert tab.page.evaluate(FITS)
    assert violations(tab.page) == []


def test_a_lost_connection(tabs: Tabs) -> None:
    """The page reports it and recovers; focus, selection and open details stay."""
    tab = opened(tabs, render(), 1280, "light")
    shown = tab.page
    shown.locator("summary").click()
    shown.locator("summary").focus()
    shown.unroute("**/*")
    shown.route("**/*", lambda route: route.abort())
    tab.wait_for_text("Connection lost", ".state")
    assert shown.title() == "Connection lost \u00b7 wsgireload"
    assert violations(shown) == []
    shown.unroute("**/*")
    changed = render(changed=("/srv/a.py",))
    shown.route("**/*", lambda route: route.fulfill(body=changed, content_type="text/html"))
    tab.wait_for_text("Changed", ".state")
    assert shown.evaluate("document.activeElement.tagName") == "SUMMARY"
    assert shown.evaluate("document.querySelector('details').open")
    assert shown.evaluate("document.querySelector('main').className") == "news"
    shown.unroute("**/*")
    shown.route("**/*", lambda route: route.fulfill(status=502, body="<main>none of ours</main>"))
    tab.wait_for_text("The server answers 502", ".now h2")
