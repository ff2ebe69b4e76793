"""The page that shows a status."""

from __future__ import annotations

from base64 import b64encode
from wsgiref.types import WSGIEnvironment

from wsgireload import Status
from wsgireload.threads import time
from wsgireload.web.assets import PAGE_SCRIPT, PAGE_STYLE
from wsgireload.web.hashes import sha256
from wsgireload.web.sections import Sections
from wsgireload.web.summary import summary

ARROW = (
    '<svg role="img" aria-label="Arrow in a circle" viewBox="0 0 24 24" fill="none"'
    ' stroke="{colour}" stroke-width="2.4"'
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
<script{data}>{script}</script>
</body>
</html>
"""
MAIN = "wsgireload"  # by which the script knows its own page


def policy(script: str) -> str:
    """Return the Content-Security-Policy of a document with this script, and nothing else."""
    return (
        f"default-src 'none'; script-src {_hash_source(script)};"
        f" style-src {_hash_source(PAGE_STYLE)};"
        " connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    )


def _hash_source(text: str) -> str:
    """Return the source by which a Content-Security-Policy allows exactly this text."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


POLICY = policy(PAGE_SCRIPT)
ICON = ARROW.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
ICON = ICON.format(colour="%232457c5").replace('"', "'")


def render(status: Status, environ: WSGIEnvironment) -> str:
    """Return the page. Every value is escaped."""
    sections = Sections(environ, time.time())
    tone, state, headline, more = summary(status)
    paths = status.paths()
    parts = [
        f'<main id="{MAIN}" class="{tone}">',
        header(state),
        f'<section class="now"><h2>{sections.text(headline)}</h2><p>{sections.text(more)}</p>',
        sections.reasons(status),
        "</section>",
        sections.process(status),
        sections.timeline(status.history) if status.active or status.history else "",
        sections.files(paths) if paths else "",
        '<footer><a href="status.json">status.json</a></footer></main>',
    ]
    return document(state, "\n".join(part for part in parts if part), PAGE_SCRIPT)


def header(state: str) -> str:
    """Return the first line of a page; `state` is one word."""
    arrow = ARROW.format(colour="currentColor")
    return f'<header>{arrow}<h1>wsgireload</h1><p class="state" role="status">{state}</p></header>'


def document(title: str, main: str, script: str, data: str = "") -> str:
    """Return a whole document, of escaped texts; `data` are attributes of the script."""
    return TEMPLATE.format(
        title=title, icon=ICON, style=PAGE_STYLE, script=script, main=main, data=data
    )
