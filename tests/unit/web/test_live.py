"""Pages that reload themselves: which get the script, what it polls, what stays unchanged."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from wsgiref.util import FileWrapper

import pytest
from support.wsgicall import BROWSER, HERE, Told, call

import wsgireload
from wsgireload import Held, Status
from wsgireload.web import files as module
from wsgireload.web import middleware
from wsgireload.web.assets import LIVE_SCRIPT
from wsgireload.web.csp import script_form
from wsgireload.web.files import Files
from wsgireload.web.live import difference
from wsgireload.web.markup import end_of, policies_of

HTML = ("Content-Type", "text/html; charset=utf-8")
PAGE = b"<html><body><p>Hello</p></body></html>"


def status(**told: object) -> Status:
    """A status of the third generation below parent 6."""
    usual = {"active": True, "reason": None, "server": "daemon", "pid": 7, "application": "a"}
    return Status(**{**usual, "looks": 2, "parent": 6, "generation": 3, **told})


@pytest.fixture(autouse=True)
def say(monkeypatch: pytest.MonkeyPatch):
    """Sets the status that wsgireload reports."""

    def say(**told: object) -> None:
        monkeypatch.setattr(wsgireload, "status", lambda: status(**told))

    say()
    return say


def answering(body: Iterable[bytes], *headers: tuple[str, str], code: str = "200 OK"):
    """An application with this response; a page unless the headers differ."""

    def application(environ, start_response):
        start_response(code, list(headers or [HTML]))
        return body

    return application


def asked(application, path: str = "/", **environ) -> Told:
    """The response to a browser that requests a page, through the middleware."""
    return call(middleware(application, live=True), path, **{**BROWSER, **environ})


def inserted(answer: Told) -> bytes:
    """The inserted tag; b"" without one."""
    found = re.findall(rb"<script[^>]*data-wsgireload=.*?</script>", answer.body, re.DOTALL)
    assert len(found) < 2
    return found[0] if found else b""


def length(body: bytes) -> tuple[str, str]:
    """The Content-Length header."""
    return ("Content-Length", str(len(body)))


def test_the_script_is_small() -> None:
    """Each page grows by less than 6.5 kB: the script without comments, and a short tag."""
    assert len(LIVE_SCRIPT.encode()) < 6500
    assert len(inserted(asked(answering([PAGE])))) < len(LIVE_SCRIPT) + 100
    assert "//" not in LIVE_SCRIPT
    assert "</" not in LIVE_SCRIPT
    assert "http" not in LIVE_SCRIPT


def test_a_page_gets_the_script_before_its_end() -> None:
    """Before the last </body>, with the right length; no other byte changes."""
    answer = asked(answering([PAGE], HTML, length(PAGE)))
    tag = inserted(answer)
    assert answer.body == PAGE.replace(b"</body>", tag + b"</body>")
    assert answer.header("Content-Length") == str(len(answer.body))
    assert b'data-wsgireload="/.wsgireload/live?v=6.3.' in tag


PIECES: dict[str, list[bytes]] = {
    "no end": [b"<p>Hello"],
    "capitals": [b"<BODY>Hello</BODY>"],
    "an end in a string": [b"<body><script>x = '</body>'</script></body>"],
    "pieces": [b"<body>", b"", b"Hello", b"</body>", b"</html>"],
    "the end in two": [b"<body>Hello</bo", b"dy></html>"],
}


@pytest.mark.parametrize("pieces", PIECES.values(), ids=PIECES)
@pytest.mark.parametrize("shape", [list, tuple, iter])
def test_pages_of_a_known_length(pieces: list[bytes], shape: Callable) -> None:
    """With a known length the last piece gets the script, in every kind of iterable."""
    whole = b"".join(pieces)
    answer = asked(answering(shape(pieces), HTML, length(whole)))
    tag = inserted(answer)
    assert tag
    assert answer.body.replace(tag, b"") == whole
    assert answer.header("Content-Length") == str(len(whole) + len(tag))
    last = pieces[-1].lower().rfind(b"</body")
    if last >= 0:
        assert answer.body.endswith(tag + pieces[-1][last:])


PLACES = {  # | is where the tag goes; without one it has no place
    "a string before": "<body>x<script>var s = '<body></body>';</script>|</body></html>",
    "a string after": "<body>x|</body><script>var s = '</body>';</script></html>",
    "a string alone": "<p>x<script>var s = '</body>';</script>|",
    "a comment in a script": "<script><!--<script></script></body>-->'</body>'</script>|</body>",
    "a comment in a script, open": "<script><!--<script></script></body></script>|</body>",
    "a script that looks closed": "<script>'</scripting></body>'</script >|</BODY >",
    "an empty comment in a script": "<script><!--> '<script></body>' </script>|</body>",
    "an attribute": "<my-x data=\"<body></body>\" a='</body>'>|</body>",
    "an attribute with spaces": '<p a = "</body>" b>|</body>',
    "an attribute without quotes": '<p a=x"y>|</body>"></p>',
    "an equals sign in a name": "<p ='>|</body>'",
    "a quote in a name": "<p it's>|</body>'",
    "an attribute of an end tag": '<p></p x="</body>">|</body>',
    "a comment before": "<body><!-- </body> -->x|</body></html>",
    "a comment after": "<body>x|</body></html>\n<!-- </body> -->",
    "an empty comment": "<!--> |</body>-->",
    "a short comment": "<!---> |</body>-->",
    "a comment with an odd end": "<!-- </body> --!> |</body>",
    "a comment with dashes": "<!-- -- > </body> --->|</body>",
    "a comment not closed": "<body>x|</body></html><!-- </body> ",
    "only a comment not closed": "<body>x<!-- </body> ",
    "an odd comment": "<? </body> </! </body></3 </body>|</body>",
    "a declaration": "<!doctype html '</body>'>|</body>",
    "CDATA": "<svg><![CDATA[ </body> ]]></svg>|</body>",
    "no CDATA": "<![CDATA[ <style> ]]> </body> </style>|</body>",
    "CDATA not closed": "<p><math><![CDATA[ </math></body>",
    "a formula not closed": "<math></body>",
    "a text area": "<textarea></body></textarea>|</body>",
    "a text area alone": "<textarea></body></textarea>|",
    "a text area not closed": "<p><textarea></body></html>",
    "a title": "<title></body></title>|</body>",
    "a style": "<style>a { content: '</body>' }</style>|</body>",
    "a frame": "<iframe></body></iframe><noframes></body></noframes>|</body>",
    "no script": "<noscript></body></noscript>|</body>",
    "an example": "<xmp></body></xmp>|</body>",
    "plain text": "|</body><plaintext></body>",
    "a template": "<template><body></body></template>|</body>",
    "templates": "<template><template></template></body></template>|</body></template>",
    "a template alone": "<template></body></template>|",
    "a template not closed": "<p><template></body>",
    "an image": "<svg><style/><script href='x'/><title>t</title></svg>|</body>",
    "an image that looks closed": "<svg/><style/></body></style>|</body>",
    "two ends": "</body>x|</body>",
    "another name": "|</body></bodyguard></body-x>",
    "text": "1 < 2 <3 </ <> </>|</body>",
    "a tag not closed": "<p>|</body><p title='</body>'",
    "only a tag not closed": "<p title='</body>",
    "capitals": "<SCRIPT>'</BODY>'</SCRIPT><TextArea></body></TEXTAREA>|</Body>",
}


@pytest.mark.parametrize("page", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("shape", [list, iter])
def test_the_place_of_the_script(page: str, shape: Callable) -> None:
    """Before the last </body> that is one for a browser, or at the end if that is not in a text."""
    parts = [part.encode() for part in page.split("|")]
    whole = b"".join(parts)
    cut = [whole] if shape is iter else [whole[:9], whole[9:]]
    answer = asked(answering(shape(cut), HTML, length(whole)))
    assert answer.header("Content-Length") == str(len(answer.body))
    assert answer.body == inserted(answer).join(parts)
    assert bool(inserted(answer)) == (len(parts) == 2)


@pytest.mark.parametrize("page", PLACES.values(), ids=PLACES)
def test_the_place_in_a_page_that_was_passed_on(page: str) -> None:
    """Where the page comes byte by byte, the script is at its end, or blanks are."""
    parts = page.split("|")
    whole = "".join(parts).encode()
    letters = (whole[at : at + 1] for at in range(len(whole)))
    answer = asked(answering(letters, HTML, length(whole)))
    tag = inserted(answer) or b" " * (len(answer.body) - len(whole))
    assert answer.body == whole + tag
    assert answer.header("Content-Length") == str(len(answer.body))
    assert tag.isspace() or len(parts) == 2


def test_a_page_too_large_to_be_searched() -> None:
    """A page of more than 4 MiB stays unchanged, however it comes."""
    whole = b"<p>" + b"x" * (4 << 20) + b"</body>"
    plain = call(answering([whole], HTML, length(whole)), **BROWSER)
    for body in ([whole], iter([whole]), iter([whole[:9], whole[9:]])):
        assert asked(answering(body, HTML, length(whole))) == plain


def test_a_stream_whose_first_piece_only_looks_whole() -> None:
    """The end of the page in a string or a comment is none: the stream stays unchanged."""
    pieces = [b"<script>'</body>'</script><!-- </body> -->", b"<p>more"]
    assert not inserted(asked(answering(iter(pieces))))


@pytest.mark.parametrize(
    "part", [b"<", b"</", b"<a ", b"<a b=", b"<!--", b"<script><!--", b"<a b='"]
)
def test_a_page_of_broken_markup(part: bytes) -> None:
    """Any page takes a time that grows with its length, and not with the square of that."""
    assert end_of(part * 100_000)[0] == -1
    assert policies_of(part * 100_000) == []


@pytest.mark.parametrize("part", [b"x", b"x ", b"=", b"a=b ", b"a='b' ", b"/", b"<meta>"])
def test_a_page_of_broken_policies(part: bytes) -> None:
    """So does a page that seems to have a policy."""
    assert policies_of(b"<meta " + part * 100_000 + b">") == []


def test_pieces_are_not_held_back() -> None:
    """Each piece is sent before the next is requested."""
    order: list[str] = []

    def pieces():
        for number in range(3):
            order.append(f"made {number}")
            yield b"<p>%d" % number

    served = middleware(answering(pieces(), HTML, ("Content-Length", "12")), live=True)
    environ = {"PATH_INFO": "/", "REQUEST_METHOD": "GET", **HERE, **BROWSER}
    order.extend(f"sent {piece[3:4].decode()}" for piece in served(environ, lambda *_: None))
    assert order == ["made 0", "sent 0", "made 1", "sent 1", "made 2", "sent 2"]


@pytest.mark.parametrize("shape", [list, tuple])
def test_a_list_is_a_whole(shape: Callable) -> None:
    """A list needs no Content-Length, and gets one."""
    answer = asked(answering(shape([b"<p>", b"Hello"])))
    assert answer.body == b"<p>Hello" + inserted(answer)
    assert answer.header("Content-Length") == str(len(answer.body))


def test_a_stream_that_begins_with_the_whole_page() -> None:
    """Without a length the first piece gets the script if it contains the end of the page."""
    answer = asked(answering(iter([PAGE, b"<!-- more -->"])))
    assert answer.body == PAGE.replace(b"</body>", inserted(answer) + b"</body>") + b"<!-- more -->"
    assert answer.header("Content-Length") is None


def test_pages_of_errors_reload_themselves_too() -> None:
    """The error page of a view reloads once the view is fixed."""
    for code in ("404 Not Found", "500 Internal Server Error"):
        assert inserted(asked(answering([PAGE], code=code)))


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


def test_a_generator_that_begins_late() -> None:
    """An application may send its headers with its first piece."""

    def application(environ, start_response):
        start_response("200 OK", [HTML, length(PAGE)])
        yield PAGE

    assert inserted(asked(application))


def test_an_error_before_anything_was_sent() -> None:
    """The error page replaces the first response, and gets the script as any page."""

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        try:
            raise KeyError("x")
        except KeyError as error:
            start_response("500 Oops", [HTML], (KeyError, error, error.__traceback__))
        return [PAGE]

    answer = asked(application)
    assert answer.status == "500 Oops"
    assert inserted(answer)


def test_an_error_after_something_was_sent() -> None:
    """The server decides: here it raises."""

    def application(environ, start_response):
        start_response("200 OK", [HTML, ("Content-Length", "99")])
        yield b"<body>"
        error = KeyError("too late")
        start_response("500 Oops", [HTML], (KeyError, error, None))
        yield b"never"

    with pytest.raises(KeyError, match="too late"):
        asked(application)


def test_an_error_that_the_server_could_still_tell() -> None:
    """A page that replaces one that was begun stays unchanged."""

    def application(environ, start_response):
        start_response("200 OK", [HTML, length(PAGE)])
        yield b""
        error = KeyError("in time")
        start_response("500 Oops", [HTML, length(PAGE)], (KeyError, error, None))
        yield PAGE

    answer = asked(application)
    assert (answer.status, answer.body) == ("500 Oops", PAGE)


def test_the_end_of_the_answer_is_passed_on() -> None:
    """close() of the application's object is called once, read or not."""

    class Body:
        closed = 0

        def __iter__(self):
            yield PAGE

        def close(self):
            self.closed += 1

    read, unread = Body(), Body()
    asked(answering(read, HTML, length(PAGE)))
    served = middleware(answering(unread, HTML, length(PAGE)), live=True)
    environ = {"PATH_INFO": "/", "REQUEST_METHOD": "GET", **HERE, **BROWSER}
    served(environ, lambda *_: None).close()  # type: ignore[attr-defined]  # a server would, too
    assert (read.closed, unread.closed) == (1, 1)


