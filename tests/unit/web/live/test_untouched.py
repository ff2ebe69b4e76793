"""Which responses stay as they are, for whom, and what no cache keeps."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from wsgiref.util import FileWrapper

import pytest
from support.livepage import HTML, PAGE, answering, asked, inserted, length
from support.wsgicall import BROWSER, HERE, call

from wsgireload.web import middleware


def gzipped() -> Iterable[bytes]:
    """A body that only looks like a page once it is unpacked."""
    return [b"\x1f\x8b\x08</body>"]


LEFT: dict[str, tuple[Callable[[], Iterable[bytes]], list[tuple[str, str]], str]] = {
    "a stream": (lambda: iter([b"<p>", PAGE]), [HTML], "200 OK"),
    "compressed": (gzipped, [HTML, ("Content-Encoding", "gzip")], "200 OK"),
    "a part": (lambda: [PAGE], [HTML, ("Content-Range", "bytes 0-9/99")], "206 Partial Content"),
    "no content": (list, [("X-Own", "1")], "204 No Content"),
    "not modified": (list, [("ETag", '"a"')], "304 Not Modified"),
    "a redirect": (lambda: [PAGE], [HTML, ("Location", "/x")], "302 Found"),
    "created": (lambda: [PAGE], [HTML], "201 Created"),
    "nothing in it": (list, [HTML, ("Content-Length", "0")], "200 OK"),
    "text": (lambda: [PAGE], [("Content-Type", "text/plain")], "200 OK"),
    "JSON": (lambda: [PAGE], [("Content-Type", "application/json")], "200 OK"),
    "XHTML": (lambda: [PAGE], [("Content-Type", "application/xhtml+xml")], "200 OK"),
    "an odd type": (lambda: [PAGE], [("Content-Type", "text/html-ish")], "200 OK"),
    "wide": (lambda: [PAGE], [("Content-Type", 'text/html; charset="UTF-16"')], "200 OK"),
    "wide by itself": (
        lambda: ["<p>x</p></body>".encode("utf-16")],
        [("Content-Type", "text/html")],
        "200 OK",
    ),
    "wide by its byte order mark": (
        lambda: ["\u65e5\u672c".encode("utf-16")],
        [("Content-Type", "text/html")],
        "200 OK",
    ),
    "wide by another name": (
        lambda: ["\u65e5\u672c".encode("utf-16-le")],
        [("Content-Type", "text/html; charset=UCS-2")],
        "200 OK",
    ),
    "bytes of ASCII that are Japanese": (
        lambda: ["\u5b9f<p>\u3042".encode("iso-2022-jp")],
        [("Content-Type", "text/html; charset=ISO-2022-JP")],
        "200 OK",
    ),
    "a download": (
        lambda: [PAGE],
        [HTML, ("Content-Disposition", 'Attachment; filename="a.html"')],
        "200 OK",
    ),
    "not to be changed": (lambda: [PAGE], [HTML, ("Cache-Control", "no-transform")], "200 OK"),
    "signed": (lambda: [PAGE], [HTML, ("Content-Digest", "sha-256=:x:")], "200 OK"),
    "two lengths": (lambda: iter([b"x"]), [HTML, length(b"x"), length(b"x")], "200 OK"),
    "a policy of its own": (
        lambda: [b'<meta http-equiv="Content-Security-Policy" content="x">' + PAGE],
        [HTML],
        "200 OK",
    ),
    "a policy that lets nothing run": (
        lambda: [PAGE],
        [HTML, ("Content-Security-Policy", "default-src 'none'")],
        "200 OK",
    ),
}


@pytest.mark.parametrize(("body", "headers", "code"), LEFT.values(), ids=LEFT)
def test_what_is_left_alone(body, headers, code: str) -> None:
    """Every byte and header is the same as without the middleware."""
    plain = call(answering(body(), *headers, code=code), **BROWSER)
    assert asked(answering(body(), *headers, code=code)) == plain


@pytest.mark.parametrize(
    "environ",
    [
        {"REQUEST_METHOD": "POST"},
        {"REQUEST_METHOD": "HEAD"},
        {"HTTP_ACCEPT": "*/*"},
        {"HTTP_ACCEPT": None},
        {"HTTP_SEC_FETCH_DEST": "empty"},
        {"HTTP_SEC_FETCH_DEST": "iframe"},
        {"HTTP_X_REQUESTED_WITH": "XMLHttpRequest"},
        {"HTTP_HX_REQUEST": "true"},
        {"HTTP_TURBO_FRAME": "a", "HTTP_SEC_FETCH_DEST": None},
        {"HTTP_X_TURBO_REQUEST_ID": "a", "HTTP_SEC_FETCH_DEST": None},
        {"HTTP_X_UP_VERSION": "3", "HTTP_SEC_FETCH_DEST": None},
        {"HTTP_X_PJAX": "true", "HTTP_SEC_FETCH_DEST": None},
        {"HTTP_SEC_FETCH_DEST": "empty", "HTTP_SEC_FETCH_MODE": "cors"},
        {"HTTP_SEC_FETCH_DEST": "empty", "HTTP_SEC_FETCH_MODE": "navigate", "HTTP_ACCEPT": None},
        {"REMOTE_ADDR": "192.0.2.7"},
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
    ],
    ids=str,
)
def test_who_is_left_alone(environ: dict[str, str | None]) -> None:
    """Only a browser on this machine that shows a page gets the script."""
    body = [] if environ.get("REQUEST_METHOD") == "HEAD" else [PAGE]
    headers = [HTML, length(PAGE), ("ETag", '"a"')]
    plain = call(answering(body, *headers), **{**BROWSER, **environ})
    assert asked(answering(body, *headers), **environ) == plain


def test_an_application_that_compresses() -> None:
    """It is asked for the page as it is, and for any other response as the browser asks."""
    seen: list[str] = []

    def application(environ, start_response):
        seen.append(environ["HTTP_ACCEPT_ENCODING"])
        start_response("200 OK", [HTML])
        return [PAGE]

    assert inserted(asked(application, HTTP_ACCEPT_ENCODING="gzip, br"))
    asked(application, HTTP_ACCEPT_ENCODING="gzip, br", HTTP_SEC_FETCH_DEST="empty")
    assert seen == ["identity", "gzip, br"]


@pytest.mark.parametrize("encoding", ["", "identity"])
def test_an_encoding_that_is_none(encoding: str) -> None:
    """An application may set one to keep a compressor away."""
    assert inserted(asked(answering([PAGE], HTML, ("Content-Encoding", encoding))))


def test_an_application_that_moves_on_its_environ() -> None:
    """A dispatcher sets SCRIPT_NAME for what it has mounted; our own path is not below that."""

    def application(environ, start_response):
        environ["SCRIPT_NAME"] += "/shop"
        environ["PATH_INFO"] = "/"
        start_response("200 OK", [HTML])
        return [PAGE]

    tag = inserted(asked(application, "/shop/", SCRIPT_NAME="/mounted"))
    assert b'data-wsgireload="/mounted/.wsgireload/live?v=' in tag


def test_a_page_through_a_service_worker() -> None:
    """Its request has no destination any more. Vary: * would be an exception in its cache."""
    environ = {"HTTP_SEC_FETCH_DEST": "empty", "HTTP_SEC_FETCH_MODE": "navigate"}
    answer = asked(answering([PAGE]), **environ)
    assert inserted(answer)
    headers = dict(answer.headers)
    assert {"cache-control": "private, no-store", "vary": "*"}.items() - headers.items() == {
        ("vary", "*")
    }


def test_without_live_nothing_is_touched() -> None:
    """Without live, no response changes."""
    answer = call(middleware(answering([PAGE])), **BROWSER)
    assert answer == call(answering([PAGE]), **BROWSER)


def test_a_browser_elsewhere_that_knew_the_token() -> None:
    """A phone that has opened the page with the token has live pages too."""
    served = middleware(answering([PAGE]), token="correct-horse-battery", live=True)
    far = {**BROWSER, "REMOTE_ADDR": "192.0.2.7"}
    opened = call(served, "/.wsgireload/?token=correct-horse-battery", **far)
    cookie = (opened.header("Set-Cookie") or "").partition(";")[0]
    assert inserted(call(served, HTTP_COOKIE=cookie, **far))
    assert not inserted(call(served, **far))


@pytest.mark.parametrize("whole", [tuple(b"text"), ("text",), (b"<p>", 5), ("x", "y")], ids=str)
def test_a_body_that_is_no_bytes(whole: tuple[object, ...]) -> None:
    """It is passed on as it is: the server reports the mistake."""
    for each in (whole, list(whole), iter(whole)):
        served = middleware(answering(each), live=True)
        environ = {"PATH_INFO": "/", "REQUEST_METHOD": "GET", **HERE, **BROWSER}
        assert tuple(served(environ, lambda *_: None)) == whole


@pytest.mark.parametrize("header", [("Content-Length", 4), (b"x", b"y"), ("Content-Type", None)])
def test_headers_that_are_no_text(header) -> None:
    """They are passed on as they are: the server reports the mistake."""

    def late(environ, start_response):
        yield from answering([PAGE], HTML, header)(environ, start_response)

    for application in (answering([PAGE], HTML, header), late):
        told: list[object] = []
        served = middleware(application, live=True)
        environ = {"PATH_INFO": "/", "REQUEST_METHOD": "GET", **HERE, **BROWSER}
        pieces = served(environ, lambda _status, headers, _, told=told: told.extend(headers))
        assert list(pieces) == [PAGE]
        assert told == [HTML, header]


def test_the_servers_file_wrapper_stays_the_servers() -> None:
    """A file that the server can send by itself is passed on as it was wrapped."""
    wrapped = FileWrapper(io.BytesIO(PAGE))
    served = middleware(answering(wrapped, HTML, length(PAGE)), live=True)
    environ = {"PATH_INFO": "/", "REQUEST_METHOD": "GET", **HERE, **BROWSER}
    environ["wsgi.file_wrapper"] = FileWrapper
    assert served(environ, lambda *_: None) is wrapped


def test_what_is_left_alone_is_the_applications_own_object() -> None:
    """The server may recognise a response by its type: it gets the same object."""
    pieces = [b"{}"]
    served = middleware(answering(pieces, ("Content-Type", "application/json")), live=True)
    environ = {"PATH_INFO": "/", "REQUEST_METHOD": "GET", **HERE, **BROWSER}
    assert served(environ, lambda *_: None) is pieces


UNCACHED = {
    "cache-control": "private, no-store",
    "pragma": "no-cache",
    "expires": "0",
    "surrogate-control": "no-store",
    "cdn-cache-control": "no-store",
    "vary": "*",
}


def test_no_browser_is_told_to_go_on_showing_its_copy() -> None:
    """A page with the script has no validators, and a browser's own are not passed on."""
    seen = {}

    def application(environ, start_response):
        seen.update(environ)
        start_response("200 OK", [HTML, ("ETag", 'W/"a"'), ("Last-Modified", "x"), ("X-Own", "1")])
        return [PAGE]

    answer = asked(application, HTTP_IF_NONE_MATCH='"a"', HTTP_IF_MODIFIED_SINCE="x")
    assert not {"HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE"} & seen.keys()
    names = {name for name, _ in answer.headers}
    assert names == {"content-type", "x-own", "content-length", *UNCACHED}
    asked(application, HTTP_ACCEPT="image/png", HTTP_IF_NONE_MATCH='"a"')
    assert seen["HTTP_IF_NONE_MATCH"] == '"a"'


