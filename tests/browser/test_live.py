"""Open pages in a real browser reload themselves, and show what holds a restart."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest
from support.browsertab import Tab, Tabs
from support.pagesite import page_site
from support.testsite import Site, Sites
from support.traffic import Traffic

NOTE = "p[role=alert]"
SAVES = 5
HIDE = """
    Object.defineProperty(document, "hidden", {get: () => window.gone || false})
    window.hide = gone => {
        window.gone = gone
        document.dispatchEvent(new Event("visibilitychange"))
    }
"""


def save(site: Site, text: str) -> None:
    """Save the view with another text."""
    (site.app / "views.next").write_text(
        (site.app / "views.py").read_text().replace(old_text(site), f'TEXT = "{text}"')
    )
    (site.app / "views.next").rename(site.app / "views.py")


def old_text(site: Site) -> str:
    """The line with the text of the page."""
    lines = (site.app / "views.py").read_text().splitlines()
    return next(line for line in lines if line.startswith("TEXT = "))


def test_an_open_page_shows_the_new_code(site: Site, tabs: Tabs) -> None:
    """After a save the open tab shows the new text within a second of its first response."""
    tab = tabs(site.url)
    late: list[float] = []
    for number in range(SAVES):
        text = f"text number {number}"
        with Traffic(site) as traffic:
            save(site, text)
            tab.wait_for_text(text)
            shown = tab.shown_at()
            site.wait_for_line("watching: ", count=number + 2)
        first = min(when for body, when in traffic.first.items() if text in body)
        late.append(shown - first)
        assert traffic.lost == []
    assert median(late) < 1.0, late
    assert tab.loads == 1 + SAVES
    assert site.started() == 1 + SAVES


def test_a_held_syntax_error_is_shown_until_it_is_mended(site: Site, tabs: Tabs) -> None:
    """File, line and source line are shown at the bottom; the page stays the same."""
    tab = tabs(site.url)
    site.edit("views.py", 'TEXT = "old"', 'TEXT = = "new"')
    tab.wait_for_text("views.py, line 7", NOTE)
    note = tab.page.locator(NOTE)
    assert note.is_visible()
    assert str(note.text_content()).splitlines() == [
        f"{site.app}/views.py, line 7",
        'TEXT = = "new"',
        "       ^",
        "SyntaxError: invalid syntax",
    ]
    assert tab.page.locator("#text").text_content() == "old"
    site.edit("views.py", "= =", "=")
    tab.wait_for_text("new")
    assert tab.page.locator(NOTE).count() == 0
    assert tab.loads == 2


def test_a_syntax_error_that_is_taken_back(site: Site, tabs: Tabs) -> None:
    """The note disappears, and the page is not reloaded."""
    tab = tabs(site.url)
    site.edit("views.py", 'TEXT = "old"', 'TEXT = "old')
    tab.wait_for_text("views.py, line 7", NOTE)
    site.edit("views.py", 'TEXT = "old', 'TEXT = "old"')
    tab.page.wait_for_function("() => !document.querySelector('p[role=alert]')")
    assert tab.loads == 1
    assert site.started() == 1


def test_code_that_does_not_start(site: Site, tabs: Tabs) -> None:
    """The tab shows the traceback within a second, and the application once the code is fixed."""
    site.noisy = True
    tab = tabs(site.url, complains=True)
    site.edit("views.py", "import gzip\n", "import gzip, no_such_module\n")
    tab.wait_for_text("No module named 'no_such_module'", "pre")
    [line] = site.wait_for_line("watching: the WSGI script could not be loaded: ModuleNotFound")
    assert tab.shown_at() - line.when < 1.0
    assert f"{site.app}/views.py, line" in str(tab.page.locator("main").text_content())
    site.edit("views.py", '"old"', '"mended"')
    site.edit("views.py", "import gzip, no_such_module\n", "import gzip\n")
    tab.wait_for_text("mended")
    assert tab.page.locator(NOTE).count() == 0


def test_a_style_sheet_alone(site: Site, tabs: Tabs) -> None:
    """The new style sheet takes the place of the old one, without a load and without a restart."""
    tab = tabs(site.url)
    colour = "() => getComputedStyle(document.querySelector('#text')).color == 'rgb({})'"
    tab.page.wait_for_function(colour.format("1, 2, 3"))
    site.write("static/style.css", "#text { color: rgb(4, 5, 6); }\n")
    tab.page.wait_for_function(colour.format("4, 5, 6"))
    site.write("static/style.css", "#text { color: rgb(7, 8, 9); }\n")
    tab.page.wait_for_function(colour.format("7, 8, 9"))
    tab.page.wait_for_function("document.querySelectorAll('link[rel=stylesheet]').length == 1")
    wait_for_polls(tab, tab.polls() + 2)
    assert (tab.loads, site.started()) == (1, 1)
    tab.page.goto(site.url + "?again")  # past the cache
    tab.page.wait_for_function(colour.format("7, 8, 9"))


def test_a_template_alone(site: Site, tabs: Tabs) -> None:
    """A template that is read for each request needs no restart."""
    tab = tabs(site.url)
    site.edit("templates/page.html", "First", "Second")
    tab.wait_for_text("Second", "h1")
    assert (site.started(), site.said("changed")) == (1, [])


TYPES = "AddType text/javascript .js\nAddType image/svg+xml .svg\n"
IMAGE = '<svg xmlns="http://www.w3.org/2000/svg" width="{}" height="9"></svg>'
PARTS = {
    "static/a.js": "import {text} from './b.js'; document.all.module.textContent = text",
    "static/b.js": "export const text = 'old'",
    "static/image.svg": IMAGE.format(11),
}
WITH_PARTS = (
    "<p id='text'>{text}</p><p id='module'></p><link rel='icon' href='data:,'>"
    "<img src='/static/image.svg' alt=''><script type='module' src='/static/a.js'></script>"
)


def test_parts_of_a_page_that_the_browser_keeps(new_site: Sites, tabs: Tabs) -> None:
    """A module that another one imports, and an image, are fetched again for an hour of max-age."""
    site = page_site(new_site)
    modules = "".join(
        f'LoadModule {name}_module "{site.apache.modules}/mod_{name}.so"\n'
        for name in ("alias", "expires", "mime")
    )
    kept = f'Alias /static "{site.app}/static"\n<Location /static>\nExpiresActive On\n'
    kept += 'ExpiresDefault "access plus 1 hour"\n</Location>\n'
    site.served = replace(site.served, directives=f"{modules}TypesConfig /dev/null\n{TYPES}{kept}")
    site.edit("web.wsgi", '"static/*.css"', '"static"')
    for name, text in PARTS.items():
        site.write(name, text)
    site.write("templates/page.html", WITH_PARTS)
    site.start()
    tab = tabs(site.url)
    tab.wait_for_text("old", "#module")
    site.write("static/b.js", "export const text = 'new'")
    tab.wait_for_text("new", "#module")
    site.write("static/image.svg", IMAGE.format(22))
    tab.page.wait_for_function("document.querySelector('img').naturalWidth == 22")
    assert site.started() == 1


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


def wait_for_polls(tab: Tab, count: int) -> None:
    """Return once the page has polled so many times."""
    while tab.polls() < count:
        tab.page.wait_for_event("request")


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
