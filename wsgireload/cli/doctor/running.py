"""What the monitors of a site say of themselves in their status files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from wsgireload.cli.doctor.finding import Finding, fail, ok, warn
from wsgireload.cli.monitors import RunningMonitor
from wsgireload.cli.sites import Site
from wsgireload.report import Status


def of_site(site: Site, found: Sequence[RunningMonitor], apache: int) -> list[RunningMonitor]:
    """Return the monitors of a site; `apache` is the pid of its Apache, 0 if it does not run."""
    return [
        each
        for each in found
        if apache
        and each.status.parent == apache
        and each.snapshot.group == site.group
        and _is_script(each.status, site)
    ]


def examine(found: Sequence[RunningMonitor]) -> Iterator[Finding]:
    """Report what the first of them that is in trouble says, or that they watch."""
    for each in found:
        status = each.status
        if status.failed:
            text = f"{each} could not load the application: {status.failed.described()}"
            yield fail("monitor", text, "correct that line and save it: it is loaded again")
            return
        if status.holding:
            text = f"{each} holds a restart: {status.holding}"
            yield warn("monitor", text, "correct that file and save it: the restart follows")
            return
        if status.paused:
            yield warn("monitor", f"{each} is paused", "`wsgireload resume` ends the pause")
            return
    for each in found[:1]:
        yield ok("monitor", f"{each} watches {each.status.files} files")


def _is_script(status: Status, site: Site) -> bool:
    """Return whether a monitor serves the script of a site, as far as it knows."""
    return status.script is None or os.path.realpath(status.script) == os.path.realpath(site.script)
