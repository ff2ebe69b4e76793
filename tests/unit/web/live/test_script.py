"""Where a page gets the script, however it comes, and that nothing else of it changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.livepage import HTML, PAGE, answering, asked, inserted, length
from support.wsgicall import BROWSER, HERE, call

from wsgireload.web import middleware
from wsgireload.web.assets import LIVE_SCRIPT
from wsgireload.web.markup import end_of, policies_of


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
