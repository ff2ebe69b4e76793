"""Who may see the page: this machine, and clients that know the token."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs
from wsgiref.types import WSGIEnvironment

from wsgireload.web.hashes import compare_digest, sha256

HEADER = "HTTP_X_WSGIRELOAD_TOKEN"
PARAMETER = "token"
COOKIE = "wsgireload"
# Their values can be forged. Their presence shows that a proxy forwarded the request.
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")


class Access:
    """Decides whether a request may see the page."""

    def __init__(self, token: str | None) -> None:
        """Without a token, only requests from this machine are allowed."""
        self._token = token.encode() if token is not None else None
        # A browser stores this value instead of the token.
        self._cookie = sha256(b"wsgireload's cookie of " + (self._token or b"")).hexdigest()

    def allows(self, environ: WSGIEnvironment) -> bool:
        """Return whether this request may see the page."""
        return _is_local(environ) or self.has_token(environ) or self._has_cookie(environ)

    def has_token(self, environ: WSGIEnvironment) -> bool:
        """Return whether this request contains the token itself."""
        if self._token is None:
            return False
        query = parse_qs(environ.get("QUERY_STRING", ""), errors="surrogateescape")
        given = [value.encode("utf-8", "surrogateescape") for value in query.get(PARAMETER, ())]
        given.append(environ.get(HEADER, "").encode("latin-1", "replace"))
        return any(compare_digest(each, self._token) for each in given)

    def cookie(self, path: str) -> str:
        """Return the Set-Cookie header for a browser with the token; it is valid below `path`."""
        return f"{COOKIE}={self._cookie}; Path={path}; HttpOnly; SameSite=Strict"

    def _has_cookie(self, environ: WSGIEnvironment) -> bool:
        if self._token is None:
            return False
        try:
            cookie = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(COOKIE)
        except CookieError:
            return False
        return cookie is not None and compare_digest(cookie.value.encode(), self._cookie.encode())


def _is_local(environ: WSGIEnvironment) -> bool:
    """Return whether the request comes from this machine, without a proxy that says otherwise."""
    address = environ.get("REMOTE_ADDR", "").removeprefix("::ffff:")
    is_loopback = address == "::1" or address.startswith("127.")
    return is_loopback and not any(name in environ for name in FORWARDED)
