"""Pages that reload themselves: what stands in them, and what they ask.

A page holds the version of what made it. Its script asks, now and then, whether that is still the
one: a question that is answered at once, so that no open page keeps a thread.
"""

from __future__ import annotations

import os
import re
from html import escape
from urllib.parse import parse_qs, quote

from wsgireload.web import csp
from wsgireload.web.files import Files
from wsgireload.web.hashes import sha256
from wsgireload.web.places import excerpt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from wsgireload import Status

    Headers = list[tuple[str, str]]

NAME, SCRIPT = "live", "live.js"
POLICIES = {"content-security-policy", "content-security-policy-report-only"}
SAME, CODE, FILES = "same", "code", "files"


def squeezed(script: str) -> str:
    """The script without its layout: it goes along with every page."""
    lines = "\n".join(line.strip() for line in script.splitlines())
    return re.sub(r" (=>?|==|&&|\*) ", r"\1", lines).replace(", ", ",")


with open(os.path.join(os.path.dirname(__file__), "live.js"), encoding="utf-8") as _file:
    SOURCE = squeezed(_file.read())


class Live:
    """What makes the pages of one application reload themselves, under `path`."""

    def __init__(self, path: str, reload_on: Files) -> None:
        self._path = path
        self._files = reload_on
        self._script: str | None = None

    def version(self, status: Status, environ: WSGIEnvironment) -> str:
        """What answers now: whose process, after how many restarts, which script, which files.

        Processes of one group that run the same code say the same.
        """
        script = environ.get("SCRIPT_FILENAME", "")
        if self._script is None:  # mod_wsgi may load another one without a restart of ours
            self._script = _digest(script)
        counted: object = status.generation
        if counted is None:  # nobody counts: then each process is another one
            counted = f"pid{status.pid}" if status.active else 0
        files = self._files.digest(os.path.dirname(script) or os.getcwd())
        return f"{status.parent}.{counted}.{self._script}.{files}"

    def answer(self, status: Status, environ: WSGIEnvironment) -> dict[str, object]:
        """What a page is told that was made by the version it asks with."""
        asked = parse_qs(environ.get("QUERY_STRING", "")).get("v", [""])[0]
        differs = difference(asked, self.version(status, environ))
        return {"reload": differs != SAME, "files": differs == FILES, "held": notice(status)}

    def tag(self, version: str, environ: WSGIEnvironment, headers: Headers) -> bytes | None:
        """What goes into a page with these headers; None where its policy lets nothing run."""
        way = csp.way(value for name, value in headers if name.lower() in POLICIES)
        base = quote(environ.get("SCRIPT_NAME", "") + self._path, encoding="latin-1")
        asks = f'data-wsgireload="{escape(base)}{NAME}?v={quote(version)}"'
        if way is None:
            return None
        if way == csp.OWN:
            return f'<script async src="{escape(base)}{SCRIPT}" {asks}></script>'.encode()
        nonce = way.removeprefix(csp.NONCE).rstrip("'")
        allowed = f' nonce="{escape(nonce)}"' if way != csp.INLINE else ""
        return f"<script{allowed} {asks}>{SOURCE}</script>".encode()


def difference(page: str, now: str) -> str:
    """What sets a page's version apart from the one that answers: nothing, code, or files alone.

    A process of an earlier generation may still answer beside a later one: for that a page does not
    go back.
    """
    told, mine = page.split("."), now.split(".")
    if page == now or len(told) != len(mine):
        return SAME
    (parent, counted, script, _), (its_parent, its_counted, its_script, _) = told, mine
    if parent != its_parent or not (counted.isdecimal() and its_counted.isdecimal()):
        return CODE if told[:3] != mine[:3] else FILES
    if int(counted) > int(its_counted):
        return SAME
    return CODE if int(counted) < int(its_counted) or script != its_script else FILES


def notice(status: Status) -> str | None:
    """What stands at the foot of the page while a restart is held."""
    if status.held is None or status.held.line is None:
        return f"wsgireload: {status.holding}" if status.holding else None
    text, caret = excerpt(status.held)
    where = f"{status.held.path}, line {status.held.line}"
    return "\n".join([where, *([text, caret] if text else []), status.held.error or ""])


def _digest(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return sha256(file.read()).hexdigest()[:16]
    except OSError:
        return ""