@pytest.mark.parametrize("shape", [list, iter])
def test_no_cache_keeps_a_page_with_the_script(shape: Callable) -> None:
    """Of the headers that caches read, each forbids to keep it, and no other is left."""
    public = [
        ("Cache-Control", "public, max-age=600"),
        ("cache-control", "s-maxage=600"),
        ("Expires", "Thu, 01 Jan 2099 00:00:00 GMT"),
        ("Surrogate-Control", "max-age=600"),
        ("CDN-Cache-Control", "max-age=600"),
        ("X-Accel-Expires", "600"),
        ("Edge-Control", "cache-maxage=600"),
        ("Age", "1"),
        ("Pragma", "x"),
        ("Vary", "Cookie"),
        ("ETag", '"a"'),
    ]
    answer = asked(answering(shape([PAGE]), HTML, length(PAGE), *public))
    assert inserted(answer)
    headers = dict(answer.headers)
    assert len(headers) == len(answer.headers)
    del headers["content-type"], headers["content-length"]
    assert headers == UNCACHED
    plain = call(answering([PAGE], HTML, length(PAGE), *public), **BROWSER)
    assert asked(answering([PAGE], HTML, length(PAGE), *public), HTTP_VIA="1.1 x") == plain


def test_who_writes_by_hand_is_left_alone() -> None:
    """A response by the write function of start_response stays unchanged."""

    def application(environ, start_response):
        write = start_response("200 OK", [HTML])
        write(b"<body>")
        return [b"Hello</body>"]

    assert asked(application).body == b"<body>Hello</body>"
