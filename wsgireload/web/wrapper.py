"""The middleware: it answers requests below its own path, the application all others."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import partial
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import wsgireload
from wsgireload import SettingsError
from wsgireload.log import Log, Word
from wsgireload.web import arguments, events, page
from wsgireload.web import live as live_pages
from wsgireload.web.access import Access
from wsgireload.web.assets import LIVE_SCRIPT
from wsgireload.web.files import Files
from wsgireload.web.insert import UNCACHED, Headers, Insertion
from wsgireload.web.live import Live

Answer = tuple[str, Headers, bytes]  # status, headers, body
Handler = Callable[[WSGIEnvironment], Answer]

SECURITY_HEADERS = [
    ("Cache-Control", "no-store"),
    *UNCACHED[1:],
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
]
OK = "200 OK"
QUERY = "/?:@!$&'()*+,;=~%"  # what a query may contain as it is
MOST_REFUSALS = 20  # are logged by a process: scanners try such paths on every public site
# Scripts send these with requests for parts of a page: jQuery and others, htmx, Turbo, Turbolinks,
# Unpoly, PJAX, Alpine AJAX, Barba, Inertia, fixi, Datastar. Where browsers send no Sec-Fetch-Dest,
# as to http://shop.test, nothing else tells such a request from one for a page.
BY_SCRIPT = {"HTTP_X_REQUESTED_WITH", "HTTP_HX_REQUEST", "HTTP_TURBO_FRAME", "HTTP_X_UP_VERSION"}
BY_SCRIPT |= {"HTTP_X_TURBO_REQUEST_ID", "HTTP_TURBOLINKS_REFERRER", "HTTP_X_PJAX", "HTTP_X_BARBA"}
BY_SCRIPT |= {"HTTP_X_ALPINE_REQUEST", "HTTP_X_INERTIA", "HTTP_FX_REQUEST", "HTTP_DATASTAR_REQUEST"}
NO_CONTENT_ALLOWED = "default-src 'none'; frame-ancestors 'none'"


def middleware(
    application: WSGIApplication,
    path: str = "/.wsgireload/",
    *,
    token: str | None = None,
    live: bool = False,
    reload_on: arguments.Path | Iterable[arguments.Path] = (),
    hosts: str | Iterable[str] = (),
    editor: str | None = None,
) -> WSGIApplication:
    """Return `application` with a page about wsgireload at `path`, and JSON at `path`status.json.

    Only this machine sees them, at localhost and the names in `hosts`, and with a `token` also
    clients that know it. With `live`, open pages reload in the browser when new code answers, or
    when a file of `reload_on` changes: files, folders and globs, relative to the WSGI script's
    folder. `editor` is the name of one, or the template of a URL, for links that open a place on
    this machine. SettingsError for invalid arguments.
    """
    opens = arguments.editor(editor)
    access, files = arguments.access(token, hosts), Files(arguments.patterns(reload_on))
    path = arguments.path(path)
    if live not in (True, False):
        raise SettingsError("live", live, "True or False")
    application = events.ending(application)
    return _Middleware(application, path, access, Live(path, files, opens) if live else None)


class _Middleware:
    def __init__(
        self, application: WSGIApplication, path: str, access: Access, live: Live | None
    ) -> None:
        self._application = application
        self._path = path
        self._access = access
        self._live = live
        self._refusals: set[str] = set()  # that were logged
        self._handlers: dict[str, Handler] = {"": self._page, "status.json": _status_json}
        if live is not None:
            self._handlers[live_pages.NAME] = partial(_live_json, live, access)
            self._handlers[live_pages.SCRIPT] = _live_script

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        handler, live = self._handler(environ.get("PATH_INFO", "")), self._live
        if handler is None and live is None:
            return self._application(environ, start_response)
        if not self._access.allows(environ):
            if handler is not None:
                self._log_refusal(self._access.refusal(environ))
            return self._application(environ, start_response)
        more = _closing_headers(environ) if live is not None else []
        if handler is not None:
            return _respond(environ, start_response, handler, more)
        if live is not None and _wants_page(environ):
            tag = live.tagger(wsgireload.status(), environ)
            environ.pop("HTTP_IF_NONE_MATCH", None)  # the browser's copy may have an old tag
            environ.pop("HTTP_IF_MODIFIED_SINCE", None)
            environ["HTTP_ACCEPT_ENCODING"] = "identity"  # a compressed page could not get the tag
            insertion = Insertion(start_response, tag, more, _uncached(environ))
        elif more:
            insertion = Insertion(start_response, lambda _headers: None, more)
        else:
            return self._application(environ, start_response)
        return insertion.body(self._application(environ, insertion.start), environ)

    def _log_refusal(self, reason: str) -> None:
        """Log once why a browser does not get the page, whatever it may have put into that."""
        if reason not in self._refusals and len(self._refusals) < MOST_REFUSALS:
            self._refusals.add(reason)
            Log(wsgireload.status().application).say(Word.WATCHING, reason)

    def _handler(self, path: str) -> Handler | None:
        if path.startswith(self._path):
            return self._handlers.get(path.removeprefix(self._path))
        return _with_slash if path + "/" == self._path else None

    def _page(self, environ: WSGIEnvironment) -> Answer:
        text = page.render(wsgireload.status(), environ)
        headers = [("Content-Type", "text/html; charset=utf-8")]
        headers += [("Content-Security-Policy", page.POLICY)]
        if self._access.has_token(environ):
            headers += [("Set-Cookie", self._access.cookie(environ))]
        return OK, headers, text.encode("utf-8", "backslashreplace")


def _with_slash(environ: WSGIEnvironment) -> Answer:
    """Redirect to the page; its links are relative to its own folder."""
    name = quote(environ["PATH_INFO"].rpartition("/")[2], "", "latin-1", "replace")
    query = quote(environ.get("QUERY_STRING", ""), QUERY, "latin-1", "replace")
    # A relative address: whatever stands before the path, the browser stays on this site.
    location = f"./{name}/?{query}" if query else f"./{name}/"
    return "307 Temporary Redirect", [("Content-Type", "text/plain"), ("Location", location)], b""


def _status_json(_environ: WSGIEnvironment) -> Answer:
    status = wsgireload.status()
    return _json({**status.asdict(), "paths": status.paths()})


def _live_json(live: Live, access: Access, environ: WSGIEnvironment) -> Answer:
    return _json(live.answer(wsgireload.status(), environ, is_here=access.is_here(environ)))


def _live_script(_environ: WSGIEnvironment) -> Answer:
    headers = [("Content-Type", "text/javascript; charset=utf-8")]
    return OK, [*headers, ("Content-Security-Policy", NO_CONTENT_ALLOWED)], LIVE_SCRIPT.encode()


def _json(data: dict[str, object]) -> Answer:
    headers = [("Content-Type", "application/json")]
    headers += [("Content-Security-Policy", NO_CONTENT_ALLOWED)]
    return OK, headers, json.dumps(data).encode()


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
    status, headers, body = handler(environ)
    length = ("Content-Length", str(len(body)))
    start_response(status, [*SECURITY_HEADERS, *headers, length, *more])
    return [body] if method == "GET" else []


def _wants_page(environ: WSGIEnvironment) -> bool:
    """Return whether a browser requests a page to show, and not a script a part of one."""
    is_document = environ.get("HTTP_SEC_FETCH_DEST", "document") == "document"
    is_document = is_document or _is_by_service_worker(environ)
    is_html = "text/html" in environ.get("HTTP_ACCEPT", "")
    is_by_script = not BY_SCRIPT.isdisjoint(environ)
    return environ.get("REQUEST_METHOD") == "GET" and is_html and is_document and not is_by_script


def _is_by_service_worker(environ: WSGIEnvironment) -> bool:
    """Return whether a service worker has passed on a request for a page: only the mode is left."""
    is_navigation = environ.get("HTTP_SEC_FETCH_MODE") == "navigate"
    return is_navigation and environ.get("HTTP_SEC_FETCH_DEST") == "empty"


def _uncached(environ: WSGIEnvironment) -> Headers:
    """Return the headers that keep caches from keeping a page with the tag.

    A service worker's cache raises an exception for Vary: *, and the worker may answer with an
    error then.
    """
    is_free = not _is_by_service_worker(environ)
    return [(name, value) for name, value in UNCACHED if is_free or name != "Vary"]
