"""Calls a WSGI application as a server would, with wsgiref's own judge of the rules between."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

BROWSER = {
    "HTTP_ACCEPT": "text/html,application/xhtml+xml,*/*;q=0.8",
    "HTTP_SEC_FETCH_DEST": "document",
}
"""What a browser says when it is to show a page."""

HERE = {"REMOTE_ADDR": "::1", "SERVER_ADDR": "::1", "HTTP_HOST": "localhost"}
"""Where a request from this machine comes from."""


@dataclass(frozen=True)
class Told:
    """One answer; `headers` have their names in lower case."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The value of a header that there is once at most."""
        values = [value for key, value in self.headers if key == name.lower()]
        if len(values) > 1:
            raise ValueError(f"{name} is there {len(values)} times")
        return values[0] if values else None

    @property
    def text(self) -> str:
        return self.body.decode()


def call(application: WSGIApplication, path: str = "/", **environ: Any) -> Told:
    """The answer to GET from this machine; `environ` says what else there is, None what is not."""
    path, _, query = path.partition("?")
    asked: dict[str, Any] = {
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_ADDR": "127.0.0.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SCRIPT_NAME": "",
        "wsgi.input": BytesIO(),
        **environ,
    }
    setup_testing_defaults(asked)
    asked = {name: value for name, value in asked.items() if value is not None}
    told: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        if told and not exc_info:
            raise AssertionError("start_response is called twice")
        if told and any(written):
            raise exc_info[1]
        told[:] = [(status, headers)]
        return written.append

    pieces = validator(application)(asked, start_response)
    try:
        for piece in pieces:
            assert told
            written.append(piece)
    finally:
        pieces.close()  # type: ignore[attr-defined]  # the judge's own object has it
    [(status, headers)] = told
    return Told(status, [(name.lower(), value) for name, value in headers], b"".join(written))
