"""Open pages in a Chromium, with all that they say and ask for."""

from __future__ import annotations

from playwright.sync_api import Browser, Page

NOTE = "p[role=alert]"
"""Where a page shows what holds a restart."""


class Tab:
    """One open page, with all that it said and asked for."""

    def __init__(self, page: Page, *, complains: bool) -> None:
        self.page = page
        self.complains = complains
        self.errors: list[str] = []
        self.asked: list[str] = []
        self.loads = 0
        page.on("console", lambda said: said.type in ("error", "warning") and self.say(said.text))
        page.on("pageerror", lambda error: self.say(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("load", lambda _: self.load())
        page.set_default_timeout(15_000)

    def say(self, text: str) -> None:
        """Note what the console shows."""
        self.errors.append(text)

    def load(self) -> None:
        """Note that a page was loaded, once more."""
        self.loads += 1

    def wait_for_text(self, text: str, selector: str = "#text") -> None:
        """Return as soon as it is shown."""
        shown = "([selector, text]) => document.querySelector(selector)?.textContent.includes(text)"
        self.page.wait_for_function(shown, arg=[selector, text])

    def polls(self) -> int:
        """How often the page has asked whether there is something new."""
        return sum("/live?" in url for url in self.asked)

    def shown_at(self) -> float:
        """When what is shown now was there, in seconds since 1970."""
        milliseconds: float = self.page.evaluate(
            "performance.timeOrigin"
            " + performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
        )
        return milliseconds / 1000


class Tabs:
    """Opens tabs, each in a profile of its own."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.made: list[Tab] = []

    def __call__(self, url: str, *, complains: bool = False, **options: object) -> Tab:
        """A tab with a page; one that `complains` may show errors in its console."""
        context = self._browser.new_context(**options)  # type: ignore[arg-type]  # its own keywords
        tab = Tab(context.new_page(), complains=complains)
        self.made.append(tab)
        tab.page.goto(url)
        return tab


def wait_for_polls(tab: Tab, count: int) -> None:
    """Return once the page has polled so many times."""
    while tab.polls() < count:
        tab.page.wait_for_event("request")
