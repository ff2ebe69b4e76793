"""A real Chromium, and a real Apache for it to look at."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright
from support.apache import Apache
from support.browsertab import Tabs
from support.pagesite import page_site
from support.testsite import Site, Sites

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# The lists below the address bar: two pages of Chromium's own for each window, half of its work.
# This takes the place of Playwright's own list, which nothing at 127.0.0.1 needs.
WITHOUT = "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup"


@pytest.fixture(scope="session")
def apache() -> Apache:
    """Debian's Apache and mod_wsgi: tests/e2e has the other."""
    return Apache.of_the_system().existing()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests, without a screen."""
    if CHROMIUM is None:
        pytest.fail("there is no chromium here; ci/test installs it")
    with sync_playwright() as playwright:
        # It may not be root's without --no-sandbox; it sees our own pages alone.
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", WITHOUT]
        )
        yield browser
        browser.close()


@pytest.fixture
def site(new_site: Sites) -> Site:
    """A site of pages, started, and asked once so that the application is loaded."""
    site = page_site(new_site)
    site.start()
    site.get()
    site.wait_for_line("watching: ")
    return site


@pytest.fixture
def tabs(browser: Browser) -> Iterator[Tabs]:
    """Opens tabs. At the end their consoles must be empty, and they have stayed on the site."""
    tabs = Tabs(browser)
    yield tabs
    for tab in tabs.made:
        tab.page.context.close()
        assert tab.complains or tab.errors == []
        assert all(url.startswith(("http://127.0.0.1:", "data:")) for url in tab.asked)
