"""Event streams end when a restart is due: the browser then connects to the new process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import wsgireload
from wsgireload.web.insert import Headers, is_encoded, is_file

BLANK_LINES = (b"\n\n", b"\r\r", b"\n\r\n")  # the end of an event


def ending(application: WSGIApplication) -> WSGIApplication:
    """Return `application`, with event streams that end between two events if a restart is due.

    Any other answer is the same object as before. So is one to POST, which no browser repeats.
    """
    return partial(_answer, application)


def _answer(
    application: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    if environ.get("REQUEST_METHOD", "GET") != "GET":
        return application(environ, start_response)
    is_events: bool | None = None  # None: the application has not called `start` yet

    def start(status: str, headers: Headers, *error: Any) -> Callable[[bytes], object]:
        nonlocal is_events
        is_events = _is_event_stream(headers)
        return start_response(status, headers, *error)

    def may_end(last: bytes) -> bool:
        return bool(is_events) and last.endswith(BLANK_LINES)

    pieces = application(environ, start)
    if is_events is False or is_file(pieces, environ):
        return pieces
    return wsgireload.streams(pieces, may_end=may_end)


def _is_event_stream(headers: Headers) -> bool:
    """Return whether an answer is an event stream as it is, of no length that was announced."""
    values = {name.lower(): value for name, value in headers}
    kind = str(values.get("content-type", "")).partition(";")[0].strip().lower()
    is_plain = "content-length" not in values and not is_encoded(headers)
    return is_plain and kind == "text/event-stream"
