"""The page about an application that could not be loaded; it reloads itself after the repair."""

from __future__ import annotations

import json
from html import escape
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIEnvironment

import wsgireload
from wsgireload.report import Failed
from wsgireload.web import page
from wsgireload.web.access import Access
from wsgireload.web.files import Files
from wsgireload.web.live import NAME, VERSION, Live, version_of
from wsgireload.web.sections import block
from wsgireload.web.wrapper import SECURITY_HEADERS

PATH = "/.wsgireload/"
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
POLICY = page.policy(SCRIPT)
MAIN = """\
<main class="bad">
{header}
<section class="now"><h2>{error}</h2>
<p>The application could not be loaded{where}. This page reloads itself after the repair.</p>
{traceback}
</section>
<footer>Only this machine gets this page. Others get the server's own error.</footer>
</main>"""


class FailurePage:
    """Shows a failure to this machine, and answers pages that poll whether to reload."""

    def __init__(self) -> None:
        self._access = Access(None, frozenset())
        self._live = Live(PATH, Files(()))

    def may_be_shown(self, environ: WSGIEnvironment) -> bool:
        return self._access.allows(environ)

    def is_poll(self, environ: WSGIEnvironment) -> bool:
        """Return whether a page asks for its version; at any path, which the script may choose."""
        is_ours = environ.get("PATH_INFO", "").rpartition("/")[2] == NAME
        return is_ours and VERSION.fullmatch(version_of(environ)) is not None

    def poll(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        """Answer a page that asks whether to reload."""
        answer = self._live.answer(wsgireload.status(), environ)
        if version_of(environ) == self._version(environ):
            answer.update(reload=False, files=False)
        body = json.dumps(answer).encode()
        return _send(start_response, "200 OK", [("Content-Type", "application/json")], body)

    def show(
        self, failed: Failed, environ: WSGIEnvironment, start_response: StartResponse
    ) -> list[bytes]:
        body = self._document(failed, environ).encode("utf-8", "backslashreplace")
        headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Security-Policy", POLICY),
        ]
        body = b"" if environ.get("REQUEST_METHOD") == "HEAD" else body
        return _send(start_response, "500 Internal Server Error", headers, body)

    def _version(self, environ: WSGIEnvironment) -> str:
        """Return the version of this page: another one than that of a script that was loaded.

        The same process may load it at a later request.
        """
        parent, generation, _, files = self._live.version(wsgireload.status(), environ).split(".")
        return f"{parent}.{generation}.failed.{files}"

    def _document(self, failed: Failed, environ: WSGIEnvironment) -> str:
        version = quote(self._version(environ))
        base = quote(environ.get("SCRIPT_NAME", "") + PATH, "/", "latin-1", "replace")
        line = f", line {failed.line}" if failed.line else ""
        where = f": {failed.path}{line}" if failed.path else ""
        main = MAIN.format(
            header=page.header("Failed"),
            error=escape(failed.error),
            where=escape(where),
            traceback=block("Traceback", escape(failed.traceback)),
        )
        data = f' data-url="{escape(f"{base}{NAME}?v={version}")}"'
        return page.document(escape(failed.error), main, SCRIPT, data)


def _send(
    start_response: StartResponse, status: str, headers: list[tuple[str, str]], body: bytes
) -> list[bytes]:
    start_response(status, [*SECURITY_HEADERS, *headers, ("Content-Length", str(len(body)))])
    return [body]
