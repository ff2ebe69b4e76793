"""With a library that replaces threads by greenlets the site answers, and a save goes live."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.builds import needs
from support.testsite import Site, Sites

PATCH = {
    "gevent": "from gevent import monkey\nmonkey.patch_all()\n",
    "eventlet": "import eventlet\neventlet.monkey_patch()\n",
}
FLASK = """\
from flask import Flask

import words
import wsgireload.flask

application = Flask(__name__)
wsgireload.flask.init_app(application, interval=0.1)
reload_required = wsgireload.reload_required


@application.get("/")
def word():
    return words.WORD
"""


def patched(new_site: Sites, by: str, folder: Path) -> Site:
    """A site whose script begins as in the library's documentation."""
    site = new_site(group="%{GLOBAL}")
    site.served = replace(site.served, python_path=[*site.served.python_path, folder])
    site.edit("app.wsgi", "import wsgireload\n", f"{PATCH[by]}\nimport wsgireload\n")
    return site


@pytest.mark.parametrize("by", PATCH)
def test_start(new_site: Sites, frameworks: Callable[..., Path], by: str) -> None:
    """start() after the library has replaced all threads: requests are answered, by new code."""
    needs(by)
    site = patched(new_site, by, frameworks(by))
    # eventlet keeps a process from ending until its shutdown-timeout, also without wsgireload.
    site.noisy = by == "eventlet"
    site.start()
    site.wait_for_looks()
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")
    site.wait_for_line("reloaded: ")


def test_flask(new_site: Sites, frameworks: Callable[..., Path]) -> None:
    """The Flask extension starts after the application was imported, and after the library."""
    needs("gevent")
    site = patched(new_site, "gevent", frameworks("flask>=3,<4", "gevent"))
    site.write("app.wsgi", PATCH["gevent"] + FLASK)
    site.start()
    assert site.get() == "old"
    site.wait_for_line("watching: ")
    site.edit("words.py", "old", "new")
    site.wait_for(lambda: site.get() == "new", "the new code")


def test_events(new_site: Sites, frameworks: Callable[..., Path]) -> None:
    """A function for events is called beside the monitor, which goes on."""
    needs("gevent")
    site = patched(new_site, "gevent", frameworks("gevent"))
    site.edit("app.wsgi", "wsgireload.start(", "wsgireload.start(on_event=lambda each: None, ")
    site.start()
    site.wait_for_looks()
    for old, new in (("old", "new"), ("new", "newer")):
        site.edit("words.py", old, new)
        site.wait_for_value(new)