POLICIES = {
    "": "inline",
    "img-src 'self'": "inline",
    "script-src 'unsafe-inline'": "inline",
    "default-src 'self'": "own",
    "default-src 'SELF'; script-src *": "own",
    "script-src 'self' 'unsafe-inline'": "inline",
    "script-src 'self' 'unsafe-inline' 'sha256-x'": "own",
    "script-src 'nonce-Ab1'": "'nonce-Ab1'",
    "Script-Src 'self' 'nonce-Ab1' 'unsafe-inline'": "'nonce-Ab1'",
    "script-src 'strict-dynamic' 'nonce-Ab1'": "'nonce-Ab1'",
    "script-src 'strict-dynamic' 'self'": None,
    "default-src 'none'; script-src 'self'": None,
    "default-src 'none'; script-src 'self'; connect-src 'self'": "own",
    "connect-src https://api.example; script-src 'self'": None,
    "script-src 'none'": None,
    "script-src https://cdn.example": None,
    "script-src 'none'; script-src-elem 'self'": "own",
    "script-src 'self'; script-src 'none'": "own",
    "sandbox allow-scripts": None,
    "script-src 'self', script-src 'nonce-Ab1' 'self'": "own",
    "script-src 'nonce-Ab1', script-src 'self'": None,
    "img-src *, script-src 'self'": "own",
    "x; script-src 'self'": None,  # nobody knows what it allows
}


