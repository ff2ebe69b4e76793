"""The parts of the page: how a status, paths and times are shown."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from html import escape

from wsgireload.web.places import excerpt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wsgireload import Held, Restarted, Status

MOST = 2000  # files that the page lists; all of them are in status.json
MODES = {"daemon": "daemon mode", "embedded": "embedded mode", "windows": "Windows"}


class Shown:
    """How things are shown: paths from the application's folder, times from now."""

    def __init__(self, folder: str, now: float) -> None:
        self._folder = folder + os.sep if folder else ""
        self._now = now

    def text(self, text: str) -> str:
        """Any text, in which the application's folder goes without saying."""
        return escape(text.replace(self._folder, "") if self._folder else text)

    def held(self, held: Held) -> str:
        """The place that holds."""
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
        """What differs from what was loaded."""
        lines = "".join(f"<li><code>{self.text(path)}</code></li>" for path in paths[:MOST])
        return f'<ul class="changed">{lines}</ul>' if lines else ""

    def facts(self, status: Status, around: dict[str, str]) -> str:
        """What runs, since when and why."""
        version, group = around["version"], around["process_group"]
        server = f"mod_wsgi {version}" if version else "no Apache"
        mode = ", ".join(filter(None, (MODES.get(status.server), group and f"group {group}")))
        told = [
            ("Runs in", server, mode),
            ("Python", sys.version.split()[0], f"pid {status.pid}, parent {status.parent}"),
            ("Application", status.application or "the main interpreter", "application group"),
        ]
        if status.active and status.since is not None:
            told.append(("Since", self._clock(status.since), self._ago(status.since)))
        if status.generation is not None:
            why = status.reloaded or ("" if status.generation else "the first start")
            told.append(("Reloads so far", f"{status.generation}", why))
        if status.active:
            told.append(("Looks", f"{status.looks:,}", "at what may have changed"))
        lines = [
            f"<div><dt>{name}</dt><dd>{escape(value)}<small>{self.text(more)}</small></dd></div>"
            for name, value, more in told
        ]
        return f"<section><dl>{''.join(lines)}</dl></section>"

    def timeline(self, history: Sequence[Restarted]) -> str:
        """The last restarts, newest first; a bar shows how long each took beside the longest."""
        title = f"<h3>Reloads<small>the last {len(history)}</small></h3>" if history else ""
        if not history:
            return '<section><h3>Reloads</h3><p class="none">None yet.</p></section>'
        longest = max((each.took or 0.0 for each in history), default=0.0) or 1.0
        lines = "".join(
            f"<li><div><time>{self._clock(each.at)}</time><small>{self._ago(each.at)}</small></div>"
            f"<p>{self.text(each.reason)}</p>{_took(each.took, longest)}</li>"
            for each in history
        )
        return f'<section>{title}<ol class="timeline">{lines}</ol></section>'

    def files(self, paths: Sequence[str]) -> str:
        """All that is watched, by folder; the application's own first."""
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


def _took(took: float | None, longest: float) -> str:
    if took is None:
        return '<div class="took">&ndash;</div>'
    width = f"{100 * took / longest:.1f}"
    bar = f'<svg viewBox="0 0 100 4" preserveAspectRatio="none"><rect width="{width}" height="4"/>'
    return f'<div class="took">{took:.2f} s{bar}</svg></div>'
