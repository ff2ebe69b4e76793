"""List the files that would be watched, by folder.

The script is loaded in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from wsgireload.cli import loading, modules, programs
from wsgireload.cli.apache import accounts, directives, httpd, sites
from wsgireload.cli.apache.accounts import Identity
from wsgireload.cli.running import processes
from wsgireload.cli.terminal import (
    UsageError,
    busy,
    print_aside,
    print_error,
    print_json,
    print_text,
)
from wsgireload.errors import NativeError
from wsgireload.log import shown
from wsgireload.watch.events import Events

ENVIRONMENT = "its variables are those of this shell; root sees those of an Apache that runs"


@dataclass(frozen=True)
class Surroundings:
    """Where a script is loaded: with which folders of modules, which Python, in which folder.

    `identity` is as whom, if not as this process; `environment` are the variables of its running
    Apache, None if they are unknown.
    """

    path: list[str]
    python: str = sys.executable
    folder: str | None = None
    identity: Identity | None = None
    environment: dict[str, str] | None = None


@dataclass(frozen=True)
class Folder:
    """A folder and its files. `polled` is why they are polled; "" if events report changes."""

    path: str
    files: list[str]
    polled: str


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the script, and where its modules are."""
    command.add_argument("script", metavar="SCRIPT", help="WSGI script")
    command.add_argument(
        "--path",
        action="append",
        default=[],
        metavar="FOLDER",
        help="folder of modules; repeat it for more (default: those that Apache's configuration "
        "names for the script)",
    )
    command.add_argument("--all", action="store_true", help="list each file")
    httpd.add_arguments(command)


def run(options: argparse.Namespace) -> int:
    """Return 1 if the script cannot be loaded."""
    script = os.path.abspath(options.script)
    if not os.path.isfile(script):
        raise UsageError(f"SCRIPT is {options.script!r}; it takes an existing WSGI script")
    given = [os.path.abspath(folder) for folder in options.path]
    where = surroundings(script, options)
    if given:
        where = Surroundings(given, identity=where.identity, environment=where.environment)
    loaded = load(script, where)
    if loaded is None:
        by = f" as {where.identity.name}" if where.identity else ""
        print_error(
            f"cannot load {options.script}{by}, see above; --path adds the folders of its modules"
            + ("" if where.environment else f"; {ENVIRONMENT}")
        )
        return 1
    found = folders([*loaded["sources"], *loaded["tracked"]], loaded["watch"])
    if options.json:
        data = [asdict(each) for each in found]
        print_json({"ok": True, "tracked": loaded["tracked"], "folders": data})
        return 0
    print_text(summary(found))
    for each in found:
        count = f"{len(each.files)} file{'s' if len(each.files) != 1 else ''}"
        how = f"polled: {each.polled}" if each.polled else "events"
        print_text(f"  {shown(each.path)}: {count}, {how}")
        if options.all:
            print_text("\n".join(f"    {shown(os.path.basename(path))}" for path in each.files))
    return 0


def surroundings(script: str, options: argparse.Namespace) -> Surroundings:
    """Return where Apache's configuration loads a script, or else where `config` would."""
    apache = httpd.named(options)
    every = directives.read(apache)[0] if apache and apache.build else []
    served = sites.of_script(script, sites.find(every, script))
    if apache is None or not served:
        return Surroundings([modules.root(script)])
    site = served[0]
    path, home = sites.python_path(site, every), sites.python_home(site, every)
    python = os.path.join(home, "bin", "python")  # of a virtual environment
    own = home and os.path.isfile(python) and not os.path.samefile(home, sys.prefix)
    folder = site.option("home") or None
    # As under Apache: root's files would keep the application from writing there.
    identity = accounts.of_site(site, apache.dump).identity()
    if identity is not None and os.geteuid() != 0:  # then it cannot be another
        identity = None
    python = python if own else sys.executable
    return Surroundings(path, python, folder, identity, processes.environment(apache.pid) or None)


def load(script: str, where: Surroundings) -> dict[str, Any] | None:
    """Return the JSON of cli/loading.py; None if the script fails, with its traceback on stderr."""
    words = [where.python, "-P", loading.__file__, script, *where.path]
    # Without bytecode: a __pycache__ of root's keeps Apache's user from writing its own.
    environment = {"WSGIRELOAD": "off", "PYTHONDONTWRITEBYTECODE": "1"}
    with busy(f"still loading {shown(script)}"):
        code, out, error = programs.run(
            words, environment, where.folder, identity=where.identity, base=where.environment
        )
    for line in error.splitlines():
        print_aside(line)
    return dict(json.loads(out)) if code == 0 and out else None  # no text: it has ended early


def folders(paths: list[str], watch: str) -> list[Folder]:
    """Group files by folder, with how a monitor with this `watch` setting would watch them."""
    files: dict[str, list[str]] = {}
    for path in sorted(set(paths)):
        files.setdefault(os.path.dirname(path), []).append(path)
    try:
        reasons = {} if watch == "poll" else reasons_to_poll(paths, trust=watch == "events")
        default = "watch='poll'"
    except NativeError as error:
        reasons, default = {}, str(error)
    return [Folder(path, files[path], reasons.get(path, default)) for path in files]


def reasons_to_poll(paths: Iterable[str], *, trust: bool) -> dict[str, str]:
    """Return the folders of these files, each with why the system cannot watch it; "" if it can.

    `trust` includes file systems known to lose events. NativeError if there are no events at all.
    """
    warnings: list[str] = []
    events = Events(trust=trust, trouble=warnings.append)
    reasons: dict[str, str] = {}
    try:
        for path in paths:
            folder, known = os.path.dirname(path), len(warnings)
            reason = ""
            if not events.listen(path):
                last = (warnings[known:] or warnings or ["the system cannot watch it"])[-1]
                reason = last.rpartition(": ")[2]
            reasons[folder] = reasons.get(folder) or reason
    finally:
        events.end()
    return reasons


def summary(found: list[Folder]) -> str:
    """Return the number of files, by events and polled, in one line."""
    total = sum(len(each.files) for each in found)
    polled = sum(len(each.files) for each in found if each.polled)
    return f"{total} files in {len(found)} folders: {total - polled} by events, {polled} polled"