@pytest.mark.parametrize(("policy", "expected"), POLICIES.items(), ids=str)
def test_policies(policy: str, expected: str | None) -> None:
    """The form of the script that a policy allows; it must allow requests to this site, too."""
    assert script_form([policy]) == expected


NAMED = {
    "default-src http:": "own",
    "default-src http: 'unsafe-inline'": "inline",
    "default-src https:": None,
    "default-src localhost:*": "own",
    "default-src localhost:8000": "own",
    "default-src LOCALHOST:8000 'unsafe-inline'": "inline",
    "default-src http://localhost:8000/": "own",
    "default-src http://localhost:8000/static/": None,
    "default-src http://localhost": None,
    "default-src https://localhost:8000": None,
    "default-src http://localhost.example:8000": None,
    "script-src 'self'; connect-src ws://localhost:* http://*:8000": "own",
    "script-src 'nonce-x' 'strict-dynamic'; connect-src http://localhost:*": "'nonce-x'",
    "script-src localhost:* 'strict-dynamic'": None,
}


@pytest.mark.parametrize(("policy", "expected"), NAMED.items(), ids=str)
def test_a_policy_that_names_this_site(policy: str, expected: str | None) -> None:
    """A policy may allow this site by its scheme or its name."""
    site = asked(
        answering([PAGE], HTML, ("Content-Security-Policy", policy)), HTTP_HOST="localhost:8000"
    )
    assert script_form([policy], "http://localhost:8000") == expected
    assert bool(inserted(site)) == (expected is not None)


