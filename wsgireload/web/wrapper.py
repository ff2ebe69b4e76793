"""The middleware: what is asked below its path it answers, everything else is the application's."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from functools import partial

import wsgireload
from wsgireload import SettingsError
from wsgireload.web import live as lively
from wsgireload.web import page
from wsgireload.web.access import Access
from wsgireload.web.files import Files
from wsgireload.web.insert import Insertion
from wsgireload.web.live import Live

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    Headers = list[tuple[str, str]]
    Tag = Callable[[Headers], bytes | None]
    Path = str | os.PathLike[str]

SHORTEST = 16  # characters of a token: one that is guessed is none
ALWAYS = [
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
]
NOTHING = "default-src 'none'; frame-ancestors 'none'"


def middleware(
    application: WSGIApplication,
    path: str = "/.wsgireload/",
    *,
    token: str | None = None,
    live: bool = False,
    reload_on: Path | Iterable[Path] = (),
) -> WSGIApplication:
    """`application` with a page about wsgireload at `path`, and JSON at `path`status.json.

    Other machines see it with the `token` alone, and without one not at all. With `live` pages
    reload themselves in the browser when new code answers, or when what `reload_on` names changes:
    files, folders and globs, relative ones from the WSGI script's folder. SettingsError for what
    makes no sense.
    """
    if not _is_text(path, 3) or path[0] + path[-1] != "//":
        raise SettingsError("path", path, "a path that begins and ends with a slash")
    if token is not None and not _is_text(token, SHORTEST):
        raise SettingsError("token", "…", f"at least {SHORTEST} characters that nobody guesses")
    if live not in (True, False):
        raise SettingsError("live", live, "True or False")
    files = Files(_patterns(reload_on))
    return _Middleware(application, path, Access(token), Live(path, files) if live else None)


class _Middleware:
    def __init__(
        self, application: WSGIApplication, path: str, access: Access, live: Live | None
    ) -> None:
        self._application = application
        self._path = path
        self._access = access
        self._live = live
        self._answers: dict[str, Callable[[WSGIEnvironment], tuple[Headers, bytes]]] = {
            "": self._page,
            "status.json": self._json,
        }
        if live is not None:
            self._answers |= {lively.NAME: partial(self._news, live), lively.SCRIPT: _script}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        asked = environ.get("PATH_INFO", "")
        answer = None
        if asked.startswith(self._path):
            answer = self._answers.get(asked.removeprefix(self._path))
        live = self._live
        if (answer is None and live is None) or not self._access.allows(environ):
            return self._application(environ, start_response)
        more = _last_answers(environ) if live is not None else []
        if answer is not None:
            return _answered(environ, start_response, answer, more)
        if live is not None and _wants_page(environ):
            # Which version: before it is made, as what comes meanwhile may not be in it.
            tag: Tag = partial(live.tag, live.version(wsgireload.status(), environ), environ)
            environ.pop("HTTP_IF_NONE_MATCH", None)  # the browser's copy has no tag, or an old one
            environ.pop("HTTP_IF_MODIFIED_SINCE", None)
        elif more:
            tag = _no_tag
        else:
            return self._application(environ, start_response)
        insertion = Insertion(start_response, tag, more)
        return insertion.body(self._application(environ, insertion.start), environ)

    def _page(self, environ: WSGIEnvironment) -> tuple[Headers, bytes]:
        status = wsgireload.status()
        text = page.render(status, status.paths(), page.surroundings(environ))
        told = [("Content-Type", "text/html; charset=utf-8")]
        told += [("Content-Security-Policy", page.POLICY)]
        if self._access.by_token(environ):
            told += [("Set-Cookie", self._access.cookie(environ.get("SCRIPT_NAME", "") or "/"))]
        return told, text.encode("utf-8", "backslashreplace")

    def _json(self, environ: WSGIEnvironment) -> tuple[Headers, bytes]:
        del environ
        status = wsgireload.status()
        return _as_json({**status.asdict(), "paths": status.paths()})

    def _news(self, live: Live, environ: WSGIEnvironment) -> tuple[Headers, bytes]:
        return _as_json(live.answer(wsgireload.status(), environ))


def _last_answers(environ: WSGIEnvironment) -> Headers:
    """What ends a browser's connection when a restart is on its way: the next one is new code's.

    By the letter of WSGI this is the server's own header; mod_wsgi lets it through.
    """
    status = wsgireload.status()
    coming = status.restarting or (status.changed and not status.holding)
    return [("Connection", "close")] if coming and "mod_wsgi.version" in environ else []


def _answered(
    environ: WSGIEnvironment,
    start_response: StartResponse,
    answer: Callable[[WSGIEnvironment], tuple[Headers, bytes]],
    more: Headers,
) -> Iterable[bytes]:
    method = environ.get("REQUEST_METHOD", "GET")
    if method not in ("GET", "HEAD"):
        headers = [("Allow", "GET, HEAD"), ("Content-Length", "0"), ("Content-Type", "text/plain")]
        start_response("405 Method Not Allowed", [*ALWAYS, *headers])
        return []
    headers, body = answer(environ)
    start_response("200 OK", [*ALWAYS, *headers, ("Content-Length", str(len(body))), *more])
    return [body] if method == "GET" else []


def _as_json(told: dict[str, object]) -> tuple[Headers, bytes]:
    headers = [("Content-Type", "application/json"), ("Content-Security-Policy", NOTHING)]
    return headers, json.dumps(told).encode()


def _script(environ: WSGIEnvironment) -> tuple[Headers, bytes]:
    del environ
    headers = [("Content-Type", "text/javascript; charset=utf-8")]
    return [*headers, ("Content-Security-Policy", NOTHING)], lively.SOURCE.encode()


def _no_tag(headers: Headers) -> None:
    """Nothing is inserted."""


def _wants_page(environ: WSGIEnvironment) -> bool:
    """Whether a browser asks for a page to show, and not a script of one for a part of it."""
    asks_itself = environ.get("HTTP_SEC_FETCH_DEST", "document") == "document"
    by_script = "HTTP_X_REQUESTED_WITH" in environ or "HTTP_HX_REQUEST" in environ
    html = "text/html" in environ.get("HTTP_ACCEPT", "")
    return environ.get("REQUEST_METHOD") == "GET" and html and asks_itself and not by_script


def _is_text(got: object, least: int) -> bool:
    return isinstance(got, str) and len(got) >= least


def _patterns(got: Path | Iterable[Path]) -> list[str]:
    given = [got] if isinstance(got, (str, bytes, os.PathLike)) else got
    try:
        found = [os.fsdecode(each) for each in given]
    except TypeError:
        found = [""]
    if not all(found):
        raise SettingsError("reload_on", got, "paths or globs: str or os.PathLike, not empty")
    return found
