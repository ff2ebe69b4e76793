"""The WSGI script: is it served, in a process that may be replaced, with nothing in the way?"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from wsgireload.cli import served as serving
from wsgireload.cli.directives import Directive
from wsgireload.cli.doctor.finding import Finding, fail, ok, warn
from wsgireload.cli.doctor.here import Here
from wsgireload.cli.served import GLOBAL, Served

SECONDS = "5"  # mod_wsgi's shutdown-timeout where none is given


def chosen(script: str | None, found: Sequence[Served]) -> tuple[list[Served], list[Finding]]:
    """Those to look at: the one that was named, or all."""
    if script is None:
        if found:
            return list(found), []
        cure = "`wsgireload config SCRIPT` prints the lines"
        return [], [fail("WSGI script", "no WSGIScriptAlias is in the configuration", cure)]
    path = os.path.realpath(script)
    if not os.path.isfile(path):
        return [], [
            fail("WSGI script", f"{script} is not there", "name the file of WSGIScriptAlias")
        ]
    those = [each for each in found if os.path.realpath(each.script) == path]
    if those:
        return those, []
    cure = f"`wsgireload config {script}` prints the lines"
    return [], [fail("WSGI script", f"no WSGIScriptAlias leads to {script}", cure)]


def served(script: Served, directives: Sequence[Directive], here: Here) -> Iterator[Finding]:
    """All that Apache's configuration says about one script."""
    yield _there(script)
    if not here.windows:
        yield _process(script, directives)
        if script.daemon is not None:
            yield _draining(script)
    yield _interpreter(script)
    yield _reloading(script, directives)
    yield from _server_wide(directives, here)


def _there(script: Served) -> Finding:
    where = f"{script.url} -> {script.script} ({script.alias})"
    if not os.path.isfile(script.script):
        return fail(
            "WSGI script",
            f"{where}: the file is not there",
            "correct the path, or write the script",
        )
    try:
        with open(script.script, encoding="utf-8", errors="replace") as file:
            begins = "wsgireload.start(" in file.read()
    except OSError:  # the permissions are looked at as well
        return ok("WSGI script", where)
    if begins:
        return ok("WSGI script", where)
    return warn(
        "WSGI script",
        f"{where} has no wsgireload.start()",
        "put at its top: import wsgireload; wsgireload.start()",
    )


def _process(script: Served, directives: Sequence[Directive]) -> Finding:
    names = [each.arguments[0] for each in directives if each.name == "wsgidaemonprocess"]
    if script.daemon is not None:
        return ok("process", f"daemon process group {script.group!r} ({script.daemon})")
    if script.group:
        text = f"no WSGIDaemonProcess has the name of its process group, {script.group!r}"
        there = f"; there are: {', '.join(names)}" if names else ""
        return fail(
            "process", text + there, f"add `WSGIDaemonProcess {script.group}`, or correct the name"
        )
    if names:
        text = f"it runs in embedded mode, though there is WSGIDaemonProcess {names[0]}"
        return fail("process", text, f"add to its WSGIScriptAlias: process-group={names[0]}")
    name = os.path.splitext(os.path.basename(script.script))[0]
    cure = f"add `WSGIDaemonProcess {name}` and, to its WSGIScriptAlias, process-group={name}"
    return fail(
        "process", "it runs in embedded mode, where a child may not restart its Apache", cure
    )


def _draining(script: Served) -> Finding:
    timeout = script.option("shutdown-timeout") or SECONDS
    if not timeout.isdecimal() or timeout == "0":
        text = f"shutdown-timeout={timeout}"
        return warn("shutdown-timeout", text, "give it the seconds that your longest request takes")
    return ok("shutdown-timeout", f"what still runs {timeout} s after a restart is cut")


def _interpreter(script: Served) -> Finding:
    if script.interpreter == GLOBAL:
        return ok("WSGIApplicationGroup", "%{GLOBAL}: the main interpreter")
    name = script.interpreter or "%{RESOURCE}"
    return ok("WSGIApplicationGroup", f"{name}: a sub-interpreter")


def _reloading(script: Served, directives: Sequence[Directive]) -> Finding:
    said = serving.applying(directives, "wsgiscriptreloading", script.alias)
    if said is not None and said.arguments[:1] and said.arguments[0].lower() == "off":
        text = (
            f"it is off ({said}): mod_wsgi never asks reload_required, so that requests may be cut"
        )
        return warn("WSGIScriptReloading", text, "take that line out: On is the default")
    return ok("WSGIScriptReloading", "on")


def _server_wide(directives: Sequence[Directive], here: Here) -> Iterator[Finding]:
    restricted = _said(directives, "wsgirestrictembedded")
    if not here.windows:
        text = (
            "on: no Python in Apache's own children"
            if restricted == "on"
            else ("off: Apache's own children hold a Python as well, which does no harm")
        )
        yield ok("WSGIRestrictEmbedded", text)
    elif restricted == "on":
        text = "it is on, and embedded is the only mode there is on Windows"
        yield fail("WSGIRestrictEmbedded", text, "take that line out")
    if _said(directives, "wsgidestroyinterpreter") == "off":
        text = "off: an application's own atexit functions are not run when its process ends"
        yield ok("WSGIDestroyInterpreter", text)


def _said(directives: Sequence[Directive], name: str) -> str:
    found = [
        each.arguments[0].lower() for each in directives if each.name == name and each.arguments
    ]
    return found[-1] if found else ""
