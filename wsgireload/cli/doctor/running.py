"""What the monitors of a site say of themselves, in their status files and in the error log."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from wsgireload.cli.apache.directives import Directive
from wsgireload.cli.apache.sites import Site
from wsgireload.cli.doctor import errorlog
from wsgireload.cli.doctor.finding import Finding, fail, ok, warn
from wsgireload.cli.running import processes
from wsgireload.cli.running.monitors import RunningMonitor
from wsgireload.report import Status

INACTIVE = re.compile(r"wsgireload: inactive: (.+) \[pid (\d+), application '")
EMBEDDED = "embedded mode"  # in that reason
# They load a script in Apache's own processes, whatever serves its requests.
IN_APACHE = (
    *("wsgiimportscript", "wsgiauthuserscript", "wsgiauthgroupscript"),
    *("wsgiaccessscript", "wsgidispatchscript"),
)
DISPLAY_NAME = re.compile(r"\(wsgi:([^) ]+)")


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
        if status.loading:
            cure = "see what that line waits for; `app.run()` must not run under Apache"
            yield warn("monitor", f"{each}: {status.loading}", cure)
            return
        if status.paused:  # which holds a restart as well
            yield warn("monitor", f"{each} is paused", "`wsgireload resume` ends the pause")
            return
        if status.holding:
            text = f"{each} holds a restart: {status.holding}"
            cure = "correct that file and save it" if status.held else "remove the cause"
            yield warn("monitor", text, f"{cure}: the restart follows")
            return
    for each in found[:1]:
        yield ok("monitor", f"{each} watches {each.status.files} files")


def inactive(
    site: Site, directives: Sequence[Directive], log: Sequence[str], apache: int
) -> Iterator[Finding]:
    """Report why a process of a site has no monitor, as its latest line in the log has it."""
    is_in_apache = any(
        each.name in IN_APACHE and each.arguments[:1] == (site.script,) for each in directives
    )
    lines = (line for line in log if not (site.group and is_in_apache and EMBEDDED in line))
    found = errorlog.last([line for line in lines if _is_of(site, line, apache)], INACTIVE)
    if found is not None:
        text = f"wsgireload is inactive in process {found[2]}: {found[1]}"
        yield fail("monitor", text, "remove the cause, and restart Apache")


def _is_of(site: Site, line: str, apache: int) -> bool:
    found = INACTIVE.search(line)
    if found is None or processes.parent(int(found[2])) != apache:
        return False
    shown = DISPLAY_NAME.match(processes.command_line(int(found[2])))
    return shown is None or site.group.startswith(shown[1])  # which may be cut


def _is_script(status: Status, site: Site) -> bool:
    """Return whether a monitor serves the script of a site, as far as it knows."""
    return status.script is None or os.path.realpath(status.script) == os.path.realpath(site.script)