def test_the_usual_port_may_be_left_out() -> None:
    """An origin without a port has that of its scheme."""
    for site, source in (("http://a.test", "a.test:80"), ("https://a.test:443", "*.test")):
        assert script_form([f"script-src {source}; connect-src *"], site) == "own"


METAS = {
    '<meta http-equiv="Content-Security-Policy" content="default-src \'self\'">': "own",
    "<META content='script-src &#39;nonce-Ab1&#39;' http-equiv=content-security-policy />": "nonce",
    "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\">": "",
    "<meta http-equiv='Content-Security-Policy' content=\"script-src 'none'\"><title></title>": "",
    "<title><meta http-equiv='Content-Security-Policy' content='script-src x'></title>": "inline",
    "<!-- <meta http-equiv='Content-Security-Policy' content='script-src x'> -->": "inline",
    "</head><body>About Content-Security-Policy": "inline",
    "<meta http-equiv=Content-Security-Policy content=upgrade-insecure-requests>": "inline",
}
FORMS = {
    "own": b"<script async src=",
    "nonce": b'<script nonce="Ab1" ',
    "inline": b"<script data",
    "": b"",
}


@pytest.mark.parametrize(("head", "form"), METAS.items(), ids=str)
@pytest.mark.parametrize("shape", [list, iter])
def test_a_policy_in_the_page(head: str, form: str, shape: Callable) -> None:
    """A policy in a <meta> element counts as one in a header; a text about policies does not."""
    page = b"<html><head>" + head.encode() + PAGE
    tag = inserted(asked(answering(shape([page]), HTML, length(page))))
    assert tag.startswith(FORMS[form])
    assert bool(tag) == bool(form)


