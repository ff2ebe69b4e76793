"""The middleware: it answers requests below its own path, the application all others."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import partial
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import wsgireload
from wsgireload import SettingsError
from wsgireload.web import arguments, events, page
from wsgireload.web import live as live_pages
from wsgireload.web.access import Access
from wsgireload.web.assets import LIVE_SCRIPT
from wsgireload.web.files import Files
from wsgireload.web.insert import UNCACHED, Insertion
from wsgireload.web.live import Live

Headers = list[tuple[str, str]]
Handler = Callable[[WSGIEnvironment], tuple[Headers, bytes]]

SECURITY_HEADERS = [
    ("Cache-Control", "no-store"),
    *UNCACHED[1:],
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
]
NO_CONTENT_ALLOWED = "default-src 'none'; frame-ancestors 'none'"


def middleware(
    application: WSGIApplication,
    path: str = "/.wsgireload/",
    *,
    token: str | None = None,
    live: bool = False,
    reload_on: arguments.Path | Iterable[arguments.Path] = (),
    hosts: str | Iterable[str] = (),
) -> WSGIApplication:
    """Return `application` with a page about wsgireload at `path`, and JSON at `path`status.json.

    Only this machine sees them, at localhost and the names in `hosts`, and with a `token` also
    clients that know it. With `live`, open pages reload in the browser when new code answers, or
    when a file of `reload_on` changes: files, folders and globs, relative to the WSGI script's
    folder. SettingsError for invalid arguments.
    """
    access, files = arguments.access(token, hosts), Files(arguments.patterns(reload_on))
    path = arguments.path(path)
    if live not in (True, False):
        raise SettingsError("live", live, "True or False")
    application = events.ending(application)
    return _Middleware(application, path, access, Live(path, files) if live else None)


class _Middleware:
    def __init__(
        self, application: WSGIApplication, path: str, access: Access, live: Live | None
    ) -> None:
        self._application = application
        self._path = path
        self._access = access
        self._live = live
        self._handlers: dict[str, Handler] = {"": self._page, "status.json": _status_json}
        if live is not None:
            self._handlers[live_pages.NAME] = partial(_live_json, live)
            self._handlers[live_pages.SCRIPT] = _live_script

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        handler = None
        if path.startswith(self._path):
            handler = self._handlers.get(path.removeprefix(self._path))
        live = self._live
        if (handler is None and live is None) or not self._access.allows(environ):
            return self._application(environ, start_response)
        more = _closing_headers(environ) if live is not None else []
        if handler is not None:
            return _respond(environ, start_response, handler, more)
        if live is not None and _wants_page(environ):
            # Take the version before the page is made: changes meanwhile may not be in the page.
            tag = partial(live.tag, live.version(wsgireload.status(), environ), environ)
            environ.pop("HTTP_IF_NONE_MATCH", None)  # the browser's copy may have an old tag
            environ.pop("HTTP_IF_MODIFIED_SINCE", None)
            insertion = Insertion(start_response, tag, more)
        elif more:
            insertion = Insertion(start_response, lambda _headers: None, more)
        else:
            return self._application(environ, start_response)
        return insertion.body(self._application(environ, insertion.start), environ)

    def _page(self, environ: WSGIEnvironment) -> tuple[Headers, bytes]:
        text = page.render(wsgireload.status(), environ)
        headers = [("Content-Type", "text/html; charset=utf-8")]
        headers += [("Content-Security-Policy", page.POLICY)]
        if self._access.has_token(environ):
            headers += [("Set-Cookie", self._access.cookie(environ))]
        return headers, text.encode("utf-8", "backslashreplace")


def _status_json(_environ: WSGIEnvironment) -> tuple[Headers, bytes]:
    status = wsgireload.status()
    return _json({**status.asdict(), "paths": status.paths()})


def _live_json(live: Live, environ: WSGIEnvironment) -> tuple[Headers, bytes]:
    return _json(live.answer(wsgireload.status(), environ))


def _live_script(_environ: WSGIEnvironment) -> tuple[Headers, bytes]:
    headers = [("Content-Type", "text/javascript; charset=utf-8")]
    return [*headers, ("Content-Security-Policy", NO_CONTENT_ALLOWED)], LIVE_SCRIPT.encode()


def _json(data: dict[str, object]) -> tuple[Headers, bytes]:
    headers = [("Content-Type", "application/json")]
    return [*headers, ("Content-Security-Policy", NO_CONTENT_ALLOWED)], json.dumps(data).encode()


def _closing_headers(environ: WSGIEnvironment) -> Headers:
    """Return headers that close the connection before a restart: the next one gets new code.

    WSGI reserves this header for the server; mod_wsgi passes it on.
    """
    status = wsgireload.status()
    is_coming = status.restarting or (status.changed and not status.holding)
    return [("Connection", "close")] if is_coming and "mod_wsgi.version" in environ else []


def _respond(
    environ: WSGIEnvironment, start_response: StartResponse, handler: Handler, more: Headers
) -> Iterable[bytes]:
    method = environ.get("REQUEST_METHOD", "GET")
    if method not in ("GET", "HEAD"):
        headers = [("Allow", "GET, HEAD"), ("Content-Length", "0"), ("Content-Type", "text/plain")]
        start_response("405 Method Not Allowed", [*SECURITY_HEADERS, *headers])
        return []
    headers, body = handler(environ)
    length = ("Content-Length", str(len(body)))
    start_response("200 OK", [*SECURITY_HEADERS, *headers, length, *more])
    return [body] if method == "GET" else []


def _wants_page(environ: WSGIEnvironment) -> bool:
    """Return whether a browser requests a page to show, and not a script a part of one."""
    is_document = environ.get("HTTP_SEC_FETCH_DEST", "document") == "document"
    is_by_script = "HTTP_X_REQUESTED_WITH" in environ or "HTTP_HX_REQUEST" in environ
    is_html = "text/html" in environ.get("HTTP_ACCEPT", "")
    return environ.get("REQUEST_METHOD") == "GET" and is_html and is_document and not is_by_script
