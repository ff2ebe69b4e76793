"""The sections of the page."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from html import escape
from wsgiref.types import WSGIEnvironment

from wsgireload import Awaited, Held, Restarted, Status
from wsgireload.report import Failed
from wsgireload.server.libraries import is_own
from wsgireload.web.excerpt import excerpt
from wsgireload.web.summary import clock

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

    def reasons(self, status: Status) -> str:
        """Return all that explains the state: places, outputs, files, and what is waited for."""
        parts = [
            self.failed(status.failed) if status.failed else "",
            self.held(status.held) if status.held else self.changed(status.changed),
            block("Output of the check", escape(status.output)) if status.output else "",
            self.waiting(status.waiting),
            f'<p class="error">{self.text(status.beside)}.</p>' if status.beside else "",
        ]
        return "\n".join(filter(None, parts))

    def failed(self, failed: Failed) -> str:
        """Return why the application could not be loaded, with its traceback."""
        where = self.where(failed.path, failed.line) if failed.path else ""
        error = f'<p class="error">{escape(failed.error)}</p>'
        when = f"<p><time>{clock(failed.at)}</time>, {self._ago(failed.at)}</p>"
        return f"{where}{error}{when}{block('Traceback', escape(failed.traceback))}"

    def where(self, path: str, line: int | None, column: int | None = None) -> str:
        numbers = "".join(f":{each}" for each in (line, column if line else None) if each)
        return f'<p class="where"><b>{self.text(path)}</b>{numbers}</p>'

    def held(self, held: Held) -> str:
        text, caret = excerpt(held)
        code = ""
        if text:
            number = f"{held.line}  "
            line = f"<i>{number}</i>{escape(text)}\n{' ' * len(number)}<b>{caret}</b>"
            code = block("The line", line)
        where = self.where(held.path, held.line, held.column)
        return f'{where}{code}<p class="error">{escape(held.error or "")}</p>'

    def changed(self, paths: Sequence[str]) -> str:
        return _listed(f"<code>{self.text(path)}</code>" for path in paths[:MOST])

    def waiting(self, awaited: Sequence[Awaited]) -> str:
        return _listed(self.text(each.described(self._now)) for each in awaited)

    def process(self, status: Status) -> str:
        """Return where the application runs, since when, and why it was last restarted."""
        group = self._process_group and f"group {self._process_group}"
        mode = ", ".join(filter(None, (MODES.get(status.server), group)))
        server = f"mod_wsgi {self._mod_wsgi}" if self._mod_wsgi else "not Apache"
        interpreter = "a sub-interpreter" if status.application else "the main interpreter"
        rows = [
            ("Server", server, mode),
            ("Python", sys.version.split()[0], f"pid {status.pid}, parent {status.parent}"),
            ("Application group", status.application or "%{GLOBAL}", interpreter),
        ]
        if status.script:
            rows.insert(0, ("Script", os.path.basename(status.script), status.script))
        if status.active and status.since is not None:
            rows.append(("Running since", clock(status.since), self._ago(status.since)))
        if status.requests is not None:
            rows.append(("Requests", f"{status.requests:,}", "begun in this process"))
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
            f"<li><div><time>{clock(each.at)}</time><small>{self._ago(each.at)}</small></div>"
            f"<p>{self.text(each.reason)}</p>{_duration(each.took, longest)}</li>"
            for each in history
        )
        title = f"<h3>Reloads<small>the last {len(history)}</small></h3>"
        return f'<section>{title}<ol class="timeline">{lines}</ol></section>'

    def files(self, paths: Sequence[str]) -> str:
        """Return the watched files by folder: a person's own, and the others folded."""
        own = [path for path in paths if is_own(path)]
        others = [path for path in paths if not is_own(path)]
        parts = []
        if own:
            title = f"<h3>Your files<small>{len(own):,}</small></h3>"
            parts.append(f'<section class="files">{title}{self._folders(own)}</section>')
        if others:
            title = f"{len(others):,} {'other ' if own else ''}file{'s' * (len(others) != 1)}"
            summary = f"<summary>{title}<small>of Python and of packages</small></summary>"
            parts.append(f"<details>{summary}<div>{self._folders(others)}</div></details>")
        return "\n".join(parts)

    def _folders(self, paths: Sequence[str]) -> str:
        """Return paths by folder, those of the WSGI script's folder first."""
        folders: dict[str, list[str]] = {}
        for path in paths[:MOST]:
            folders.setdefault(os.path.dirname(path), []).append(os.path.basename(path))
        near = self._folder.rstrip(os.sep)
        order = sorted(folders, key=lambda folder: (not (folder + os.sep).startswith(near), folder))
        lists = "".join(
            f"<p>{escape(folder)}</p><ul>"
            + "".join(f"<li>{escape(name)}</li>" for name in folders[folder])
            + "</ul>"
            for folder in order
        )
        return lists + (f"<p>and {len(paths) - MOST} more</p>" if len(paths) > MOST else "")

    def _ago(self, at: float) -> str:
        passed = max(0, int(self._now - at))
        for seconds, unit in ((86400, "d"), (3600, "h"), (60, "min")):
            if passed >= seconds:
                return f"{passed // seconds} {unit} ago"
        return f"{passed // 5 * 5} s ago" if passed >= 5 else "just now"


def block(name: str, code: str) -> str:
    """Return a block of code, of escaped texts, which can be scrolled with the keyboard."""
    return (
        f'<pre class="held" role="region" aria-label="{name}" tabindex="0">'
        f"<code>{code}</code></pre>"
    )


def _listed(items: Iterable[str]) -> str:
    lines = "".join(f"<li>{each}</li>" for each in items)
    return f'<ul class="changed">{lines}</ul>' if lines else ""


def _duration(took: float | None, longest: float) -> str:
    if took is None:
        return '<div class="took">&ndash;</div>'
    width = f"{100 * took / longest:.1f}"
    name = f"{took:.2f} s, the longest {longest:.2f} s"
    bar = f'<svg role="img" aria-label="{name}" viewBox="0 0 100 4" preserveAspectRatio="none">'
    return f'<div class="took">{took:.2f} s{bar}<rect width="{width}" height="4"/></svg></div>'
