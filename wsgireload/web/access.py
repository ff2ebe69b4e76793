"""Who may see it: this machine, and whoever knows the token."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from wsgireload.web.hashes import compare_digest, sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

HEADER = "HTTP_X_WSGIRELOAD_TOKEN"
PARAMETER = "token"
COOKIE = "wsgireload"
# Whatever they say is not believed; that they are there says that the request came from elsewhere.
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")


class Access:
    """Knows the token, None where no other machine may see anything."""

    def __init__(self, token: str | None) -> None:
        self._token = token.encode() if token is not None else None
        # A browser keeps this and not the token, for the pages that reload themselves.
        self._pass = sha256(b"wsgireload's cookie of " + (self._token or b"")).hexdigest()

    def allows(self, environ: WSGIEnvironment) -> bool:
        """Whether this request may see what we show."""
        return _is_here(environ) or self.by_token(environ) or self._by_cookie(environ)

    def by_token(self, environ: WSGIEnvironment) -> bool:
        """Whether this request names the token itself."""
        if self._token is None:
            return False
        asked = parse_qs(environ.get("QUERY_STRING", ""), errors="surrogateescape")
        told = [value.encode("utf-8", "surrogateescape") for value in asked.get(PARAMETER, ())]
        told.append(environ.get(HEADER, "").encode("latin-1", "replace"))
        return any(compare_digest(each, self._token) for each in told)

    def cookie(self, path: str) -> str:
        """What a browser that named the token is given to come back with, below `path`."""
        return f"{COOKIE}={self._pass}; Path={path}; HttpOnly; SameSite=Strict"

    def _by_cookie(self, environ: WSGIEnvironment) -> bool:
        if self._token is None:
            return False
        try:
            held = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(COOKIE)
        except CookieError:
            return False
        return held is not None and compare_digest(held.value.encode(), self._pass.encode())


def _is_here(environ: WSGIEnvironment) -> bool:
    """Whether the request comes from this machine, and nobody says that it was passed on."""
    address = environ.get("REMOTE_ADDR", "").removeprefix("::ffff:")
    here = address == "::1" or address.startswith("127.")
    return here and not any(name in environ for name in FORWARDED)
