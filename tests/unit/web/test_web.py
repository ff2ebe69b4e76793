"""The page and its JSON: their content, and where they are."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from support.webpage import application, status
from support.wsgicall import BROWSER, Told, call

from wsgireload import Awaited, Held, Restarted, SettingsError
from wsgireload.web import middleware

NOW = 1_700_000_000.0
EVIL = "<img src=x onerror=alert(1)>'\"&"


def shown(answer: Told) -> str:
    """The text of a page, without tags, styles and scripts."""
    found: list[str] = []
    hidden: list[str] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag in ("style", "script"):
                hidden.append(tag)

        def handle_endtag(self, tag):
            if tag in hidden:
                hidden.remove(tag)

        def handle_data(self, data):
            if not hidden:
                found.append(data)

    Parser().feed(answer.text)
    return " ".join("".join(found).split())


def test_everything_else_is_the_applications(say) -> None:
    """Any other path goes to the application unchanged, and so does its response."""
    served = middleware(application)
    for path in ("/", "/wsgireload", "/.wsgireload/other", "/x/.wsgireload/", "/.wsgireload/live"):
        answer = call(served, path)
        assert (answer.status, answer.body) == ("200 OK", b"me")
        assert len(answer.headers) == 2


def test_the_page_tells_what_runs(say) -> None:
    """It shows the files, the process, its start, the reloads and the last reason."""
    say(generation=14, reloaded="views.py changed", since=NOW, parent=6, files=1234)
    text = shown(call(middleware(application), "/.wsgireload/", **{"mod_wsgi.version": (4, 9, 4)}))
    for told in ("Watching 1,234 files", "mod_wsgi 4.9.4", "daemon mode", "pid 7, parent 6"):
        assert told in text
    for told in ("a|/", "14", "views.py changed"):
        assert told in text


def test_the_page_tells_why_nothing_restarts(say) -> None:
    """Without an active monitor the page begins with that, and the reason."""
    say(active=False, reason="start() was called with enabled=False", server="none", files=0)
    text = shown(call(middleware(application), "/.wsgireload/"))
    assert "Inactive" in text
    assert "start() was called with enabled=False" in text


def test_without_a_monitor() -> None:
    """Without start() both show that it was not called."""
    served = middleware(application)
    assert "start() has not been called" in shown(call(served, "/.wsgireload/"))
    told = json.loads(call(served, "/.wsgireload/status.json").body)
    assert "has not been called" in told["reason"]
    assert told["paths"] == []


def test_the_page_shows_what_is_held(say) -> None:
    """File, line, column, the source line with a caret, and the error."""
    place = Held("/srv/site/views.py", 87, 9, "    x = = 1", "SyntaxError: invalid syntax")
    say(changed=("/srv/site/views.py",), holding="h", held=place)
    answer = call(middleware(application), "/.wsgireload/", SCRIPT_FILENAME="/srv/site/app.wsgi")
    assert "views.py:87:9" in shown(answer)
    assert "SyntaxError: invalid syntax" in shown(answer)
    number, code, caret = re.search(r"<i>(87 +)</i>(.*)\n(.*?)</code>", answer.text).groups()  # type: ignore[union-attr]
    caret = caret.replace("<b>", "").replace("</b>", "")
    assert code == "x = = 1"
    assert caret.index("^") - len(number) == 4


def test_a_file_that_is_held_for_another_reason(say) -> None:
    """A file that cannot be read, or is gone with its folder, is not called one with an error."""
    hold = "/srv/site is gone or empty, and nothing has replaced its code"
    for error, reason in (("cannot be read: Permission denied", ""), (None, hold)):
        say(holding=hold, held=Held("/srv/site/views.py", None, None, None, error))
        text = shown(call(middleware(application), "/.wsgireload/"))
        assert "does not compile" not in text
        assert "/srv/site/views.py" in text
        assert (error or reason) in text


def test_a_hold_without_a_place(say) -> None:
    """A hold without a place is shown in its own words."""
    say(changed=("gen.py",), holding="the budget of 3 restarts in 60 s is spent")
    assert "the budget of 3 restarts in 60 s is spent" in shown(
        call(middleware(application), "/.wsgireload/")
    )


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ({"restarting": True}, "Restarting"),
        ({"restarting": True, "waiting": (Awaited("thread 'mail_0'"),)}, "Waiting"),
        ({"changed": ("views.py",)}, "Changed"),
        ({"looks": 0}, "Starting"),
        ({}, "Watching"),
        ({"holding": "h"}, "Held"),
    ],
)
def test_the_title_says_the_state(say, told: dict[str, object], state: str) -> None:
    """The title and the top show the state in one word."""
    say(**told)
    answer = call(middleware(application), "/.wsgireload/")
    assert f"<title>{state} · wsgireload</title>" in answer.text
    assert f">{state}</p>" in answer.text


def test_the_page_shows_what_is_waited_for(say) -> None:
    """Each request is named, with the time for which it has run; what a client sent is escaped."""
    say(restarting=True, waiting=(Awaited("request GET /<b> in thread 7", NOW - 3),))
    answer = call(middleware(application), "/.wsgireload/")
    assert re.search(r"request GET /&lt;b&gt; in thread 7, which has run for \d+ s", answer.text)
    told = json.loads(call(middleware(application), "/.wsgireload/status.json").body)
    assert told["waiting"] == [{"what": "request GET /<b> in thread 7", "since": NOW - 3}]


def test_the_page_warns_of_another_reloader(say) -> None:
    """The warning is shown beside every state; without one there is nothing."""
    say()
    answer = call(middleware(application), "/.wsgireload/")
    assert "restarts this process as well" not in answer.text
    say(beside="the reloader <monitor> restarts this process as well")
    answer = call(middleware(application), "/.wsgireload/")
    assert "the reloader &lt;monitor&gt; restarts this process as well.</p>" in answer.text


def test_the_timeline(say) -> None:
    """Each reload has its time, its reason and, if known, its duration."""
    say(history=(Restarted(NOW, "b.py changed", 0.61), Restarted(NOW - 9, "a.py deleted", None)))
    answer = call(middleware(application), "/.wsgireload/")
    first, second = re.findall(r"<li><div><time>.*?</li>", answer.text)
    assert "b.py changed" in first
    assert "0.61 s" in first
    assert "a.py deleted" in second
    assert " s<" not in second


def test_everything_is_escaped(say) -> None:
    """Names, reasons, code and errors stay text, whatever they contain."""
    place = Held(EVIL, 1, 1, EVIL, EVIL)
    say(
        reason=EVIL,
        application=EVIL,
        changed=(EVIL,),
        holding=EVIL,
        held=place,
        generation=1,
        reloaded=EVIL,
        history=(Restarted(NOW, EVIL, 1.0),),
        list_paths=lambda: [EVIL, f"/{EVIL}/x", "/bad\udcff"],
    )
    for path in ("/.wsgireload/", "/.wsgireload/?token=<img>"):
        answer = call(
            middleware(application),
            path,
            **{"mod_wsgi.process_group": EVIL, "SCRIPT_NAME": f"/{EVIL}"},
        )
        assert "<img" not in answer.text
        assert "&lt;img" in answer.text
    say(active=False, reason=EVIL)
    assert "<img" not in call(middleware(application), "/.wsgireload/").text


def test_no_more_of_a_file_than_its_line(say, tmp_path: Path) -> None:
    """The files are listed, without their content."""
    (tmp_path / "settings.py").write_text("SECRET = 'xyzzy'\n")
    say(list_paths=lambda: [str(tmp_path / "settings.py")])
    for path in ("", "status.json"):
        answer = call(middleware(application), f"/.wsgireload/{path}")
        assert "settings.py" in answer.text
        assert "xyzzy" not in answer.text


@pytest.mark.parametrize(("before", "after"), [(5000, 5000), (3, 5000), (5000, 3)])
def test_a_long_line_is_cut_around_its_place(say, before: int, after: int) -> None:
    """Of a long line only the part around the place is shown."""
    text = "x" * before + "=" + "y" * after
    say(holding="h", held=Held("a.py", 1, before + 1, text, "SyntaxError"))
    answer = call(middleware(application), "/.wsgireload/")
    code, caret = re.search(r"</i>(.*)\n(.*?)</code>", answer.text).groups()  # type: ignore[union-attr]
    assert len(code) < 200
    assert (code[0] == "…", code[-1] == "…") == (before > 100, after > 100)
    indent = len("1  ")
    assert code[caret.replace("<b>", "").index("^") - indent] == "="


def test_many_files(say) -> None:
    """The page lists the first 2,000 files and the number of the others; JSON has all."""
    say(list_paths=lambda: [f"/srv/f{number:05}.py" for number in range(2345)])
    served = middleware(application)
    assert "and 345 more" in shown(call(served, "/.wsgireload/"))
    assert len(json.loads(call(served, "/.wsgireload/status.json").body)["paths"]) == 2345


def test_json(say) -> None:
    """status.json is Status.asdict() and the paths."""
    told = status(
        held=Held("a.py", 1, 2, "x", "e"), history=(Restarted(NOW, "r", 0.5),), changed=("a.py",)
    )
    say(held=told.held, history=told.history, changed=told.changed, list_paths=lambda: ["b", "a"])
    answer = call(middleware(application), "/.wsgireload/status.json")
    assert answer.header("Content-Type") == "application/json"
    assert json.loads(answer.body) == {**told.asdict(), "paths": ["a", "b"]}


@pytest.mark.parametrize("name", ["", "status.json", "live?v=x", "live.js"])
def test_headers_that_keep_it_in(say, name: str) -> None:
    """Nothing is stored, sniffed, framed or sent elsewhere; a page runs only its own script."""
    answer = call(middleware(application, live=True), f"/.wsgireload/{name}")
    assert answer.status == "200 OK"
    assert answer.header("Cache-Control") == "no-store"
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert answer.header("Referrer-Policy") == "no-referrer"
    assert answer.header("Content-Length") == str(len(answer.body))
    assert "default-src 'none'" in (answer.header("Content-Security-Policy") or "")


def test_a_strict_policy(say) -> None:
    """Only the style and the script of the page may run, and it contains no other address."""
    answer = call(middleware(application), "/.wsgireload/")
    policy = answer.header("Content-Security-Policy") or ""
    assert "unsafe" not in policy
    for kind, tag in (("script", "script"), ("style", "style")):
        [text] = re.findall(f"<{tag}>(.*?)</{tag}>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}';" in policy
    assert not re.search(r"(src|href)=\"(https?:)?//", answer.text)
    assert "style=" not in answer.text


def test_methods(say) -> None:
    """HEAD is GET without a body; other methods are rejected."""
    served = middleware(application)
    whole = call(served, "/.wsgireload/status.json")
    head = call(served, "/.wsgireload/status.json", REQUEST_METHOD="HEAD")
    assert (head.status, head.body) == ("200 OK", b"")
    assert head.header("Content-Length") == whole.header("Content-Length")
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert call(served, "/.wsgireload/", REQUEST_METHOD=method).status.startswith("405 ")


@pytest.mark.parametrize(
    ("setting", "got"),
    [
        ("path", "wsgireload/"),
        ("path", "/wsgireload"),
        ("path", "/"),
        ("path", None),
        ("path", "/\ud800/"),
        ("hosts", ""),
        ("hosts", [""]),
        ("hosts", "shop.test:8080"),
        ("hosts", "http://shop.test/"),
        ("hosts", "*.test"),
        ("hosts", [7]),
        ("hosts", 7),
        ("token", ""),
        ("token", "short"),
        ("token", b"bytes that are long"),
        ("live", "yes"),
        ("editor", "notepad"),
        ("editor", ""),
        ("editor", 7),
        ("editor", "javascript:alert({path},{line})"),
        ("editor", "JavaScript://{path}:{line}"),
        ("editor", "data:text/html,{path}{line}"),
        ("editor", "vscode://file{path}"),
        ("editor", "/relative{path}{line}"),
        ("editor", "x://{path}:{line} y"),
        ("reload_on", ""),
        ("reload_on", [""]),
        ("reload_on", "a\0b"),
        ("reload_on", 7),
        ("reload_on", [None]),
    ],
)
def test_what_makes_no_sense(setting: str, got: object) -> None:
    """An invalid argument is named; the token is not repeated."""
    with pytest.raises(SettingsError, match=setting) as caught:
        middleware(application, **{setting: got})
    assert setting != "token" or not got or str(got) not in str(caught.value)


def test_another_path(say) -> None:
    """The page is at the given path, below the mount point of the application."""
    served = middleware(application, "/dev/reload/")
    assert "wsgireload" in call(served, "/dev/reload/", SCRIPT_NAME="/shop").text
    assert call(served, "/.wsgireload/").body == b"me"


@pytest.mark.parametrize("path", ["/café/", "/ключ/", "/\udcff/", '/a b"<x>/', "/%41;?#/"])
def test_a_path_of_any_characters(say, path: str) -> None:
    """A path is compared with the bytes that the server gets, and pages poll below it."""
    sent = path.encode("utf-8", "surrogateescape")

    def pages(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/html")])
        return [b"<p>"]

    served = middleware(pages, path, live=True)
    environ = {**BROWSER, "PATH_INFO": sent.decode("latin-1")}
    assert "<h1>wsgireload</h1>" in call(served, **environ).text
    found = re.search(r'data-wsgireload="([^"]*)live\?v=', call(served, **BROWSER).text)
    assert found is not None
    assert unquote_to_bytes(found[1]) == sent
