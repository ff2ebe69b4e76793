"""The page and live answers, through a real winnt Apache."""

from __future__ import annotations

import json
import re

from support.windows.testsite import WindowsSite, WindowsSites

PAGE = """
from wsgireload.web import middleware

plain = application

def page(environ, start_response):
    if environ["PATH_INFO"] != "/page":
        return plain(environ, start_response)
    start_response("200 OK", [("Content-Type", "text/html")])
    return [f"<body>{words.WORD}</body>".encode()]

application = middleware(page, live=True)
"""


def test_the_page_and_a_live_page(new_site: WindowsSites) -> None:
    """It shows the process, the hold and the history; an open page learns of new code."""
    site: WindowsSite = new_site()
    script = site.app / "app.wsgi"
    script.write_text(script.read_text() + PAGE)
    site.start()
    site.wait_for_value("old")
    site.wait_for_looks()

    first = json.loads(site.get("/.wsgireload/status.json"))
    assert (first["server"], first["active"], first["generation"]) == ("windows", True, 0)
    assert "Watching" in site.get("/.wsgireload/")
    shown = site.get("/page", Accept="text/html")
    [question] = re.findall(r'data-wsgireload="([^"]*)"', shown)
    assert json.loads(site.get(question)) == {"reload": False, "files": False, "held": None}

    site.edit("words.py", '"old"', '= "x"')
    site.wait_for_line("holding: ")
    assert "words.py, line 1" in json.loads(site.get(question))["held"]
    assert "words.py</b>:1:8" in site.get("/.wsgireload/")

    site.edit("words.py", '= "x"', '"new"')
    site.wait_for_value("new")
    assert json.loads(site.get(question))["reload"] is True
    site.wait_for_line("reloaded: ")
    last = json.loads(site.get("/.wsgireload/status.json"))
    assert last["generation"] == 1
    assert last["history"][0]["reason"].endswith("words.py changed")
    assert last["history"][0]["took"] > 0
