"""The banner in a real browser, and what a page keeps when it reloads itself."""

from __future__ import annotations

import pytest
from support.browsertab import NOTE, Tab, Tabs
from support.testsite import Site

BANNER = "aside[aria-label=wsgireload]"
WITH_FORM = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>A form</title><link rel="icon" href="data:,">
<body><div id="part" style="height: 50px; overflow: auto"><p style="height: 900px">inner</div>
<p id="text">{text}</p><form>
<input name="plain"><textarea id="long">begun</textarea><input type="checkbox" id="tick">
<select name="choice"><option>a<option>b</select>
<input type="password" id="s1"><input id="s2" autocomplete="one-time-code">
<input id="s3" autocomplete="section-a cc-number"><input id="s4" autocomplete="off">
<input name="api_token" id="s5"><input type="hidden" id="s6" value="begun">
</form><form autocomplete="off"><input id="s7"></form>
<p style="height: 3000px">outer</p></body></html>
"""
WITH_BAR = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>A bar</title><link rel="icon" href="data:,">
<body><p id="text">{text}</p><input id="top"><p style="height: 100vh"></p>
<div id="bar" style="position: fixed; inset: auto 0 0; height: 60px"><input id="low"></div>
<input id="last" style="position: fixed; bottom: 100px"></body></html>
"""
WITH_CHOICES = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Choices</title><link rel="icon" href="data:,">
<body><p id="text">{text}</p><form onsubmit="return false">
<select id="language" onchange="submitted = this.id"><option>de<option selected>en</select>
<input type="checkbox" checked onchange="submitted = 'checkbox'"></form>
<select id="other" onchange="changed = this.id"><option>a<option>b</select></body></html>
"""
SECRETS = [f"s{number}" for number in range(1, 8)]


def hold(site: Site, tab: Tab) -> None:
    """Save an error, and return once the banner shows it."""
    site.edit("views.py", 'TEXT = "old"', 'TEXT = = "new"')
    tab.wait_for_text("views.py, line 7", NOTE)


def wait_for_polls(tab: Tab) -> None:
    """Return once the page has polled twice, and has taken at least one answer."""
    before = tab.polls()
    while tab.polls() < before + 3:
        tab.page.wait_for_event("request")


def test_the_banner(site: Site, tabs: Tabs) -> None:
    """It says what still answers, links the page and the editor, and marks the tab's title."""
    site.edit("web.wsgi", "live=True,", 'live=True, editor="vscode",')
    site.wait_for(lambda: len(site.said("watching: ")) == 2 or site.get(), "the new script")
    tab = tabs(site.url)
    hold(site, tab)
    banner = tab.page.locator(BANNER)
    assert "The old code keeps serving." in str(banner.text_content())
    opens = banner.get_by_text("Open in the editor").get_attribute("href")
    assert opens == f"vscode://file{site.app}/views.py:7:8"
    assert tab.page.title() == "\u26a0 A page"
    banner.get_by_text("Details").click()
    tab.wait_for_text("Held", ".state")


def test_escape(site: Site, tabs: Tabs) -> None:
    """The focus stays in the banner; Escape dismisses it until another message comes."""
    tab = tabs(site.url)
    hold(site, tab)
    tab.page.get_by_role("button", name="Dismiss").focus()
    wait_for_polls(tab)
    assert tab.page.evaluate("document.activeElement.tagName") == "BUTTON"
    tab.page.keyboard.press("Escape")
    wait_for_polls(tab)
    assert tab.page.locator(BANNER).count() == 0
    site.edit("views.py", 'TEXT = = "new"', '\nTEXT = = "new"')
    tab.wait_for_text("views.py, line 8", NOTE)
    site.edit("views.py", '\nTEXT = = "new"', 'TEXT = "old"')
    tab.page.wait_for_function("() => document.title == 'A page'")
    assert tab.page.locator(BANNER).count() == 0
    assert tab.loads == 1


def test_it_covers_neither_a_bar_nor_the_focus(site: Site, tabs: Tabs) -> None:
    """It stays above a bar at the bottom, and goes to the top where it would cover the focus."""
    site.write("templates/page.html", WITH_BAR)
    tab = tabs(site.url)
    hold(site, tab)

    def box(selector: str) -> tuple[float, float]:
        found = tab.page.locator(selector).bounding_box()
        assert found is not None
        return found["y"], found["y"] + found["height"]

    assert box(BANNER)[1] <= box("#bar")[0]
    tab.page.locator("#low").focus()
    assert box(BANNER)[1] <= box("#bar")[0]
    tab.page.locator("#last").focus()
    assert box(BANNER)[0] == 0
    tab.page.locator("#top").focus()
    assert box(BANNER)[0] > box("#top")[1]


