"""Which version of the application a page is of, and when it reloads for another."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from support.livepage import HTML, PAGE, answering, asked, inserted, news
from support.wsgicall import BROWSER, call

from wsgireload.web import middleware
from wsgireload.web.live import difference

VERSIONS = [
    ("6.3.s.f", "6.3.s.f", "same"),
    ("6.3.s.f", "6.4.s.f", "code"),
    ("6.3.s.f", "6.4.s.g", "code"),
    ("6.4.s.f", "6.3.s.f", "same"),  # an old process of the group answered
    ("6.4.s.f", "6.3.t.g", "same"),
    ("6.9.s.f", "6.10.s.f", "code"),
    ("6.3.s.f", "6.3.t.f", "code"),  # mod_wsgi loaded another script by itself
    ("6.3.s.f", "6.3.s.g", "files"),
    ("6.3.s.othersxxstylesxx", "6.3.s.othersxxstylesyy", "styles"),
    ("6.3.s.othersxxstylesxx", "6.3.s.othersyystylesyy", "files"),
    ("6.3.s.othersxxstylesxx", "6.4.s.othersxxstylesyy", "code"),
    ("6.pid7.s.othersxxstylesxx", "6.pid7.s.othersxxstylesyy", "styles"),
    ("5.9.s.f", "6.0.s.f", "code"),  # Apache itself was restarted
    ("6.pid7.s.f", "6.pid8.s.f", "code"),
    ("6.pid7.s.f", "6.pid7.s.g", "files"),
    ("6.pid7.s.f", "6.0.s.f", "code"),
    ("", "6.3.s.f", "same"),
    ("x", "6.3.s.f", "same"),
    *(
        (odd, "6.3.s.f", "same")
        for odd in (
            "6." + "9" * 5000 + ".s.f",
            "9" * 5000 + ".3.s.f",
            "6.\u0664.s.f",
            "6.\u00b2.s.f",
            "6.3.s.f.",
            "...",
            "6.-3.s.f",
            "6.pid.s.f",
            "6.3.s.f\n",
            "6.3.\udcff.f",
            "6.3." + "s" * 5000 + ".f",
        )
    ),
]


@pytest.mark.parametrize(("page", "now", "expected"), VERSIONS)
def test_versions(page: str, now: str, expected: str) -> None:
    """A page reloads for a newer version, never for an older or an unknown one."""
    assert difference(page, now) == expected


def test_the_version_is_that_from_before_the_page_was_made(say) -> None:
    """A change while a page is made reloads it, as the page may be made of both."""

    def application(environ, start_response):
        say(generation=4)
        start_response("200 OK", [HTML])
        return [PAGE]

    assert b"live?v=6.3." in inserted(asked(application))


def test_the_script_that_mod_wsgi_loaded_counts(tmp_path: Path) -> None:
    """A script that mod_wsgi itself reloads is another version."""
    script = tmp_path / "app.wsgi"
    script.write_text("one")
    page = asked(answering([PAGE]), SCRIPT_FILENAME=str(script))
    assert not news(page, SCRIPT_FILENAME=str(script))["reload"]
    script.write_text("two")
    assert news(page, SCRIPT_FILENAME=str(script))["reload"]


def test_a_script_that_is_edited_before_the_first_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes with the same code are one version, also if the new script is held."""
    script = ModuleType("_mod_wsgi_5c91b7")
    script.__file__ = path = str(tmp_path / "app.wsgi")
    monkeypatch.setitem(sys.modules, script.__name__, script)
    Path(path).write_text("one")
    first, second = (middleware(answering([PAGE]), live=True) for _ in range(2))
    page = call(first, **BROWSER, SCRIPT_FILENAME=path)
    Path(path).write_text("(")
    poll = re.search(rb'data-wsgireload="([^"]*)"', inserted(page))[1].decode()  # type: ignore[index]
    for served in (first, second):
        assert not json.loads(call(served, poll, SCRIPT_FILENAME=path).body)["reload"]


@pytest.mark.parametrize(
    ("told", "closes"),
    [
        ({}, False),
        ({"restarting": True}, True),
        ({"changed": ("a.py",)}, True),
        ({"changed": ("a.py",), "holding": "h"}, False),
    ],
    ids=str,
)
def test_connections_end_when_a_restart_is_coming(say, told, closes: bool) -> None:
    """Before a restart every response closes its connection, so that new code answers the next."""
    say(**told)
    under = {"mod_wsgi.version": (4, 9, 4)}
    for path, environ in (
        ("/", {}),
        ("/", {"HTTP_ACCEPT": "image/png"}),
        ("/", {"REQUEST_METHOD": "POST"}),
        ("/.wsgireload/live", {}),
    ):
        answer = asked(answering([b"me"], ("Content-Type", "text/plain")), path, **under, **environ)
        assert answer.header("Connection") == ("close" if closes else None)
        assert asked(answering([PAGE]), path, **environ).header("Connection") is None
    off = call(middleware(answering([PAGE])), **BROWSER, **under)
    assert off.header("Connection") is None
