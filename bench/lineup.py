"""Who takes part in bench/restart: wsgireload with each measure, and the peers."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from applications import SITES
from contenders import Contender, Program, UnderApache
from support.apache import Apache
from support.apacheserver import Server
from support.commandline import CommandLine
from support.expressserver import ExpressSite, express
from support.httpdconf import GROUP, Application
from support.packages import copy_packages

LATEST = "6.1.1"
SERVERS = ("4.9.4", LATEST)
"""Versions of mod_wsgi: Debian 12's, and PyPI's latest."""
ALIAS = 'WSGIScriptAlias / "{app}/served.py" process-group={group} application-group=%{{GLOBAL}}\n'
"""As docs/linux.md has it; naming both groups preloads the application."""
RESPAWN = 'LoadFile "{library}/wsgireload/respawn.so"\n'
KEEP = "WSGIDestroyInterpreter Off\n"
OURS = """\
import wsgireload
wsgireload.start(when="now", budget=(100, 1.0){settings})
"""
"""when="now" is what "auto" does while no request runs; the budget is for as many saves as ours."""
LATER = """\


def log_settling():
    import sys
    from wsgireload.decide import settle, verdict

    def check(self, changes, original=settle.Settle.check):
        found = original(self, changes)
        if isinstance(found, verdict.Go):
            print("bench: settled", file=sys.stderr, flush=True)
        return found

    settle.Settle.check = check


stamps.LATER.append(log_settling)
"""
"""Logs when a change counts as complete. It is for the next save: its imports must not take part in
the start of a process.
"""
RECIPE = "import monitor\nmonitor.start()"
PROGRAMS = {
    "gunicorn poll": "gunicorn served:application --reload --reload-engine poll --bind {address}",
    "gunicorn inotify": (
        "gunicorn served:application --reload --reload-engine inotify --bind {address}"
    ),
    "uvicorn stat": "uvicorn served:application --interface wsgi --reload --port {port}",
    "uvicorn watchfiles": "uvicorn served:application --interface wsgi --reload --port {port}",
    "flask stat": "flask --app served run --debug --port {port}",
    "flask watchdog": "flask --app served run --debug --port {port}",
    "django stat": "django runserver {address}",
}
"""Peer -> its own command after `python -m`. The first word is its distribution; the second is how
it notices a save. uvicorn and Flask choose "stat" where the other's package is not installed."""
PEERS = ("recipe", "express", *PROGRAMS)
ONE_SITE = ("flask", "django")
"""Peers that serve one framework: the key of that application."""


class Measure(NamedTuple):
    """What is done for a sooner answer: Apache's directives, wsgireload's settings, bytecode."""

    name: str
    directives: str = ""
    settings: str = ", settle=0.0501"  # the default itself is less for a save that is complete
    bytecode: bool = True


MEASURES = {
    "none": Measure("alone"),
    "respawn": Measure("respawn.so", RESPAWN),
    "finalise": Measure("WSGIDestroyInterpreter Off", KEEP),
    "settle": Measure("settle as needed", settings=""),
    "bytecode": Measure("no bytecode", bytecode=False),
    "all": Measure("all three", RESPAWN + KEEP, settings=""),
}
"""Each alone and all of them; and what it costs that Apache's user cannot write bytecode."""
BOTH_ENDS = ("none", "all")
"""The measures that are shown with every mod_wsgi; the others with the latest."""


class Lineup:
    """Makes contenders, in a folder that Apache's user may read."""

    def __init__(self, root: Path, sites: Collection[str]) -> None:
        self._root = root
        self._packages = [package for site in sites for package in SITES[site].packages]
        every = ("wsgireload", *self._packages)
        self._library = copy_packages(folder(root / "library"), *every)
        self._bare = copy_packages(folder(root / "bare"), *every)
        for path in self._bare.rglob("*.pyc"):
            path.unlink()
        for path in [*filter(Path.is_dir, self._bare.rglob("*")), self._bare]:
            path.chmod(0o555)
        self._hidden = folder(root / "hidden")
        for package in ("watchdog", "watchfiles"):
            (self._hidden / f"{package}.py").write_text("raise ImportError('hidden')\n")
        self._venv: CommandLine | None = None

    def ours(self, site: str, server: str, measure: str) -> Contender:
        """wsgireload in an Apache with this mod_wsgi and this measure."""
        chosen = MEASURES[measure]
        library = self._library if chosen.bytecode else self._bare
        made = self._apache(server, library, chosen.directives)
        start = OURS.format(settings=chosen.settings)
        contender = UnderApache(f"{server} {measure}", made, SITES[site], (start, LATER))
        made.app.chmod(0o755 if chosen.bytecode else 0o555)
        return contender

    def peers(self, site: str, chosen: Collection[str]) -> Iterator[Contender]:
        """Those of the chosen peers that can serve this application."""
        if "recipe" in chosen:
            server = self._apache(LATEST, self._library, "")
            yield UnderApache("recipe", server, SITES[site], (RECIPE, ""))
        if "express" in chosen:
            yield UnderApache("express", self._express(), SITES[site], ("", ""))
        for peer, command in PROGRAMS.items():
            if peer in chosen and peer.split()[0] not in set(ONE_SITE) - {site}:
                hidden = [str(self._hidden)] if peer.endswith("stat") else []
                place = self._root / "programs" / f"{site} {peer}"
                yield Program(peer, command, SITES[site], place, hidden)

    def _apache(self, server: str, library: Path, directives: str) -> Server:
        served = Application(scripts={}, python_path=[library])
        made = Server(apache(server), served)
        text = directives.format(library=library) + ALIAS.format(app=made.app, group=GROUP)
        made.served = replace(served, directives=text)
        return made

    def _express(self) -> Server:
        if self._venv is None:
            self._venv = CommandLine.make(self._root / "venv", "mod_wsgi", *self._packages)
            express(self._venv.home)
        made = ExpressSite(self._venv, "--reload-on-changes", "--log-level", "info")
        made.entry_point = str(made.app / "served.py")
        return made


def apache(server: str) -> Apache:
    """The system's Apache with a mod_wsgi of this version."""
    if server == LATEST:
        return Apache.of_venv(Path(sys.prefix))
    return Apache.of_the_system()


def folder(path: Path) -> Path:
    """A new folder."""
    path.mkdir()
    return path


def titled(peer: str) -> str:
    """A peer as the table names it, with its version."""
    distribution, _, way = peer.partition(" ")
    if peer == "recipe":
        return "mod_wsgi's recipe"
    if peer == "express":
        return f"mod_wsgi-express {version('mod_wsgi')} --reload-on-changes"
    names = {"flask": "flask run", "django": "runserver"}
    named = names.get(distribution, f"{distribution} --reload")
    return f"{named} ({version(distribution)}, {way})"
