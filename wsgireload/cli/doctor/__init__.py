"""Would a reload work here? Each line is ok, warn or fail, with what to do.

Apache itself parses its configuration; it is run with -t, which starts nothing.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import asdict

from wsgireload.cli import directives as directive
from wsgireload.cli import httpd as apaches
from wsgireload.cli import served as serving
from wsgireload.cli.doctor import apache, files, python, script
from wsgireload.cli.doctor.finding import Finding
from wsgireload.cli.doctor.here import Here
from wsgireload.cli.httpd import Httpd
from wsgireload.cli.terminal import level, say, say_json


def arguments(command: argparse.ArgumentParser) -> None:
    """What to look at; by default all that Apache serves."""
    command.add_argument("script", nargs="?", metavar="WSGI-SCRIPT", help="look at this one alone")
    add_apache(command)


def add_apache(command: argparse.ArgumentParser) -> None:
    """Which Apache."""
    command.add_argument("--httpd", metavar="PATH", help="Apache's program")
    command.add_argument("--config", metavar="FILE", help="its main configuration file")


def run(chosen: argparse.Namespace) -> int:
    """0 where every line is ok."""
    program = apaches.find(chosen.httpd)
    httpd = Httpd(program, chosen.config) if program else None
    found = list(examine(httpd, chosen.script, Here.now(), chosen.httpd))
    well = all(each.level == "ok" for each in found)
    if chosen.json:
        say_json({"ok": well, "findings": [asdict(each) for each in found]})
    else:
        for each in found:
            say(f"{level(each.level)}  {each.what}: {each.text}")
            if each.cure:
                say(f"      -> {each.cure}")
    return 0 if well else 1


def examine(
    httpd: Httpd | None, named: str | None, here: Here, given: str | None = None
) -> Iterator[Finding]:
    """Everything, from Apache inwards; where Apache would not start the rest cannot be known."""
    yield apache.program(httpd, given)
    if httpd is None or httpd.build is None:
        yield from _without_apache(here)
        return
    if httpd.dump.trouble:
        yield apache.configuration(httpd, here, printed=True)
        yield python.fits(here, httpd, None)
        yield python.core()
        return
    directives, printed = directive.of(httpd)
    yield apache.configuration(httpd, here, printed=printed)
    finding, module = apache.mod_wsgi(httpd, directives, here)
    yield finding
    yield from apache.running(httpd)
    yield from apache.accepting(directives, here)
    yield python.fits(here, httpd, module)
    yield from python.installed_for(here)
    core = python.core()
    yield core
    those, missing = script.chosen(named, serving.of(directives))
    yield from missing
    for each in those:
        yield from script.served(each, directives, here)
        if here.windows or each.daemon is not None:
            yield python.reached(here, each, directives)
        yield python.may_read(here, each, httpd.dump.user)
        if core.level == "ok":  # it is what hears of events
            yield from files.folders([*each.folders, os.path.dirname(here.package)])
    if not here.windows:
        yield from files.limits(_number(httpd.dump.user))


def _without_apache(here: Here) -> Iterator[Finding]:
    yield python.core()
    yield from python.installed_for(here)


def _number(user: str) -> int | None:
    """The user's number; None for who we are."""
    import pwd

    try:
        return pwd.getpwnam(user).pw_uid if user else None
    except KeyError:
        return None