def test_a_reload_keeps_what_was_typed(site: Site, tabs: Tabs) -> None:
    """Text, choices and scroll positions are there again, but nothing secret was stored."""
    site.write("templates/page.html", WITH_FORM)
    tab = tabs(site.url)
    page = tab.page
    page.fill("[name=plain]", "typed </script> \u00e4")
    page.fill("#long", "a\nb")
    page.check("#tick")
    page.select_option("select", "b")
    for name in SECRETS:
        page.evaluate(f"document.querySelector('#{name}').value = 'xyzzy'")
    page.evaluate("document.querySelector('#part').scrollTop = 300; scrollTo(0, 800)")
    page.add_init_script("window.stored = JSON.stringify(sessionStorage)")
    site.edit("views.py", 'TEXT = "old"', 'TEXT = "new"')
    tab.wait_for_text("new")
    page.wait_for_function("document.querySelector('[name=plain]').value")
    assert page.input_value("[name=plain]") == "typed </script> \u00e4"
    assert page.input_value("#long") == "a\nb"
    assert page.is_checked("#tick")
    assert page.input_value("select") == "b"
    page.wait_for_function("document.querySelector('#part').scrollTop == 300 && scrollY == 800")
    stored = page.evaluate("window.stored")
    assert "typed" in stored
    assert "xyzzy" not in stored
    assert page.evaluate("sessionStorage.length") == 0


def test_what_was_typed_at_an_address_that_a_script_has_set(site: Site, tabs: Tabs) -> None:
    """It is there again at that address, and not at the one from which the page was loaded."""
    site.write("templates/page.html", WITH_FORM)
    tab = tabs(site.url)
    tab.page.evaluate("history.pushState(0, '', '/inner?x=1')")
    tab.page.fill("[name=plain]", "typed")
    site.edit("views.py", 'TEXT = "old"', 'TEXT = "new"')
    tab.wait_for_text("new")
    tab.page.wait_for_function("document.querySelector('[name=plain]').value == 'typed'")
    tab.page.goto(site.url)
    assert tab.page.input_value("[name=plain]") == ""
    assert tab.page.evaluate("sessionStorage.length") == 0


def test_a_form_with_names_of_properties(site: Site, tabs: Tabs) -> None:
    """An input that hides a property of its form, and is no JSON, loses no other text."""
    names = "<form><input name='scrollTop'><input name='id'></form>"
    site.write("templates/page.html", WITH_FORM.replace("</body>", names + "</body>"))
    tab = tabs(site.url)
    tab.page.evaluate(
        "document.querySelector('[name=scrollTop]').self = document.body.self = window"
    )
    tab.page.fill("[name=plain]", "typed")
    site.edit("views.py", 'TEXT = "old"', 'TEXT = "new"')
    tab.wait_for_text("new")
    tab.page.wait_for_function("document.querySelector('[name=plain]').value == 'typed'")


def test_a_choice_that_submits_its_form(site: Site, tabs: Tabs) -> None:
    """A reload submits nothing. An untouched select takes the new default."""
    site.write("templates/page.html", WITH_CHOICES)
    tab = tabs(site.url)
    tab.page.select_option("#other", "b")
    html = WITH_CHOICES.replace("<option>de<option selected>en", "<option selected>de<option>en")
    site.write("templates/page.html", html.replace("{text}", "after"))
    tab.wait_for_text("after")
    tab.page.wait_for_function("document.querySelector('#other').value == 'b'")
    assert tab.page.input_value("#language") == "de"
    assert tab.page.evaluate("window.submitted") is None
    assert tab.page.evaluate("window.changed") == "other"


def test_a_title_of_its_own_with_a_mark(site: Site, tabs: Tabs) -> None:
    """A page may begin its own title with the same sign."""
    html = WITH_FORM.replace("A form", "\u26a0 Alarms")
    site.write("templates/page.html", html)
    tab = tabs(site.url)
    wait_for_polls(tab)
    assert tab.page.title() == "\u26a0 Alarms"
    hold(site, tab)
    site.edit("views.py", "= =", "=")
    tab.wait_for_text("new")
    assert tab.page.title() == "\u26a0 Alarms"


def test_what_was_typed_outlives_an_error_page(site: Site, tabs: Tabs) -> None:
    """Where the next page has no such field, the text waits for the page after the repair."""
    site.write("templates/page.html", WITH_FORM)
    tab = tabs(site.url)
    tab.page.fill("[name=plain]", "typed")
    site.write("templates/page.html", "<p id='text'>no form</p>")
    tab.wait_for_text("no form")
    site.write("templates/page.html", WITH_FORM)
    tab.wait_for_text("old")
    tab.page.wait_for_function("document.querySelector('[name=plain]').value == 'typed'")


@pytest.mark.parametrize(
    "style", ["<style>p { color: red }</style>", '<link rel="stylesheet" href="/x.css">']
)
def test_a_style_sheet_that_the_page_does_not_link(site: Site, tabs: Tabs, style: str) -> None:
    """Where no linked style sheet has changed, the page reloads: its own text may have."""
    html = WITH_BAR.replace("<body>", style.replace("/x.css", "/style.css") + "<body>")
    site.write("templates/page.html", html)
    tab = tabs(site.url)
    site.write("static/other.css", "p { margin: 0 }")
    site.wait_for(lambda: tab.loads == 2 or tab.page.wait_for_timeout(10), "a second load")
