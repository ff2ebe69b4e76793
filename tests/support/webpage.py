"""An application, the status that wsgireload reports to it, and a token."""

from __future__ import annotations

from wsgireload import Status

TOKEN = "correct-horse-battery"


def application(environ, start_response):
    """The application: it answers every request in plain text."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"me"]


def status(**more: object) -> Status:
    """A status that is watching, with these fields changed."""
    usual = {"active": True, "reason": None, "server": "daemon", "pid": 7, "application": "a|/"}
    return Status(**{**usual, "files": 3, "looks": 2, **more})
