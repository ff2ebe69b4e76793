"""Who may see the page: this machine, and clients that know the token.

A loopback REMOTE_ADDR alone does not show that a request comes from this machine: mod_remoteip and
WSGITrustedProxyHeaders take it from a header, and a proxy on this machine passes on what others
sent. And a page of any site may make a browser on this machine send requests, with the name of that
site in Host (DNS rebinding).
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, quote
from wsgiref.types import WSGIEnvironment

from wsgireload.web.hashes import compare_digest, sha256

HEADER = "HTTP_X_WSGIRELOAD_TOKEN"
PARAMETER = "token"
COOKIE = "wsgireload"
# A URL path as browsers send it, which is how they compare the path of a cookie.
UNQUOTED = "/:@!$&'()*+,=~"
SHOWN = 80  # characters of what a client has sent, in the log
LOOPBACK = re.compile(r"(?:::ffff:)?127(?:\.\d{1,3}){3}|::1", re.ASCII | re.IGNORECASE)
HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\[\]:]+?)\.?)(?::\d*)?", re.ASCII | re.IGNORECASE)
# Headers that proxies, load balancers and content delivery networks add. Clients can forge their
# values; their presence shows that a proxy passed the request on. mod_wsgi may remove some of them.
PASSED_ON = re.compile(
    "HTTP_(?:"
    "(?:.+_)?(?:(?:CLIENT|CONNECTING|REAL|REMOTE)?IP|ADDR|FORWARD(?:ED)?(?:_.+)?|VIA)"
    "|X_(?:HOST|SCHEME|URL_SCHEME|HTTPS|SCRIPT_NAME|REWRITE_URL|FROM_CDN|(?:REQUEST|QUEUE)_START"
    "|.+_HOST|(?:.+_)?HOST_OVERRIDE|(?:ORIGINAL|PROXY|CDN|VARNISH|CACHE|SQUID|HAPROXY|KONG).*)"
    "|(?:X_)?(?:AKAMAI|AMZN?|APPENGINE|ARR|AZURE|CF|CLOUD|CLOUDFRONT|ENVOY|FASTLY|FLY|INCAP"
    "|NF|NGROK|PROXY|SUCURI|TAILSCALE|TRAEFIK|VERCEL)_.+"
    "|CDN_LOOP|FRONT_END_HTTPS|MAX_FORWARDS|SURROGATE_CAPABILITY)"
)

# Browsers use HTTP/1.1 or later. nginx before 1.29.7 uses HTTP/1.0 by default, and adds no header.
OLD_PROTOCOLS = {"HTTP/0.9", "HTTP/1.0"}


class Access:
    """Decides whether a request may see the page."""

    def __init__(self, token: str | None, hosts: frozenset[str]) -> None:
        """Without the token, only requests from this machine to one of its names are allowed.

        `hosts` are names in lower case that count beside localhost.
        """
        self._token = token.encode("utf-8", "surrogatepass") if token is not None else None
        self._hosts = hosts
        # A browser stores this value instead of the token.
        self._cookie = sha256(b"wsgireload's cookie of " + (self._token or b"")).hexdigest()

    def allows(self, environ: WSGIEnvironment) -> bool:
        return self.is_here(environ) or self.has_token(environ) or self._has_cookie(environ)

    def is_here(self, environ: WSGIEnvironment) -> bool:
        """Return whether this request comes from this machine, by one of its names."""
        return _is_local(environ) and self._is_our_name(environ.get("HTTP_HOST", ""))

    def refusal(self, environ: WSGIEnvironment) -> str:
        """Return why a request that is not allowed counts as one from elsewhere, and the cure."""
        address = environ.get("REMOTE_ADDR", "")[:SHOWN] or "an unknown address"
        token = "use token=" if self._token is None else "it takes the token"
        if not _is_loopback(environ):
            return f"hidden from {address}; {token}"
        if passed_on := sorted(filter(PASSED_ON.fullmatch, environ)):
            header = passed_on[0].removeprefix("HTTP_").replace("_", "-").title()[:SHOWN]
            return f"hidden from {address}, a request with {header} as from a proxy; {token}"
        if (protocol := environ.get("SERVER_PROTOCOL")) in OLD_PROTOCOLS:
            return f"hidden from {address}, a request by {protocol} as from a proxy; {token}"
        host = environ.get("HTTP_HOST", "")[:SHOWN]
        return f"hidden from {address}, a request for {host!r}; use hosts=, or {token}"

    def has_token(self, environ: WSGIEnvironment) -> bool:
        """Return whether this request contains the token itself."""
        if self._token is None:
            return False
        query = parse_qs(environ.get("QUERY_STRING", ""), errors="surrogateescape")
        given = [value.encode("utf-8", "surrogateescape") for value in query.get(PARAMETER, ())]
        given.append(environ.get(HEADER, "").encode("latin-1", "replace"))
        return any(compare_digest(each, self._token) for each in given)

    def cookie(self, environ: WSGIEnvironment) -> str:
        """Return the Set-Cookie header for a browser with the token, valid for the application."""
        path = quote(environ.get("SCRIPT_NAME", "") or "/", UNQUOTED, "latin-1", "replace")
        secure = "; Secure" if environ.get("wsgi.url_scheme") == "https" else ""
        return f"{COOKIE}={self._cookie}; Path={path}; HttpOnly; SameSite=Strict{secure}"

    def _has_cookie(self, environ: WSGIEnvironment) -> bool:
        if self._token is None:
            return False
        # Not http.cookies: its pattern takes quadratic time, and our value needs no unquoting.
        pairs = (pair.strip().partition("=") for pair in environ.get("HTTP_COOKIE", "").split(";"))
        given = [value for name, _, value in pairs if name == COOKIE]
        ours = self._cookie.encode()
        return any(compare_digest(value.encode("latin-1", "replace"), ours) for value in given)

    def _is_our_name(self, host: str) -> bool:
        """Return whether a Host header names this machine, and no site that rebinds its name."""
        found = HOST.fullmatch(host)
        if found is None:
            return False
        literal, name = found[1], (found[2] or "").lower()
        is_localhost = name == "localhost" or name.endswith(".localhost") or name in self._hosts
        return is_localhost or LOOPBACK.fullmatch(literal or name) is not None


def _is_local(environ: WSGIEnvironment) -> bool:
    """Return whether both ends of the connection are this machine's, without a sign of a proxy."""
    is_old = environ.get("SERVER_PROTOCOL") in OLD_PROTOCOLS
    return _is_loopback(environ) and not is_old and not any(map(PASSED_ON.fullmatch, environ))


def _is_loopback(environ: WSGIEnvironment) -> bool:
    ends = (environ.get("REMOTE_ADDR", ""), environ.get("SERVER_ADDR", ""))
    return all(LOOPBACK.fullmatch(address) for address in ends)
