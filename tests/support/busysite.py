"""A site that is reloaded again and again while a crowd asks it: with versions that are numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from math import inf
from typing import Any

from support.errorlog import Line
from support.testsite import START, Site, Sites
from support.traffic import Traffic, Visit

LINE = "reload_required = wsgireload.reload_required"
LOADED = "the application is loaded"
"""The last line that the script logs."""
GONE = re.compile(r"Shutdown requested|Process 'site' \(pid=(?P<pid>\d+)\) has died")
"""What mod_wsgi says, in the process that ends and in its parent."""
ROOM = """
MaxSpareThreads 50
ThreadsPerChild 50
MaxRequestWorkers 50
"""
"""Apache's own threads: more than there are clients."""


def crowd(site: Site, clients: int, *, name: str = "words.WORD", pause: float = 0.0) -> Traffic:
    """Many clients that request the version, which grows from one save to the next."""
    return Traffic(site, clients, name=name, pause=pause)


def busy_site(new_site: Sites, settings: str, *, directives: str = "", **options: Any) -> Site:
    """Start a site at version 0 whose requests ask; it may restart as often as it likes.

    `settings` are those of wsgireload.start(), which else are the defaults.
    """
    site = new_site(directives=ROOM + directives, **options)
    site.edit("app.wsgi", f"{START})", f"wsgireload.start(budget=(100, 1.0), {settings})\n{LINE}")
    script = site.app / "app.wsgi"
    text = script.read_text("utf-8")
    site.write("app.wsgi", f"{text}\n\nimport sys\n\nprint({LOADED!r}, file=sys.stderr)\n")
    save(site, 0)
    site.start()
    return site


def save(site: Site, version: int) -> None:
    """Save a version, whole from one moment to the next: nobody loads half of it."""
    write(site, f"WORD = {version}\n")


def write(site: Site, text: str) -> None:
    """The same with any text.

    Windows refuses to replace a file that somebody reads, as Python does that imports it.
    """
    new = site.write("words.new", text)

    def replaced() -> bool:
        try:
            new.replace(site.app / "words.py")
        except PermissionError:
            return False
        return True

    site.wait_for(replaced, "a moment when no process reads words.py")


def fewest_ready(site: Site, processes: int, killed: int = 0) -> int:
    """The fewest processes that were able to answer at one moment, once all had been.

    See `ready`.
    """
    counts = [count for _, count in ready(site.log.lines(), killed)]
    return min(counts[counts.index(processes) :])


def ready(lines: Iterable[Line], killed: int = 0) -> Iterator[tuple[float, int]]:
    """How many processes are able to answer from each time on (seconds since 1970).

    By the error log, in which each line stands when it happened: a process is able once it has
    loaded the application, until it is told to end. Nobody tells the one that is `killed`: it
    counts as gone from the moment on at which it has the turn, some milliseconds too early.
    """
    able: set[int] = set()
    for line in lines:
        if line.text.endswith(LOADED):  # mod_wsgi 6 names the script before, in a request
            able.add(line.pid)
        elif gone := GONE.match(line.text):
            able.discard(int(gone["pid"] or line.pid))
        elif line.pid == killed and line.text.startswith("wsgireload: restarting: "):
            able.discard(killed)
        yield line.when, len(able)


def taken_back(visits: Iterable[Visit]) -> list[Visit]:
    """Those that began after somebody had seen a later version than the one that answered them."""
    first: dict[int, float] = {}
    visits = list(visits)
    for visit in visits:
        first[visit.value] = min(visit.ended, first.get(visit.value, inf))
    overtaken, later = {}, inf
    for version in sorted(first, reverse=True):
        overtaken[version], later = later, min(later, first[version])
    return [visit for visit in visits if visit.began > overtaken[visit.value]]
