"""Check whether reloads work here; print a verdict, and each problem with a cure.

Apache itself parses its configuration, by `httpd -t`, which starts nothing.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from wsgireload.cli import directives, sites
from wsgireload.cli import httpd as apaches
from wsgireload.cli.directives import Directive
from wsgireload.cli.doctor import apache, layout, python, script, watching
from wsgireload.cli.doctor.finding import Finding
from wsgireload.cli.httpd import Httpd
from wsgireload.cli.installation import Installation
from wsgireload.cli.sites import Site
from wsgireload.cli.terminal import columns, print_json, print_text


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the script, by default all that Apache serves, and the Apache."""
    command.add_argument(
        "script", nargs="?", metavar="WSGI-SCRIPT", help="check only this WSGI script"
    )
    apaches.add_arguments(command)


def run(options: argparse.Namespace) -> int:
    """Return 0 if every finding is ok."""
    httpd = apaches.named(options)
    findings = list(examine(httpd, options.script, Installation.current(), options.httpd))
    is_well = all(each.level == "ok" for each in findings)
    if options.json:
        print_json({"ok": is_well, "findings": [asdict(each) for each in findings]})
        return 0 if is_well else 1
    print_text("\n".join(layout.lines(findings, columns())))
    return 0 if is_well else 1


def examine(
    httpd: Httpd | None,
    script_path: str | None,
    installation: Installation,
    program: str | None = None,
) -> Iterator[Finding]:
    """Check everything from Apache inwards, as far as Apache itself works.

    `program` is the value of --httpd.
    """
    yield apache.program(httpd, program)
    if httpd is None or httpd.build is None:
        yield python.native_module()
        yield from python.installed_for_all_users(installation)
        return
    if httpd.dump.error:
        yield apache.broken_configuration(httpd, installation)
        yield python.version(installation, httpd, None)
        yield python.native_module()
        return
    every, is_printed = directives.read(httpd)
    yield apache.configuration(httpd, is_printed=is_printed)
    finding, module = apache.mod_wsgi(httpd, every, installation)
    yield finding
    yield from apache.running(httpd)
    yield from apache.accept_filter(every, installation)
    yield python.version(installation, httpd, module)
    yield from python.installed_for_all_users(installation)
    native_module = python.native_module()
    yield native_module
    selected, missing = script.select(script_path, sites.find(every, script_path))
    yield from missing
    for site in selected:
        yield from _examine_site(site, every, installation, httpd.dump.user)
        if native_module.level == "ok":  # without it there are no events
            yield from watching.folders([*site.folders, os.path.dirname(installation.package)])
    if not installation.windows:
        yield from watching.limits(_uid(httpd.dump.user))


def _examine_site(
    site: Site, every: Sequence[Directive], installation: Installation, user: str
) -> Iterator[Finding]:
    yield from script.examine(site, every, installation)
    if installation.windows or site.daemon is not None:
        yield python.reaches_wsgireload(installation, site, every)
    yield python.readable(installation, site, user)


def _uid(user: str) -> int | None:
    """Return the uid of a user; None for the current one."""
    import pwd

    try:
        return pwd.getpwnam(user).pw_uid if user else None
    except KeyError:
        return None
