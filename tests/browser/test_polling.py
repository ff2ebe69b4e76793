"""When open pages poll, and when they do not."""

from __future__ import annotations

from pathlib import Path

from support.browsertab import NOTE, Tabs, wait_for_polls
from support.pagesite import page_site, save
from support.testsite import Site, Sites

HIDE = """
    Object.defineProperty(document, "hidden", {get: () => window.gone || false})
    window.hide = gone => {
        window.gone = gone
        document.dispatchEvent(new Event("visibilitychange"))
    }
"""


def test_a_hidden_page_asks_nothing(site: Site, tabs: Tabs) -> None:
    """A hidden tab does not poll; a tab that is shown again polls at once."""
    tab = tabs(site.url)
    other = tabs(site.url)
    tab.page.add_init_script(HIDE)
    tab.page.reload()
    wait_for_polls(tab, 1)
    tab.page.evaluate("hide(true)")
    wait_for_polls(other, other.polls() + 1)  # what was under way has been answered
    before = tab.polls()
    wait_for_polls(other, other.polls() + 3)
    assert tab.polls() == before
    save(site, "seen again")
    other.wait_for_text("seen again")
    assert tab.page.locator("#text").text_content() == "old"
    tab.page.evaluate("hide(false)")
    tab.wait_for_text("seen again")


def test_a_page_that_comes_back_asks_once(site: Site, tabs: Tabs) -> None:
    """A page restored from history gets many events at once; it polls once, and goes on polling."""
    tab = tabs(site.url)
    wait_for_polls(tab, 1)
    shown = "for (let i = 0; i < 11; i++) document.dispatchEvent(new Event('visibilitychange'))"
    before = tab.polls()
    tab.page.evaluate(f"{shown}; return fetch('?last')".join(["(() => {", "})()"]))
    assert tab.polls() - before <= 2  # one of them may have been due
    wait_for_polls(tab, before + 3)


def test_a_page_whose_links_lead_elsewhere(site: Site, tabs: Tabs) -> None:
    """A page with a <base> of another site polls its own."""
    template = site.app / "templates" / "page.html"
    text = template.read_text()
    template.write_text(text.replace("</body>", '<base href="http://127.0.0.1:1/"></body>'))
    tab = tabs(site.url)
    wait_for_polls(tab, 1)
    save(site, "new")
    tab.wait_for_text("new")


AGAIN = """
    html => {
        document.body.innerHTML = new DOMParser().parseFromString(html, "text/html").body.innerHTML
        for (const old of document.querySelectorAll("script")) {
            const fresh = document.createElement("script")
            for (const {name, value} of old.attributes) fresh.setAttribute(name, value)
            fresh.textContent = old.textContent
            old.replaceWith(fresh)
        }
    }
"""


def test_a_library_that_replaces_the_body(site: Site, tabs: Tabs) -> None:
    """It runs the script again, as Turbo does; one script polls, and there is one banner."""
    tab = tabs(site.url)
    html = tab.page.evaluate("fetch(location, {cache: 'reload'}).then(got => got.text())")
    script = tab.page.locator("script").evaluate("script => script.outerHTML")
    for _ in range(3):
        tab.page.evaluate(AGAIN, html.replace("</body>", script + "</body>"))
    other, before = tabs(site.url), tab.polls()
    wait_for_polls(other, other.polls() + 3)
    assert tab.polls() - before <= 5
    site.edit("views.py", 'TEXT = "old"', 'TEXT = = "new"')
    tab.wait_for_text("views.py, line 7", NOTE)
    wait_for_polls(tab, tab.polls() + 2)
    assert tab.page.locator(NOTE).count() == 1
    site.edit("views.py", "= =", "=")
    tab.wait_for_text("new")


def test_a_page_that_was_saved(site: Site, tabs: Tabs, tmp_path: Path) -> None:
    """Opened as a file, or written into an empty document, it polls nothing."""
    tab = tabs(site.url)
    html = tab.page.content()
    saved = tmp_path / "saved.html"
    saved.write_text(html.replace("/style.css", "data:text/css,"))
    tab.page.goto("about:blank")
    before = tab.polls()
    tab.page.set_content(saved.read_text())
    tab.page.wait_for_timeout(1000)
    tab.page.goto(saved.as_uri())
    tab.page.wait_for_timeout(1000)
    assert tab.polls() == before
    tab.asked.remove(saved.as_uri())


def test_several_processes(new_site: Sites, tabs: Tabs) -> None:
    """While old and new processes answer, a page ends with the new code, and stays there."""
    site = page_site(new_site, daemon="processes=3 threads=2", preload=True)
    site.start()
    site.wait_for_line("watching: ", count=3)
    tab = tabs(site.url)
    save(site, "new")
    tab.wait_for_text("new")
    site.wait_for_line("watching: ", count=6)
    wait_for_polls(tab, tab.polls() + 6)
    tab.wait_for_text("new")
    loads = tab.loads
    wait_for_polls(tab, tab.polls() + 6)
    assert tab.loads == loads
    assert loads <= 4
