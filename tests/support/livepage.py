"""A page that reloads itself: the application with it, its status, and what a browser gets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from support.wsgicall import BROWSER, Told, call
from wsgireload import Status
from wsgireload.web import middleware

HTML = ("Content-Type", "text/html; charset=utf-8")
PAGE = b"<html><body><p>Hello</p></body></html>"


def status(**more: object) -> Status:
    """A status of the third generation below parent 6."""
    usual = {"active": True, "reason": None, "server": "daemon", "pid": 7, "application": "a"}
    return Status(**{**usual, "looks": 2, "parent": 6, "generation": 3, **more})


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


def news(page: Told, **environ) -> dict[str, object]:
    """The answer to a poll of that page."""
    path = re.search(rb'data-wsgireload="([^"]*)"', inserted(page))[1].decode()  # type: ignore[index]
    return json.loads(call(middleware(answering([]), live=True), path, **environ).body)
