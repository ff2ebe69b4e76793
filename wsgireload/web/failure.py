"""The page about an application that could not be loaded; it reloads itself after the repair."""

from __future__ import annotations

import json
from html import escape
from urllib.parse import parse_qs, quote
from wsgiref.types import StartResponse, WSGIEnvironment

import wsgireload
from wsgireload.report import Failed
from wsgireload.web.access import Access
from wsgireload.web.files import Files
from wsgireload.web.live import NAME, VERSION, Live
from wsgireload.web.page import _hash_source

PATH = "/.wsgireload/"
HEADERS = [
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
]
STYLE = """
:root { color-scheme: light dark }
body { margin: 0 auto; padding: 1.5rem 1rem; max-width: 60rem; font: 1rem/1.5 sans-serif }
h1 { font-size: 1.4rem; overflow-wrap: anywhere }
pre { padding: 1rem; border-left: 4px solid #c22; background: #8881; overflow: auto }
b, small { overflow-wrap: anywhere }
"""
# A response without 5xx that is not this page's own means that new code answers.
SCRIPT = """
const url = document.currentScript.dataset.url
const poll = async () => {
    try {
        const got = await fetch(url, {cache: "no-store", signal: AbortSignal.timeout(2e4)})
        const now = got.ok ? await got.json().catch(() => ({reload: true})) : {reload: true}
        if (got.status < 500 && now.reload) return location.reload()
    } catch {}
    setTimeout(poll, 300)
}
setTimeout(poll, 300)
"""
POLICY = (
    f"default-src 'none'; script-src {_hash_source(SCRIPT)}; style-src {_hash_source(STYLE)};"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
TEMPLATE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{error} · wsgireload</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{error}</h1>
<p>The application could not be loaded{where}. This page reloads itself after the repair.</p>
<pre tabindex="0" aria-label="Traceback"><code>{traceback}</code></pre>
<small>wsgireload shows this page to this machine only. Others get the server's own error.</small>
</main>
<script data-url="{url}">{script}</script>
</body>
</html>
"""


class FailurePage:
    """Shows one failure to this machine, and answers pages that poll whether to reload."""

    def __init__(self, failed: Failed) -> None:
        self._failed = failed
        self._access = Access(None, frozenset())
        self._live = Live(PATH, Files(()))

    def may_be_shown(self, environ: WSGIEnvironment) -> bool:
        """Return whether this request comes from this machine."""
        return self._access.allows(environ)

    def is_poll(self, environ: WSGIEnvironment) -> bool:
        """Return whether a page asks for its version; at any path, which the script may choose."""
        version = parse_qs(environ.get("QUERY_STRING", "")).get("v", [""])[0]
        is_ours = environ.get("PATH_INFO", "").rpartition("/")[2] == NAME
        return is_ours and VERSION.fullmatch(version) is not None

    def poll(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        """Answer a page that asks whether to reload."""
        body = json.dumps(self._live.answer(wsgireload.status(), environ)).encode()
        return _send(start_response, "200 OK", [("Content-Type", "application/json")], body)

    def show(
        self, error: Exception, environ: WSGIEnvironment, start_response: StartResponse
    ) -> list[bytes]:
        """Answer with the page.

        It shows the first failure: later ones in the same process, as `error`, may follow from it.
        Only where mod_wsgi kept no traceback of that, `error` is shown.
        """
        failed = self._failed
        if failed.path is None:
            from wsgireload.server.load_failure import failed as describe

            began = error.__traceback__
            while began is not None and began.tb_frame.f_globals.get("__package__") in OURS:
                began = began.tb_next
            failed = describe(error, began)
        version = quote(self._live.version(wsgireload.status(), environ))
        base = quote(environ.get("SCRIPT_NAME", "") + PATH, "/", "latin-1", "replace")
        where = f": {failed.path}, line {failed.line}" if failed.path else ""
        page = TEMPLATE.format(
            error=escape(failed.error),
            where=escape(where),
            traceback=escape(failed.traceback),
            url=escape(f"{base}{NAME}?v={version}"),
            style=STYLE,
            script=SCRIPT,
        )
        headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Security-Policy", POLICY),
        ]
        body = page.encode("utf-8", "backslashreplace")
        body = b"" if environ.get("REQUEST_METHOD") == "HEAD" else body
        return _send(start_response, "500 Internal Server Error", headers, body)


OURS = {"wsgireload", "wsgireload.web"}


def _send(
    start_response: StartResponse, status: str, headers: list[tuple[str, str]], body: bytes
) -> list[bytes]:
    start_response(status, [*HEADERS, *headers, ("Content-Length", str(len(body)))])
    return [body]
