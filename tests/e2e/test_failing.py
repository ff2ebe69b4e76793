"""New code that fails while it is loaded: saving the repair brings the site back."""

from __future__ import annotations

import re

import pytest
from support.apacheserver import ServerError
from support.testsite import Site, Sites, fails

SHAPES = {
    "a module": ("words.py", "WORD =", "raise RuntimeError('no good')\nWORD ="),
    "the script": ("app.wsgi", "import words ", "raise RuntimeError('no good')\nimport words "),
    "a missing import": ("words.py", "WORD =", "from os import no_such_name\nWORD ="),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_failed_start(site: Site, shape: str) -> None:
    """The site answers 500 and Apache's log has the reason; repaired code serves without a hand."""
    site.noisy = True
    name, good, bad = SHAPES[shape]
    site.edit(name, good, bad)
    site.wait_for(lambda: fails(site), "an answer of 500")
    assert any("no good" in x.text or "no_such_name" in x.text for x in site.log.lines())
    expected = re.compile(r"not be loaded: \w+Error: .*(no good|no_such_name)")
    site.wait_for(lambda: any(expected.search(x.text) for x in site.log.lines()), "the reason")
    site.edit("words.py", '"old"', '"new"')
    with pytest.raises(ServerError, match="500"):
        site.ask()
    site.edit(name, bad, good)
    site.wait_for(lambda: not fails(site), "an answer")
    assert site.wait_for_value("new").value == "new"


FORWARDED = {"X-Forwarded-For": "192.0.2.1"}


def failure(site: Site, **headers: str) -> str:
    """The answer of a site that fails."""
    with pytest.raises(ServerError, match=": 500 ") as caught:
        site.get(**headers)
    return str(caught.value)


@pytest.mark.each_mod_wsgi
def test_a_failed_start_shows_itself(site: Site) -> None:
    """Only this machine gets the traceback; the repair needs no other step."""
    site.noisy = True
    site.edit("words.py", "WORD =", "WORD = no_such_name\nWORD =")
    site.wait_for(lambda: fails(site), "an answer of 500")
    page = failure(site)
    assert "NameError: name &#x27;no_such_name&#x27; is not defined" in page
    assert f"{site.app}/words.py, line 1" in page
    assert "wsgireload" in page
    others = failure(site, **FORWARDED)
    assert "no_such_name" not in others
    assert "Internal Server Error" in others
    site.edit("words.py", "WORD = no_such_name\nWORD =", "WORD =")
    assert site.wait_for(lambda: not fails(site) and site.ask(), "an answer").value == "old"


@pytest.mark.each_mod_wsgi
def test_a_start_that_succeeds_later(new_site: Sites) -> None:
    """Where the reason lies elsewhere each request tries again; then all is as ever."""
    site = new_site()
    site.noisy = True
    database = site.folder("data") / "database"
    site.edit("app.wsgi", "import words ", f"open({str(database)!r}).close()\nimport words ")
    site.start()
    failure(site)
    assert "FileNotFoundError" in failure(site)
    assert "FileNotFoundError" not in failure(site, **FORWARDED)
    database.touch()
    answer = site.ask()
    assert answer.status["failed"] is None or site.wait_for_looks()
    assert (site.ask().pid, site.started()) == (answer.pid, 1)
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")
    assert site.started() == 2


@pytest.mark.each_mod_wsgi
def test_a_touch_of_a_script_that_failed(site: Site) -> None:
    """mod_wsgi replaces the process of a script with another mtime, as ever."""
    site.noisy = True
    site.edit("words.py", "WORD =", "WORD = no_such_name\nWORD =")
    site.wait_for(lambda: fails(site), "an answer of 500")
    before = site.started()
    (site.app / "app.wsgi").touch()
    failure(site)
    site.wait_for_start(before + 1)
    assert "no_such_name" in failure(site)
    site.edit("words.py", "WORD = no_such_name\nWORD =", "WORD =")
    site.wait_for(lambda: not fails(site), "an answer")
