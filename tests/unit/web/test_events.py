"""Event streams through the middleware: they end between two events when a restart is due."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from wsgiref.types import StartResponse, WSGIEnvironment
from wsgiref.util import FileWrapper

import pytest

from wsgireload import api
from wsgireload.web import middleware

Headers = list[tuple[str, str]]
EVENTS = [("Content-Type", "text/event-stream; charset=utf-8")]


@pytest.fixture
def due(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether a restart is due: append True."""
    answers: list[bool] = []
    monkeypatch.setattr(api, "_restart_is_due", lambda: bool(answers))
    return answers


def ask(
    headers: Headers, body: Callable[[], Iterable[bytes]], **environ: object
) -> Iterable[bytes]:
    """Return the body of an answer that came through the middleware."""

    def application(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", headers)
        return body()

    def start(*_: object) -> Callable[[bytes], object]:
        return lambda _piece: None

    return middleware(application)({"PATH_INFO": "/", **environ}, start)


def events() -> Iterator[bytes]:
    """Two events of which each comes in pieces."""
    yield b"event: tick\n"
    yield b"data: 1\n"
    yield b"\n"
    yield b"data: 2\r\n\r\n"
    yield b"data: 3\r\r"
    yield b": a comment\n\n"


def test_an_event_stream(due: list[bool]) -> None:
    """The event that is under way arrives whole, with whatever line ends; then the answer ends."""
    assert list(ask(EVENTS, events)) == list(events())
    stream = iter(ask(EVENTS, events))
    taken = [next(stream)]
    due.append(True)
    assert [*taken, *stream] == list(events())[:3]
    stream = iter(ask(EVENTS, events))
    due.clear()
    taken = [next(stream) for _ in range(4)]
    due.append(True)
    assert list(stream) == []
    assert len(taken) == 4


@pytest.mark.parametrize(
    "headers",
    [
        [("Content-Type", "text/plain")],
        [("Content-Type", "text/csv")],
        [],
        [*EVENTS, ("content-length", "7")],
        [*EVENTS, ("Content-Encoding", "gzip")],
    ],
)
def test_any_other_answer(due: list[bool], headers: Headers) -> None:
    """A download, and whatever has a length, is the application's own object, and complete."""
    due.append(True)
    body = events()
    assert ask(headers, lambda: body) is body


def test_an_answer_to_post(due: list[bool]) -> None:
    """A client does not repeat it, and would take half an answer for a whole one."""
    due.append(True)
    body = events()
    assert ask(EVENTS, lambda: body, REQUEST_METHOD="POST") is body


def test_a_stream_that_says_it_is_not_compressed(due: list[bool]) -> None:
    """An empty Content-Encoding keeps Django's GZipMiddleware away from it."""
    due.append(True)
    assert len(list(ask([*EVENTS, ("Content-Encoding", "")], events))) == 3


def test_a_file(due: list[bool]) -> None:
    """A file is handed to the server, which may send it by itself."""
    file = FileWrapper(io.BytesIO(b"x"))
    assert ask(EVENTS, lambda: file, **{"wsgi.file_wrapper": FileWrapper}) is file


@pytest.mark.parametrize(("headers", "pieces"), [(EVENTS, 3), ([("Content-Type", "text/csv")], 6)])
def test_an_application_that_starts_late(due: list[bool], headers: Headers, pieces: int) -> None:
    """A generator that is the application itself sends its headers with the first piece."""
    due.append(True)

    def application(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", headers)
        yield from events()

    answer = middleware(application)({"PATH_INFO": "/"}, lambda *_: lambda _piece: None)
    assert len(list(answer)) == pieces