def test_a_policy_that_comes_late() -> None:
    """In a page that was passed on by then, blanks are at the place of the script."""
    page = b"<html><head><meta http-equiv=Content-Security-Policy content=\"script-src 'self'\">"
    pieces = [page[:30], page[30:], PAGE]
    whole = b"".join(pieces)
    answer = asked(answering(iter(pieces), HTML, length(whole)))
    assert answer.body.replace(b" " * (len(answer.body) - len(whole)), b"", 1) == whole
    assert answer.header("Content-Length") == str(len(answer.body))


def test_a_policy_in_the_page_and_one_in_a_header() -> None:
    """Both count."""
    page = b"<meta http-equiv=Content-Security-Policy content=\"script-src 'nonce-a'\">" + PAGE
    header = ("Content-Security-Policy", "script-src 'self'")
    assert not inserted(asked(answering([page], HTML, header)))


def test_several_policies_all_count() -> None:
    """All policies of a page count."""
    assert script_form([]) == "inline"
    assert script_form(["script-src 'self'", "script-src 'none'"]) is None


@pytest.mark.parametrize(
    "name",
    ["Content-Security-Policy", "content-security-policy", "Content-Security-Policy-Report-Only"],
)
def test_the_tag_pleases_the_policy(name: str) -> None:
    """With a nonce the script has it; with 'self' it is a file of the middleware."""
    nonce = asked(answering([PAGE], HTML, (name, "script-src 'nonce-Ab1'")))
    assert inserted(nonce).startswith(b'<script nonce="Ab1" data-wsgireload=')
    own = asked(answering([PAGE], HTML, (name, "script-src 'self'")), SCRIPT_NAME="/shop")
    tag = inserted(own)
    assert b' src="/shop/.wsgireload/live.js" data-wsgireload="/shop/.wsgireload/live?v=' in tag
    assert tag.endswith(b"></script>")
    served = middleware(answering([]), live=True)
    assert call(served, "/.wsgireload/live.js").text == LIVE_SCRIPT


def test_the_address_is_escaped() -> None:
    """The URL is valid wherever the application is mounted."""
    tag = inserted(asked(answering([PAGE]), SCRIPT_NAME='/a"><b>\xc3\xa4'))
    assert b'data-wsgireload="/a%22%3E%3Cb%3E%C3%A4/.wsgireload/live?v=' in tag


def news(page: Told, **environ) -> dict[str, object]:
    """The answer to a poll of that page."""
    path = re.search(rb'data-wsgireload="([^"]*)"', inserted(page))[1].decode()  # type: ignore[index]
    return json.loads(call(middleware(answering([]), live=True), path, **environ).body)


def test_a_page_asks_what_is_new(say) -> None:
    """A page of the same generation stays; one of an earlier generation reloads."""
    page = asked(answering([PAGE]))
    assert news(page) == {"reload": False, "files": False, "held": None}
    say(generation=4, pid=8)
    assert news(page) == {"reload": True, "files": False, "held": None}


