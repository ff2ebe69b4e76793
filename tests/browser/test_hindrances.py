"""What may keep an open page from reloading itself: policies, questions, networks, workers."""

from __future__ import annotations

import socket

import pytest
from support.browsertab import Tab, Tabs, wait_for_polls
from support.pagesite import save
from support.testsite import Site


@pytest.mark.parametrize(
    ("policy", "runs"),
    [
        ("default-src 'self'; img-src data:", True),
        ("script-src 'nonce-Ab1'", True),
        ("default-src 'none'; style-src 'self'; img-src data:", False),
        ("script-src 'none'", False),
    ],
)
def test_policies(site: Site, tabs: Tabs, policy: str, runs: bool) -> None:
    """A page with a Content-Security-Policy reloads itself if that allows it, without errors."""
    tab = tabs(f"{site.url}?policy={policy.replace(' ', '%20').replace(';', '%3B')}")
    other = tabs(site.url)
    assert tab.page.locator("script").count() == runs
    save(site, "new")
    other.wait_for_text("new")
    if runs:
        tab.wait_for_text("new")
    wait_for_polls(other, other.polls() + 2)
    assert tab.page.locator("#text").text_content() == ("new" if runs else "old")


def test_a_reload_that_is_refused(site: Site, tabs: Tabs) -> None:
    """The page stays as somebody wants to save something first, and reloads later."""
    tab = tabs(site.url, complains=True)  # the console reports the dialog
    asked: list[str] = []
    tab.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    tab.page.evaluate("addEventListener('beforeunload', stay = event => event.preventDefault())")
    tab.page.click("body")  # without that no browser asks
    save(site, "new")
    site.wait_for(lambda: asked or tab.page.wait_for_timeout(50), "the question")
    before = tab.polls()
    tab.page.evaluate("removeEventListener('beforeunload', stay)")
    assert tab.page.locator("#text").text_content() == "old"
    tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    tab.wait_for_text("new")
    assert asked == ["beforeunload"]
    assert tab.polls() > before


def test_a_script_of_a_network_that_does_not_answer(site: Site, tabs: Tabs) -> None:
    """A changed template is shown all the same."""
    template = site.app / "templates" / "page.html"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        script = f"<script async src='http://127.0.0.1:{silent.getsockname()[1]}/x.js'></script>"
        template.write_text(template.read_text().replace("</body>", script + "</body>"))
        tab = tabs("about:blank", complains=True)  # of that network
        tab.page.goto(site.url, wait_until="commit")
        wait_for_polls(tab, 1)
        site.edit("templates/page.html", "First", "Second")
        tab.wait_for_text("Second", "h1")


WORKER = """
    addEventListener("install", () => skipWaiting())
    addEventListener("activate", event => event.waitUntil(clients.claim()))
"""
PASSES_ON = (
    WORKER
    + """
    addEventListener("fetch", event => event.respondWith(fetch(event.request)))
"""
)
KEEPS = (
    WORKER
    + """
    let kept
    const answer = async request => {
        kept ||= await (await fetch(request)).text()
        return new Response(kept, {headers: {"Content-Type": "text/html"}})
    }
    addEventListener("fetch", event => {
        if (event.request.mode == "navigate") event.respondWith(answer(event.request))
    })
"""
)


FIRST_POLL = """
    localStorage.waited = (localStorage.waited || "") + " " + performance
        .getEntriesByType("resource").find(({name}) => name.includes("/live?")).startTime
"""


def with_worker(site: Site, tabs: Tabs, worker: str) -> Tab:
    """A tab whose page comes through a service worker."""
    site.edit("views.py", 'path == "/style.css"', 'path == "/worker.js"')
    site.edit("views.py", "text/css", "text/javascript")
    site.edit("views.py", '"static" / "style.css"', '"worker.js"')
    site.write("worker.js", worker)
    site.wait_for(lambda: "skipWaiting" in site.get("/worker.js"), "the worker")
    site.wait_for_line("watching: ", count=2)
    tab = tabs(site.url, complains=True)  # its style sheet is gone
    tab.page.evaluate("navigator.serviceWorker.register('/worker.js')")
    tab.page.wait_for_function("navigator.serviceWorker.controller")
    tab.page.reload()
    wait_for_polls(tab, tab.polls() + 1)
    return tab


def test_a_service_worker_that_passes_requests_on(site: Site, tabs: Tabs) -> None:
    """The page through it has the script."""
    tab = with_worker(site, tabs, PASSES_ON)
    save(site, "new")
    tab.wait_for_text("new")


def test_a_service_worker_that_keeps_the_page(site: Site, tabs: Tabs) -> None:
    """A reload that brings the old page is followed by a later one each time."""
    tab = with_worker(site, tabs, KEEPS)
    tab.page.add_init_script(f"addEventListener('pagehide', () => {FIRST_POLL})")
    loads = tab.loads
    save(site, "new")
    site.wait_for(lambda: tab.loads >= loads + 3 or tab.page.wait_for_timeout(50), "three loads")
    waited = [float(each) for each in tab.page.evaluate("localStorage.waited").split()]
    assert waited[0] >= 1400
    assert waited[1] >= 2800
