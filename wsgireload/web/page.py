"""The page: what a status tells, for people."""

from __future__ import annotations

import os
import time
from base64 import b64encode
from collections.abc import Sequence

from wsgireload.web.hashes import sha256
from wsgireload.web.shown import Shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from wsgireload import Status

MARK = (
    '<svg viewBox="0 0 24 24" fill="none" stroke="{colour}" stroke-width="2.4"'
    ' stroke-linecap="round" stroke-linejoin="round">'
    '<path d="M20 12a8 8 0 1 1-2.6-5.9"/><path d="M20.5 2.5v4.6h-4.6"/></svg>'
)
FRAME = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · wsgireload</title>
<link rel="icon" href="data:image/svg+xml,{icon}">
<style>{style}</style>
</head>
<body>
{main}
<script>{script}</script>
</body>
</html>
"""


def _text(name: str) -> str:
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        return file.read()


def _source(text: str) -> str:
    """What a Content-Security-Policy calls this very text."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


STYLE, SCRIPT = _text("page.css"), _text("page.js")
POLICY = (
    f"default-src 'none'; script-src {_source(SCRIPT)}; style-src {_source(STYLE)};"
    " connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
ICON = MARK.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
ICON = ICON.format(colour="%232457c5").replace('"', "'")


def surroundings(environ: WSGIEnvironment) -> dict[str, str]:
    """What the server says of this request: mod_wsgi's version, its groups, our script's folder."""
    version, script = environ.get("mod_wsgi.version", ()), environ.get("SCRIPT_FILENAME", "")
    return {
        "version": ".".join(map(str, version)),
        "process_group": environ.get("mod_wsgi.process_group", ""),
        "folder": os.path.dirname(os.path.normpath(script)) if script else "",
    }


def render(
    status: Status,
    paths: Sequence[str],
    around: dict[str, str],
    now: float | None = None,
) -> str:
    """The whole page; everything that is shown is escaped."""
    shown = Shown(around["folder"], time.time() if now is None else now)
    tone, state, headline, more = _now(status)
    parts = [
        f'<main class="{tone}">',
        f"<header>{MARK.format(colour='currentColor')}<h1>wsgireload</h1>",
        f'<p class="state" role="status">{state}</p></header>',
        f'<section class="now"><h2>{shown.text(headline)}</h2><p>{shown.text(more)}</p>',
        shown.held(status.held) if status.held else shown.changed(status.changed),
        "</section>",
        shown.facts(status, around),
        shown.timeline(status.history) if status.active or status.history else "",
        shown.files(paths) if paths else "",
        '<footer><a href="status.json">status.json</a></footer></main>',
    ]
    return FRAME.format(
        title=state,
        icon=ICON,
        style=STYLE,
        script=SCRIPT,
        main="\n".join(part for part in parts if part),
    )


def _now(status: Status) -> tuple[str, str, str, str]:
    """Tone, state, headline, and a sentence more."""
    if not status.active:
        return "warn", "Inactive", "Nothing will restart here", f"{status.reason or 'Stopped'}."
    if status.holding is not None:
        more = "The old code goes on serving until this is mended."
        if status.held is None:
            return "bad", "Held", "A restart is held", f"{status.holding}. {more}"
        return "bad", "Held", "This does not compile", more
    if status.restarting:
        return "news", "Restarting", "Restarting", "New code answers next."
    if status.changed:
        return "news", "Changed", "Something changed", "Waiting for the last of it to be saved."
    if not status.looks:
        return "news", "Beginning", "Taking a first look", "What was loaded is compared."
    files = f"{status.files:,} file" + ("s" if status.files != 1 else "")
    return "good", "Watching", f"Watching {files}", "What runs is what is on disk."
