"""The page that shows a status."""

from __future__ import annotations

import time
from base64 import b64encode
from wsgiref.types import WSGIEnvironment

from wsgireload import Status
from wsgireload.web.assets import PAGE_SCRIPT, PAGE_STYLE
from wsgireload.web.hashes import sha256
from wsgireload.web.sections import Sections

ARROW = (
    '<svg viewBox="0 0 24 24" fill="none" stroke="{colour}" stroke-width="2.4"'
    ' stroke-linecap="round" stroke-linejoin="round">'
    '<path d="M20 12a8 8 0 1 1-2.6-5.9"/><path d="M20.5 2.5v4.6h-4.6"/></svg>'
)
TEMPLATE = """\
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


def _hash_source(text: str) -> str:
    """Return the source by which a Content-Security-Policy allows exactly this text."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


POLICY = (
    f"default-src 'none'; script-src {_hash_source(PAGE_SCRIPT)};"
    f" style-src {_hash_source(PAGE_STYLE)};"
    " connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
ICON = ARROW.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
ICON = ICON.format(colour="%232457c5").replace('"', "'")


def render(status: Status, environ: WSGIEnvironment) -> str:
    """Return the page. Every value is escaped."""
    sections = Sections(environ, time.time())
    tone, state, headline, more = _summary(status)
    paths = status.paths()
    parts = [
        f'<main class="{tone}">',
        f"<header>{ARROW.format(colour='currentColor')}<h1>wsgireload</h1>",
        f'<p class="state" role="status">{state}</p></header>',
        f'<section class="now"><h2>{sections.text(headline)}</h2><p>{sections.text(more)}</p>',
        sections.held(status.held) if status.held else sections.changed(status.changed),
        sections.waiting(status.waiting),
        f'<p class="error">{sections.text(status.beside)}.</p>' if status.beside else "",
        "</section>",
        sections.process(status),
        sections.timeline(status.history) if status.active or status.history else "",
        sections.files(paths) if paths else "",
        '<footer><a href="status.json">status.json</a></footer></main>',
    ]
    return TEMPLATE.format(
        title=state,
        icon=ICON,
        style=PAGE_STYLE,
        script=PAGE_SCRIPT,
        main="\n".join(part for part in parts if part),
    )


def _summary(status: Status) -> tuple[str, str, str, str]:
    """Return tone, state, headline, and one more sentence."""
    if not status.active:
        return "warn", "Inactive", "Nothing restarts here", f"{status.reason or 'Stopped'}."
    if status.holding is not None:
        more = "The old code keeps serving."
        if status.held is None or status.held.error is None:
            return "bad", "Held", "A restart is held", f"{status.holding}. {more}"
        what = "does not compile" if status.held.line else "holds the restart"
        return "bad", "Held", f"This file {what}", more
    if status.waiting:
        return (
            "news",
            "Waiting",
            "Waiting to restart",
            "The old code answers until these have ended:",
        )
    if status.restarting:
        return "news", "Restarting", "Restarting", "The new code answers next."
    if status.changed:
        return "news", "Changed", "Files have changed", "A restart follows if all checks pass."
    if not status.looks:
        return "news", "Starting", "First scan", "Comparing the files with the loaded code."
    files = f"{status.files:,} file" + ("s" if status.files != 1 else "")
    return "good", "Watching", f"Watching {files}", "The running code matches the files."
