"""Pages that reload themselves: their script, and the answers to it.

A page contains the version that made it. Its script polls whether that is still the current one.
The answer is immediate, so that an open page never occupies a thread.
After an error it polls again in 0.25 s: a script that could not be loaded has a page by then.
Further errors double that, up to 4 s.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import partial
from html import escape
from urllib.parse import parse_qs, quote
from wsgiref.types import WSGIEnvironment

from wsgireload import Status
from wsgireload.server import detection
from wsgireload.web import csp, editor
from wsgireload.web.assets import LIVE_SCRIPT
from wsgireload.web.excerpt import excerpt
from wsgireload.web.files import Files, only_styles
from wsgireload.web.hashes import sha256
from wsgireload.web.insert import Headers

NAME, SCRIPT = "live", "live.js"
POLICIES = {"content-security-policy", "content-security-policy-report-only"}
SAME, CODE, FILES, STYLES = "same", "code", "files", "styles"
MOST_OUTPUT = 20  # lines of a check's output in the banner, the last ones
# Apache's pid, the generation, and digests of the script and of the files.
VERSION = re.compile(r"(\d{1,18})\.((?:pid)?\d{1,18})\.(\w{0,16})\.(\w{0,16})", re.ASCII)


class Live:
    """Makes the pages of one application reload themselves; `path` is where they poll."""

    def __init__(self, path: str, reload_on: Files, opens: str | None = None) -> None:
        """`opens` is the template of the links that open a place in an editor."""
        self._path = path
        self._opens = opens
        self._files = reload_on
        # Of the code that runs: the files may change before the first request.
        self._scripts = {path: _digest(path) for path in detection.script_paths()}

    def version(self, status: Status, environ: WSGIEnvironment) -> str:
        """Return the current version: Apache's pid, the generation, the script and the files.

        It is the same in all processes of a group that run the same code.
        """
        script = environ.get("SCRIPT_FILENAME", "")
        if script not in self._scripts:
            self._scripts[script] = _digest(script)
        generation: object = status.generation
        if generation is None:  # without a journal each process is a version of its own
            generation = f"pid{status.pid}" if status.active else 0
        files = self._files.digest(os.path.dirname(script) or os.getcwd())
        return f"{status.parent}.{generation}.{self._scripts[script]}.{files}"

    def answer(
        self, status: Status, environ: WSGIEnvironment, *, is_here: bool = False
    ) -> dict[str, object]:
        """Return the answer for a page, which sends its version.

        "styles" is there if only style sheets differ: the version that the page has with the new
        ones. "editor" is a link for a browser on this machine, if a place holds a restart.
        """
        version = self.version(status, environ)
        differs, held = difference(version_of(environ), version), status.held
        answer: dict[str, object] = {
            "reload": differs != SAME,
            "files": differs in (FILES, STYLES),
            "held": notice(status),
        }
        if differs == STYLES:
            answer["styles"] = version
        if is_here and self._opens and held is not None and held.line:
            answer["editor"] = editor.link(self._opens, held.path, held.line, held.column)
        return answer

    def tagger(self, status: Status, environ: WSGIEnvironment) -> Callable[[Headers], bytes | None]:
        """Return the function that makes the tag for a page with some headers: see `_tag`.

        Call this before the application runs: changes meanwhile may not be in the page, and a
        dispatcher in the application may change SCRIPT_NAME.
        """
        path = environ.get("SCRIPT_NAME", "") + self._path
        base = escape(quote(path, "/", "latin-1", "replace"))
        site = f"{environ.get('wsgi.url_scheme', '')}://{environ.get('HTTP_HOST', '')}".lower()
        return partial(_tag, base, self.version(status, environ), site)


def _tag(base: str, version: str, site: str, headers: Headers) -> bytes | None:
    """Return the tag for a page with these headers; None if its policy forbids the script."""
    policies = (value for name, value in headers if name.lower() in POLICIES)
    form = csp.script_form(policies, site)
    if form is None:
        return None
    attribute = f'data-wsgireload="{base}{NAME}?v={quote(version)}"'
    if form == csp.OWN:
        return f'<script async src="{base}{SCRIPT}" {attribute}></script>'.encode()
    nonce = escape(form.removeprefix(csp.NONCE).rstrip("'"))
    allowed = f' nonce="{nonce}"' if form != csp.INLINE else ""
    return f"<script{allowed} {attribute}>{LIVE_SCRIPT}</script>".encode()


def version_of(environ: WSGIEnvironment) -> str:
    """Return the version that a page sends."""
    query: str = environ.get("QUERY_STRING", "")
    return parse_qs(query).get("v", [""])[0]


def difference(page: str, current: str) -> str:
    """Compare two versions: the same, other code, only other files, or only other style sheets.

    For a short time a process of an earlier generation may answer beside a new one. A page does not
    reload for an older version.
    """
    found, now = VERSION.fullmatch(page), VERSION.fullmatch(current)
    if found is None or now is None:  # the page's may be anything that fits into a URL
        return SAME
    old, new = found.groups(), now.groups()
    if old == new:
        return SAME
    old_parent, old_generation, old_script, files = old
    parent, generation, script, now_files = new
    other = STYLES if only_styles(files, now_files) else FILES
    if old_parent != parent or not (old_generation.isdecimal() and generation.isdecimal()):
        return CODE if old[:3] != new[:3] else other
    if int(old_generation) > int(generation):
        return SAME
    is_newer = int(old_generation) < int(generation)
    return CODE if is_newer or old_script != script else other


def notice(status: Status) -> str | None:
    """Return what the banner of a page shows while a restart is held."""
    output = (status.output or "").rstrip().splitlines()[-MOST_OUTPUT:]
    if status.held is None or status.held.line is None:
        lines = [f"wsgireload: {status.holding}", *output]
        return "\n".join(lines) if status.holding else None
    text, caret = excerpt(status.held)
    where = f"{status.held.path}, line {status.held.line}"
    lines = [where, *filter(None, (text, caret)), status.held.error or "", *output]
    return "\n".join(lines)


def _digest(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return sha256(file.read()).hexdigest()[:16]
    except OSError:
        return ""