def test_a_page_asks_what_is_held(say) -> None:
    """File, line, source line, caret and error, as text."""
    page = asked(answering([PAGE]))
    say(holding="h", held=Held("/a/b.py", 3, 9, "    x = = 1", "SyntaxError: invalid syntax"))
    assert news(page)["held"] == "/a/b.py, line 3\nx = = 1\n    ^\nSyntaxError: invalid syntax"
    say(holding="the budget is spent")
    assert news(page)["held"] == "wsgireload: the budget is spent"


def test_the_output_of_a_check_is_in_the_banner(say) -> None:
    """The banner shows the last lines of what the check has printed, as an import's traceback."""
    output = "".join(f"line {number}\n" for number in range(100))
    say(holding="preflight: NameError", output=output)
    lines = str(news(asked(answering([PAGE])))["held"]).splitlines()
    assert lines[0] == "wsgireload: preflight: NameError"
    assert lines[1:] == [f"line {number}" for number in range(80, 100)]
    say(holding="h", held=Held("/a/b.py", 3, None, "x", "NameError: x"), output="Traceback\n  x\n")
    shown = ["/a/b.py, line 3", "x", "NameError: x", "Traceback", "  x"]
    assert str(news(asked(answering([PAGE])))["held"]).splitlines() == shown


TOKEN = "correct-horse-battery"
PLACE = Held("/srv/a b/?x:1&y#.py", 3, 9, "x = = 1", "SyntaxError: invalid syntax")


def opened(editor: str | None, **environ: str) -> object:
    """The link to the editor in the answer to a poll."""
    served = middleware(answering([]), live=True, editor=editor, token=TOKEN)
    return json.loads(call(served, "/.wsgireload/live?v=x", **environ).body).get("editor")


@pytest.mark.parametrize(
    ("editor", "expected"),
    [
        ("vscode", "vscode://file/srv/a%20b/%3Fx%3A1%26y%23.py:3:9"),
        ("pycharm", "pycharm://open?file=/srv/a%20b/%3Fx%3A1%26y%23.py&line=3&column=9"),
        (
            "my+ide://{line}/{path}?{column}{other}",
            "my+ide://3//srv/a%20b/%3Fx%3A1%26y%23.py?9{other}",
        ),
        (None, None),
    ],
)
def test_the_place_opens_in_the_editor(say, editor: str | None, expected: str | None) -> None:
    """Every character of the path that could mean something in a URL is quoted."""
    say(holding="h", held=PLACE)
    assert opened(editor) == expected
    say(holding="h", held=Held("C:\\srv\\a.py", 3, None, None, None))
    if editor == "vscode":
        assert opened(editor) == "vscode://file/C:/srv/a.py:3:1"
    say(holding="h", held=Held("/bad\udcff", 3, None, None, None))
    assert editor is None or "/bad%FF" in str(opened(editor))
    say(holding="h", held=Held("/a.py", None, None, None, "is gone"))
    assert opened(editor) is None


def test_the_editor_is_one_of_this_machine(say) -> None:
    """A phone that knows the token has no such file, and gets no link."""
    say(holding="h", held=PLACE)
    far = {"REMOTE_ADDR": "192.0.2.7", "HTTP_X_WSGIRELOAD_TOKEN": TOKEN}
    assert opened("vscode", **far) is None
    assert opened("vscode", HTTP_X_WSGIRELOAD_TOKEN=TOKEN, HTTP_VIA="1.1 x") is None


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


