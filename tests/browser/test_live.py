"""Open pages in a real browser reload themselves, and show what holds a restart."""

from __future__ import annotations

from dataclasses import replace
from statistics import median

from support.browsertab import NOTE, Tabs, wait_for_polls
from support.pagesite import page_site, save
from support.testsite import Site, Sites
from support.traffic import Traffic

SAVES = 5


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
    site.edit("views.py", "import gzip\n", "from gzip import no_such_name\nimport gzip\n")
    tab.wait_for_text("cannot import name 'no_such_name'", "pre")
    [line] = site.wait_for_line("watching: the WSGI script could not be loaded: ImportError")
    assert tab.shown_at() - line.when < 1.0
    assert f"{site.app}/views.py, line" in str(tab.page.locator("main").text_content())
    site.edit("views.py", '"old"', '"mended"')
    site.edit("views.py", "from gzip import no_such_name\nimport gzip\n", "import gzip\n")
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
