"""The page, its JSON and the responses of the middleware, through a real Apache."""

from __future__ import annotations

import http.client
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from support.apacheserver import HOST
from support.pagesite import SCRIPT, page_site
from support.testsite import Site, Sites

BROWSER = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Dest": "document"}
START = "interval=0.1, settle=0.05"


@dataclass(frozen=True)
class Got:
    """One response."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


def get(site: Site, path: str = "/", method: str = "GET", **headers: str) -> Got:
    """Send a request as a browser does, with more headers (_ for -)."""
    connection = http.client.HTTPConnection(HOST, site.port, timeout=30)
    try:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers={**BROWSER, **more})
        answer = connection.getresponse()
        return Got(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def told(site: Site) -> dict[str, Any]:
    """The content of status.json."""
    answer = get(site, "/.wsgireload/status.json")
    assert answer.status == 200
    status: dict[str, Any] = json.loads(answer.body)
    return status


def seen(site: Site, name: str) -> dict[str, Any] | None:
    """status.json once it lists the file, and as many paths as it counts."""
    status = told(site)
    whole = len(status["paths"]) == status["files"]
    return status if whole and f"{site.app}/{name}" in status["paths"] else None


def started(site: Site) -> Site:
    """Start the site, and return once it watches."""
    site.start()
    get(site)
    site.wait_for_line("watching: ")
    return site


def save(site: Site, old: str, new: str, count: int) -> None:
    """Save the view with another text; return once process number `count` watches."""
    site.edit("views.py", f'"{old}"', f'"{new}"')
    site.wait_for(lambda: f">{new}<" in get(site).body.decode(), "the new text")
    site.wait_for_line("watching: ", count=count)


@pytest.mark.parametrize("group", [None, "%{GLOBAL}"])
def test_what_came_before(new_site: Sites, group: str | None) -> None:
    """Each process knows its generation, its reason, its start and its duration."""
    site = started(page_site(new_site, group=group))
    first = site.wait_for(lambda: seen(site, "views.py"), "a look at views.py")
    assert (first["generation"], first["reloaded"], first["history"]) == (0, None, [])
    assert (first["active"], first["server"], first["parent"]) == (True, "daemon", site.pid)
    save(site, "old", "new", count=2)
    save(site, "new", "newer", count=3)
    last = told(site)
    assert last["generation"] == 2
    assert last["since"] > first["since"]
    assert last["reloaded"] == f"{site.app}/views.py changed"
    assert len(last["history"]) == 2
    newest, oldest = last["history"]
    assert newest["at"] > oldest["at"] > first["since"]
    for each in (newest, oldest):
        assert each["reason"] == f"{site.app}/views.py changed"
        assert 0 < each["took"] < 15
    page = get(site, "/.wsgireload/").body.decode()
    assert page.count("views.py changed") >= 3
    assert f"mod_wsgi {site.versions()['mod_wsgi']}" in page


def test_two_interpreters(new_site: Sites) -> None:
    """Two applications of one process count the same restarts."""
    site = page_site(new_site)
    site.served = replace(site.served, scripts={"/": SCRIPT, "/b": "b.wsgi"})
    (site.app / "b.wsgi").write_text((site.app / SCRIPT).read_text())
    started(site)
    get(site, "/b")
    site.wait_for_line("watching: ", count=2)
    site.edit("views.py", '"old"', '"new"')
    for at in ("/", "/b"):
        site.wait_for(lambda at=at: b">new<" in get(site, at).body, "the new text")
    site.wait_for_line("watching: ", count=4)
    for at in ("", "/b"):
        status = json.loads(get(site, f"{at}/.wsgireload/status.json").body)
        assert status["generation"] == 1
        assert [each["took"] is not None for each in status["history"]] == [True] or at == "/b"
    assert b'data-wsgireload="/b/.wsgireload/live?v=' in get(site, "/b").body


def test_what_is_held(new_site: Sites) -> None:
    """The place of a syntax error is shown, and nothing else of the file."""
    site = started(page_site(new_site))
    site.edit("views.py", 'TEXT = "old"', 'TEXT = = "x"')
    site.wait_for_line("holding: ")
    assert told(site)["held"] == {
        "path": f"{site.app}/views.py",
        "line": 7,
        "column": 8,
        "text": 'TEXT = = "x"',
        "error": "SyntaxError: invalid syntax",
    }
    page = get(site, "/.wsgireload/").body.decode()
    assert "TEXT = = &quot;x&quot;" in page
    assert "gzip.compress" not in page


@pytest.mark.parametrize("embedded", [False, True])
def test_why_nothing_restarts(new_site: Sites, embedded: bool) -> None:
    """Without an active monitor the page says why: switched off, or embedded mode."""
    site = page_site(new_site, **({"daemon": None} if embedded else {}))
    if not embedded:
        site.edit(SCRIPT, START, "enabled=False")
    site.start()
    page = get(site, "/.wsgireload/").body.decode()
    assert "Inactive" in page
    assert ("embedded mode" if embedded else "enabled=False") in page
    assert b"data-wsgireload" in get(site).body


def test_a_page_gets_the_script_and_keeps_the_rest(new_site: Sites) -> None:
    """Its length is right, it has no validators, and without the tag it is the same."""
    site = started(page_site(new_site))
    plain = get(site, Accept="*/*")
    page = get(site, If_None_Match='"of the page"')
    assert page.status == 200
    tag = re.search(rb"<script data-wsgireload.*?</script>", page.body, re.DOTALL)
    assert tag is not None
    assert page.body.replace(tag[0], b"") == plain.body
    assert page.headers["Content-Length"] == str(len(page.body))
    assert (page.headers["ETag"], plain.headers["ETag"]) == (None, '"of the page"')
    assert page.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("path", ["/gzip", "/stream", "/file", "/style.css"])
def test_what_is_left_alone(new_site: Sites, path: str) -> None:
    """Compressed, streamed, static and other responses come through Apache byte for byte."""
    site = started(page_site(new_site))
    with_live = get(site, path)
    site.stop()
    site.edit(SCRIPT, "live=True", "live=False")
    started(site)
    without = get(site, path)
    assert with_live.body == without.body
    names = {"Date", "Content-Length", "ETag", "Content-Encoding", "Content-Type", "Server"}
    assert names >= {*with_live.headers} - {"Cache-Control", "Transfer-Encoding"}
    for name in names - {"Date"}:
        assert with_live.headers[name] == without.headers[name]


def test_from_elsewhere(new_site: Sites) -> None:
    """A forwarded request is not local; only the right token opens the page."""
    site = started(page_site(new_site))
    passed_on = {"X_Forwarded_For": "127.0.0.1"}
    assert b"First" in get(site, "/.wsgireload/", **passed_on).body
    assert b"data-wsgireload" not in get(site, **passed_on).body
    for header in ({"Host": "evil.example"}, {"True_Client_IP": "::1"}, {"CF_Ray": "x"}):
        assert b"First" in get(site, "/.wsgireload/", **header).body
        assert b"data-wsgireload" not in get(site, **header).body
    assert b"First" in get(site, "/.wsgireload/?token=correct-horse-batterz", **passed_on).body
    opened = get(site, "/.wsgireload/?token=correct-horse-battery", **passed_on)
    assert b"<h1>wsgireload</h1>" in opened.body
    header = {"X_Wsgireload_Token": "correct-horse-battery"}
    assert b"<h1>wsgireload</h1>" in get(site, "/.wsgireload/", **header, **passed_on).body
    cookie = opened.headers["Set-Cookie"].partition(";")[0]
    assert b"data-wsgireload" in get(site, Cookie=cookie, **passed_on).body


def test_a_connection_ends_when_a_restart_is_coming(new_site: Sites) -> None:
    """Apache closes the connection after responses of old code before a restart."""
    site = page_site(new_site)
    site.edit(SCRIPT, START, "interval=0.1, settle=2, watch='poll'")
    started(site)
    assert get(site).headers["Connection"] is None
    site.edit("views.py", '"old"', '"new"')
    site.wait_for_line("changed: ")
    for path, headers in (("/", {}), ("/style.css", {}), ("/.wsgireload/status.json", {})):
        answer = get(site, path, **headers)
        assert answer.headers["Connection"] == "close", path
    site.wait_for(lambda: b">new<" in get(site).body, "the new text")
    assert get(site).headers["Connection"] is None


def test_the_question_itself_brings_the_new_code(new_site: Sites) -> None:
    """With next-request a poll is the request that new code answers."""
    site = page_site(new_site)
    site.edit(
        SCRIPT,
        f"wsgireload.start({START})",
        f"wsgireload.start({START}, when='next-request')\n"
        "reload_required = wsgireload.reload_required",
    )
    started(site)
    found = re.search(rb'data-wsgireload="([^"]*)"', get(site).body)
    assert found is not None
    question = found[1].decode()
    assert json.loads(get(site, question).body)["reload"] is False
    site.edit("views.py", '"old"', '"new"')
    site.wait_for_line("restarting: ")
    assert site.started() == 1
    assert json.loads(get(site, question).body) == {"reload": True, "files": False, "held": None}
    assert site.started() == 2


def test_what_the_documentation_says_of_the_access_log(new_site: Sites) -> None:
    """With the lines of docs/web.md Apache does not log polls."""
    text = (Path(__file__).parents[2] / "docs" / "web.md").read_text("utf-8")
    [lines] = re.findall(r"^```apache\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    site = page_site(new_site)
    load = "".join(
        f'LoadModule {name}_module "{site.apache.modules}/mod_{name}.so"\n'
        for name in ("log_config", "setenvif")
        if (site.apache.modules / f"mod_{name}.so").exists()
    )
    site.served = replace(site.served, directives=f'{load}LogFormat "%r" combined\n{lines}')
    site.folder("logs")
    started(site)
    get(site, "/.wsgireload/live?v=x")
    get(site, "/last")
    log = site.root / "logs" / "access.log"
    site.wait_for(lambda: "GET /last " in log.read_text(), "a line in the access log")
    assert "live" not in log.read_text()
    assert "GET / " in log.read_text()