class World:
    """Some files, and a clock that stands still."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 0.0
        for name in ("static/a.css", "templates/b/c.html", "other.txt"):
            self.write(name, "one")

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def files(self, *patterns: str) -> Files:
        return Files(patterns, lambda: self.now)

    def later(self, files: Files) -> str:
        self.now += 1.0
        return files.digest(str(self.folder))


@pytest.fixture
def world(tmp_path: Path) -> World:
    """The files of an application."""
    return World(tmp_path)


def test_files_that_reload_the_page(world: World) -> None:
    """A changed, new or deleted file changes the digest; a touch does not."""
    files = world.files("static/*.css", "templates")
    first = world.later(files)
    os.utime(world.folder / "static/a.css", (1, 1))
    world.write("other.txt", "two")
    world.write("templates/b/c.html~", "an editor's")
    assert world.later(files) == first
    world.write("templates/b/c.html", "two")
    second = world.later(files)
    world.write("static/z.css", "new")
    third = world.later(files)
    (world.folder / "static/z.css").unlink()
    assert world.later(files) == second
    assert len({first, second, third}) == 3
    assert world.files().digest(str(world.folder)) == ""


def test_two_processes_see_the_same_files(world: World) -> None:
    """The digest is that of the content: every process gets the same."""
    one, other = world.files("**"), world.files("**")
    assert world.later(one) == world.later(other)


def test_files_are_looked_at_a_few_times_a_second(world: World) -> None:
    """For any number of pages the files are scanned at most four times a second."""
    files = world.files("static/*")
    before = world.later(files)
    world.write("static/a.css", "two!")
    world.now += 0.2
    assert files.digest(str(world.folder)) == before
    world.now += 0.1
    assert files.digest(str(world.folder)) != before


PACKAGES = ("one", "two", "three")


@pytest.mark.parametrize("pattern", [".", "**", "**/*.css", "one"])
def test_folders_that_are_linked_to_each_other(world: World, pattern: str) -> None:
    """Three packages, each with links to all: every file is found, and in no time."""
    for package in PACKAGES:
        world.write(f"{package}/style.css", "one")
        (world.folder / package / "links").mkdir()
        for other in PACKAGES:
            (world.folder / package / "links" / other).symlink_to(world.folder / other)
    files, read = world.files(pattern), set()
    for package in PACKAGES:
        before = world.later(files)
        world.write(f"{package}/style.css", "other")
        assert world.later(files) != before
        read.add(before)
    assert len(read) == len(PACKAGES)
    assert len(files._known) < 60


def test_what_tools_leave_in_a_folder(world: World) -> None:
    """As with `track`: what version control, caches and editors write there reloads no page."""
    files = world.files("templates")
    before = world.later(files)
    for name in (".git/index", "__pycache__/x.pyc", ".a.html.swp", "a.html~", ".#a.html"):
        world.write(f"templates/{name}", "x")
    assert world.later(files) == before


def test_a_large_file_is_not_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than 1 MiB counts by its size and times: a request does not wait for its content."""
    large = world.folder / "static" / "film.css"
    with large.open("wb") as file:
        file.truncate((1 << 20) + 1)
    read: list[str] = []
    real = module.digest_of
    monkeypatch.setattr(
        module, "digest_of", lambda path, found: read.append(path) or real(path, found=found)
    )
    files = world.files("static")
    before = world.later(files)
    os.utime(large, (1, 1))
    assert world.later(files) != before
    assert read == [str(world.folder / "static/a.css")]


def test_what_is_no_file_is_not_opened(world: World) -> None:
    """A pipe in the place of a template neither blocks nor ends the scan."""
    os.mkfifo(world.folder / "templates" / "pipe.html")
    files = world.files("templates")
    before = world.later(files)
    world.write("templates/b/c.html", "two")
    assert world.later(files) != before


def test_one_thread_scans(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that comes while another one scans has the last digest at once."""
    files = world.files("static")
    before = world.later(files)
    world.write("static/a.css", "two!")
    inner: list[str] = []
    real = files._scan

    def scan(folder: str) -> str:
        inner.append(files.digest(folder))
        return real(folder)

    monkeypatch.setattr(files, "_scan", scan)
    assert world.later(files) != before
    assert inner == [before]


def test_relative_ones_start_from_the_script(world: World) -> None:
    """The page reloads for files beside the WSGI script."""
    script = str(world.folder / "app.wsgi")
    served = middleware(answering([PAGE]), live=True, reload_on="static/*.css")
    page = call(served, **BROWSER, SCRIPT_FILENAME=script)
    world.write("static/a.css", "two!")
    path = re.search(rb'data-wsgireload="([^"]*)"', inserted(page))[1].decode()  # type: ignore[index]
    late = middleware(answering([]), live=True, reload_on=["static/*.css"])
    told = json.loads(call(late, path, SCRIPT_FILENAME=script).body)
    assert re.fullmatch(r"\w+\.\w+\.\w*\.\w{16}", told.pop("styles"))
    assert told == {"reload": True, "files": True, "held": None}


def test_where_nothing_restarts_files_still_reload_the_page(say, world: World) -> None:
    """All pages of an inactive monitor have one version, whichever process made them."""
    say(active=False, reason="embedded", generation=None, pid=7)
    page = asked(answering([PAGE]))
    say(active=False, reason="embedded", generation=None, pid=8)
    assert not news(page)["reload"]
