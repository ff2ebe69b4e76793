"""The sections of the page."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from html import escape
from wsgiref.types import WSGIEnvironment

from wsgireload import Awaited, Held, Restarted, Status
from wsgireload.web.excerpt import excerpt

MOST = 2000  # files that the page lists; status.json has all of them
MODES = {"daemon": "daemon mode", "embedded": "embedded mode", "windows": "Windows"}


class Sections:
    """HTML for the parts of a status, with paths relative to the WSGI script's folder."""

    def __init__(self, environ: WSGIEnvironment, now: float) -> None:
        """`environ` is the request's, `now` the time in seconds since 1970."""
        script = environ.get("SCRIPT_FILENAME", "")
        self._folder = os.path.dirname(os.path.normpath(script)) + os.sep if script else ""
        self._mod_wsgi = ".".join(map(str, environ.get("mod_wsgi.version", ())))
        self._process_group = environ.get("mod_wsgi.process_group", "")
        self._now = now

    def text(self, text: str) -> str:
        """Return a text without the folder."""
        return escape(text.replace(self._folder, "") if self._folder else text)

    def held(self, held: Held) -> str:
        """Return the place that holds a restart."""
        line = "" if held.line is None else f":{held.line}"
        column = f":{held.column}" if line and held.column else ""
        text, caret = excerpt(held)
        code = ""
        if text:
            number = f"{held.line}  "
            code = f'<pre class="held"><code><i>{number}</i>{escape(text)}'
            code += f"\n{' ' * len(number)}<b>{caret}</b></code></pre>"
        where = f'<p class="where"><b>{self.text(held.path)}</b>{line}{column}</p>'
        return f'{where}{code}<p class="error">{escape(held.error or "")}</p>'

    def changed(self, paths: Sequence[str]) -> str:
        """Return the changed files."""
        lines = "".join(f"<li><code>{self.text(path)}</code></li>" for path in paths[:MOST])
        return f'<ul class="changed">{lines}</ul>' if lines else ""

    def waiting(self, awaited: Sequence[Awaited]) -> str:
        """Return what a restart waits for."""
        lines = "".join(f"<li>{self.text(each.described(self._now))}</li>" for each in awaited)
        return f'<ul class="changed">{lines}</ul>' if lines else ""

    def process(self, status: Status) -> str:
        """Return where the application runs, since when, and why it was last restarted."""
        group = self._process_group and f"group {self._process_group}"
        mode = ", ".join(filter(None, (MODES.get(status.server), group)))
        server = f"mod_wsgi {self._mod_wsgi}" if self._mod_wsgi else "not Apache"
        rows = [
            ("Server", server, mode),
            ("Python", sys.version.split()[0], f"pid {status.pid}, parent {status.parent}"),
            ("Application group", status.application or "%{GLOBAL}", _interpreter(status)),
        ]
        if status.active and status.since is not None:
            rows.append(("Running since", self._clock(status.since), self._ago(status.since)))
        if status.generation is not None:
            why = status.reloaded or ("" if status.generation else "the first start")
            rows.append(("Reloads", f"{status.generation}", why))
        if status.active:
            rows.append(("Scans", f"{status.looks:,}", "for changed files"))
        lines = [
            f"<div><dt>{name}</dt><dd>{escape(value)}<small>{self.text(more)}</small></dd></div>"
            for name, value, more in rows
        ]
        return f"<section><dl>{''.join(lines)}</dl></section>"

    def timeline(self, history: Sequence[Restarted]) -> str:
        """Return the last restarts, newest first, each with a bar for its duration."""
        if not history:
            return '<section><h3>Reloads</h3><p class="none">None yet.</p></section>'
        longest = max(each.took or 0.0 for each in history) or 1.0
        lines = "".join(
            f"<li><div><time>{self._clock(each.at)}</time><small>{self._ago(each.at)}</small></div>"
            f"<p>{self.text(each.reason)}</p>{_duration(each.took, longest)}</li>"
            for each in history
        )
        title = f"<h3>Reloads<small>the last {len(history)}</small></h3>"
        return f'<section>{title}<ol class="timeline">{lines}</ol></section>'

    def files(self, paths: Sequence[str]) -> str:
        """Return the watched files by folder, the application's own folders first."""
        folders: dict[str, list[str]] = {}
        for path in paths[:MOST]:
            folders.setdefault(os.path.dirname(path), []).append(os.path.basename(path))
        own = self._folder.rstrip(os.sep)
        order = sorted(folders, key=lambda folder: (not (folder + os.sep).startswith(own), folder))
        lists = "".join(
            f"<h4>{escape(folder)}</h4><ul>"
            + "".join(f"<li>{escape(name)}</li>" for name in folders[folder])
            + "</ul>"
            for folder in order
        )
        rest = f"<p>and {len(paths) - MOST} more</p>" if len(paths) > MOST else ""
        summary = f"<summary>Files<small>{len(paths):,}</small></summary>"
        return f"<details>{summary}<div>{lists}{rest}</div></details>"

    def _clock(self, at: float) -> str:
        then, today = time.localtime(at), time.localtime(self._now)
        return time.strftime("%H:%M:%S" if then[:3] == today[:3] else "%b %d %H:%M", then)

    def _ago(self, at: float) -> str:
        passed = max(0, int(self._now - at))
        for seconds, unit in ((86400, "d"), (3600, "h"), (60, "min")):
            if passed >= seconds:
                return f"{passed // seconds} {unit} ago"
        return f"{passed // 5 * 5} s ago" if passed >= 5 else "just now"


def _interpreter(status: Status) -> str:
    return "a sub-interpreter" if status.application else "the main interpreter"


def _duration(took: float | None, longest: float) -> str:
    if took is None:
        return '<div class="took">&ndash;</div>'
    width = f"{100 * took / longest:.1f}"
    bar = f'<svg viewBox="0 0 100 4" preserveAspectRatio="none"><rect width="{width}" height="4"/>'
    return f'<div class="took">{took:.2f} s{bar}</svg></div>'
