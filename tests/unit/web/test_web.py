"""The page and its JSON: their content, and who may see them."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from support.wsgicall import BROWSER, Told, call

import wsgireload
from wsgireload import Awaited, Held, Restarted, SettingsError, Status
from wsgireload.web import access, middleware

NOW = 1_700_000_000.0
TOKEN = "correct-horse-battery"
EVIL = "<img src=x onerror=alert(1)>'\"&"


def application(environ, start_response):
    """The application: it answers every request in plain text."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"me"]


def status(**told: object) -> Status:
    """A status that is watching, with these fields changed."""
    usual = {"active": True, "reason": None, "server": "daemon", "pid": 7, "application": "a|/"}
    return Status(**{**usual, "files": 3, "looks": 2, **told})


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch):
    """Sets the status that wsgireload reports."""

    def say(**told: object) -> None:
        monkeypatch.setattr(wsgireload, "status", lambda: status(**told))

    say()
    return say


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


FAR = {"REMOTE_ADDR": "192.0.2.7"}
ELSEWHERE = [
    FAR,
    {"REMOTE_ADDR": "12.7.0.1"},
    {"REMOTE_ADDR": "::ffff:192.0.2.7"},
    {"REMOTE_ADDR": ""},
    {"REMOTE_ADDR": None},
    {**FAR, "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
    {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
    {"HTTP_FORWARDED": "for=127.0.0.1"},
    {"HTTP_X_REAL_IP": "127.0.0.1"},
    {"HTTP_VIA": "1.1 proxy"},
    {"SERVER_ADDR": "192.0.2.1"},
    {"SERVER_ADDR": None},
    {"SERVER_PROTOCOL": "HTTP/1.0"},
    {"SERVER_PROTOCOL": "HTTP/0.9"},
    {"REMOTE_ADDR": "127.0.0.1.evil.example"},
    {"REMOTE_ADDR": "127.0.0.1, 192.0.2.7"},
    *(
        {"HTTP_HOST": host}
        for host in (
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "evillocalhost",
            "evil.example:localhost",
            "localhost@evil.example",
            "localhost, evil.example",
            "[::1].evil.example",
            "[::2]",
            "0.0.0.0",
            "192.0.2.1",
            "",
            ":80",
            "127.0.0.1:80:80",
            None,
        )
    ),
    *(
        {f"HTTP_{name}": "x"}
        for name in (
            "X_FORWARDED",
            "X_FORWARDED_HOST",
            "X_FORWARDED_PROTO",
            "X_FORWARDED_SERVER",
            "X_FORWARDED_PORT",
            "X_FORWARDED_BY",
            "X_FORWARD_FOR",
            "FORWARDED_FOR",
            "X_ORIGINAL_FOR",
            "X_ORIGINAL_FORWARDED_FOR",
            "X_CLIENT_IP",
            "CLIENT_IP",
            "TRUE_CLIENT_IP",
            "FLY_CLIENT_IP",
            "FASTLY_CLIENT_IP",
            "X_CLUSTER_CLIENT_IP",
            "X_USER_IP",
            "CDN_SRC_IP",
            "REMOTE_ADDR",
            "X_REWRITE_URL",
            "X_BACKEND_HOST",
            "X_HOST_OVERRIDE",
            "X_QUEUE_START",
            "X_CACHE",
            "X_HAPROXY_SERVER_STATE",
            "X_NGROK_TRACE_ID",
            "TAILSCALE_USER_LOGIN",
            "MAX_FORWARDS",
            "WL_PROXY_CLIENT_IP",
            "PROXY_CLIENT_IP",
            "X_PROXYUSER_IP",
            "X_REMOTE_IP",
            "X_REMOTE_ADDR",
            "X_SUCURI_CLIENTIP",
            "CF_CONNECTING_IP",
            "CF_CONNECTING_IPV6",
            "CF_RAY",
            "CF_VISITOR",
            "CDN_LOOP",
            "X_CDN_IP",
            "FASTLY_FF",
            "X_AKAMAI_EDGESCAPE",
            "AKAMAI_ORIGIN_HOP",
            "FLY_REGION",
            "X_ENVOY_EXTERNAL_ADDRESS",
            "X_AZURE_CLIENTIP",
            "X_AZURE_REF",
            "X_AMZ_CF_ID",
            "X_AMZN_TRACE_ID",
            "X_VARNISH",
            "CLOUDFRONT_VIEWER_ADDRESS",
            "X_CLOUD_TRACE_CONTEXT",
            "X_APPENGINE_USER_IP",
            "X_ARR_SSL",
            "X_NF_CLIENT_CONNECTION_IP",
            "X_VERCEL_FORWARDED_FOR",
            "X_HOST",
            "X_SCHEME",
            "X_HTTPS",
            "X_SCRIPT_NAME",
            "FRONT_END_HTTPS",
            "PROXY_CONNECTION",
        )
    ),
]


@pytest.mark.parametrize("environ", ELSEWHERE, ids=str)
@pytest.mark.parametrize("name", ["", "status.json", "live", "live.js"])
def test_from_elsewhere_it_is_not_there(say, environ: dict[str, str], name: str) -> None:
    """Another machine gets the application's response, whatever headers it sends."""
    for served in (middleware(application, live=True), middleware(application, token=TOKEN)):
        answer = call(served, f"/.wsgireload/{name}", **environ)
        assert (answer.body, len(answer.headers)) == (b"me", 2)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_from_here_it_is(say, address: str) -> None:
    """This machine needs no token, whatever its address is called."""
    ends = {"REMOTE_ADDR": address, "SERVER_ADDR": address}
    for served in (middleware(application), middleware(application, token=TOKEN)):
        assert "wsgireload" in call(served, "/.wsgireload/", **ends).text


OUR_NAMES = ["localhost", "LOCALHOST:8080", "localhost.", "shop.localhost:80", "127.0.0.1:8080"]
OUR_NAMES += ["127.0.0.2", "[::1]", "[::1]:8080", "shop.test", "Shop.Test:8080", "shop.test."]
CLIENT_HEADERS = ["ACCEPT", "ORIGIN", "REFERER", "X_CLIENT_DATA", "X_REQUEST_ID", "AUTHORIZATION"]
CLIENT_HEADERS += ["X_CSRFTOKEN", "DEVICE_MEMORY", "SEC_FETCH_SITE", "X_FORM_ID", "DNT", "FLYING"]


@pytest.mark.parametrize("host", OUR_NAMES)
def test_the_names_of_this_machine(say, host: str) -> None:
    """Without the token the host has to be localhost, a loopback address or one of `hosts`."""
    served = middleware(application, hosts=["shop.test"])
    headers = {f"HTTP_{name}": "x" for name in CLIENT_HEADERS}
    answer = call(served, "/.wsgireload/", HTTP_HOST=host, **headers)
    assert "wsgireload" in answer.text
    alone = call(middleware(application), "/.wsgireload/", HTTP_HOST=host)
    assert ("wsgireload" in alone.text) == ("test" not in host.lower())
    one = middleware(application, hosts="shop.test")
    assert "wsgireload" in call(one, "/.wsgireload/", HTTP_HOST="shop.test").text


def test_with_the_token(say) -> None:
    """A client with the token sees it from anywhere, by the header or the query."""
    served = middleware(application, token=TOKEN)
    for path, more in (("", {"HTTP_X_WSGIRELOAD_TOKEN": TOKEN}), (f"?token={TOKEN}", {})):
        answer = call(served, f"/.wsgireload/{path}", **FAR, **more)
        assert "wsgireload" in answer.text
        assert TOKEN not in answer.text
        assert TOKEN not in str(answer.headers)


@pytest.mark.parametrize(
    "wrong", ["", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "%00", "%FF", "é" * 20]
)
def test_with_another_token(say, wrong: str) -> None:
    """A wrong token, or bytes that are no text, do not work."""
    served = middleware(application, token=TOKEN)
    latin = wrong.encode().decode("latin-1")
    for path, more in (
        (f"?token={latin}", {}),
        ("", {"HTTP_X_WSGIRELOAD_TOKEN": latin}),
        ("", {"HTTP_COOKIE": f"wsgireload={latin}"}),
    ):
        assert call(served, f"/.wsgireload/{path}", **FAR, **more).body == b"me"


def test_a_token_beyond_ascii(say) -> None:
    """A token may have any characters: they come as UTF-8."""
    served = middleware(application, token="ключ" * 4)
    sent = ("ключ" * 4).encode()
    header = {"HTTP_X_WSGIRELOAD_TOKEN": sent.decode("latin-1")}
    assert "wsgireload" in call(served, "/.wsgireload/", **FAR, **header).text
    query = "".join(f"%{byte:02X}" for byte in sent)
    assert "wsgireload" in call(served, f"/.wsgireload/?token={query}", **FAR).text


def test_a_browser_that_knew_the_token(say) -> None:
    """The browser gets a cookie without the token, for this site only, hidden from scripts."""
    served = middleware(application, token=TOKEN)
    given = call(served, f"/.wsgireload/?token={TOKEN}", SCRIPT_NAME="/shop", **FAR)
    cookie = given.header("Set-Cookie") or ""
    assert cookie.endswith("; Path=/shop; HttpOnly; SameSite=Strict")
    odd = {"SCRIPT_NAME": "/caf\xc3\xa9; Domain=evil.example", "wsgi.url_scheme": "https"}
    secure = call(served, f"/.wsgireload/?token={TOKEN}", **odd, **FAR).header("Set-Cookie") or ""
    path = "/caf%C3%A9%3B%20Domain=evil.example"
    assert secure.endswith(f"; Path={path}; HttpOnly; SameSite=Strict; Secure")
    held = f"other=1; {cookie.partition(';')[0]}"
    assert "wsgireload" in call(served, "/.wsgireload/", HTTP_COOKIE=held, **FAR).text
    other = middleware(application, token=TOKEN + "x")
    assert call(other, "/.wsgireload/", HTTP_COOKIE=held, **FAR).body == b"me"
    assert call(middleware(application), "/.wsgireload/", HTTP_COOKIE=held, **FAR).body == b"me"
    assert call(served, "/.wsgireload/").header("Set-Cookie") is None


def test_a_header_full_of_cookies(say) -> None:
    """The cookie is found among any others, in time that grows with the length of the header."""
    served = middleware(application, token=TOKEN)
    given = call(served, f"/.wsgireload/?token={TOKEN}", **FAR).header("Set-Cookie") or ""
    ours = given.partition(";")[0]
    for others in ("{", '"', "a=[b]; ", "\xff;;=; ", 'q="x; y', "wsgireload=; ", "wsgireload;"):
        cookies = f"{others * 20_000}; {ours}"
        assert "wsgireload" in call(served, "/.wsgireload/", HTTP_COOKIE=cookies, **FAR).text
        wrong = cookies[:-1]
        assert call(served, "/.wsgireload/", HTTP_COOKIE=wrong, **FAR).body == b"me"


def test_tokens_are_compared_in_constant_time(say, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison takes the same time, whichever byte is wrong."""
    assert access.compare_digest.__name__ in ("_compare_digest", "compare_digest")
    compared = []
    monkeypatch.setattr(access, "compare_digest", lambda a, b: compared.append((a, b)))
    call(middleware(application, token=TOKEN), "/.wsgireload/?token=x", **FAR)
    assert (b"x", TOKEN.encode()) in compared


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
