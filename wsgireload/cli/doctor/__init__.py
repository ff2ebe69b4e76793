"""Check whether reloads work here; print a verdict, and each problem with a cure.

Apache itself parses its configuration, by `httpd -t`, which starts nothing.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import NamedTuple

from wsgireload.cli.apache import accounts, directives, sites
from wsgireload.cli.apache import httpd as apaches
from wsgireload.cli.apache.accounts import Account
from wsgireload.cli.apache.directives import Directive
from wsgireload.cli.apache.httpd import Httpd
from wsgireload.cli.apache.sites import Site
from wsgireload.cli.doctor import (
    answer,
    apache,
    bytecode,
    errorlog,
    fleet,
    layout,
    page,
    python,
    request,
    respawn,
    running,
    script,
    sources,
    watching,
)
from wsgireload.cli.doctor.finding import Finding
from wsgireload.cli.installation import Installation
from wsgireload.cli.running import monitors
from wsgireload.cli.terminal import columns, print_json, print_text

MOST_SECONDS = 5.0  # after which no other site is requested


class Asked(NamedTuple):
    """The values of --httpd and --url; None for one that is not given.

    `by_itself`: neither --httpd nor --config names the Apache: another may be the right one.
    """

    program: str | None = None
    url: str | None = None
    by_itself: bool = False


NOTHING = Asked()


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the script, by default all that Apache serves, and the Apache."""
    command.add_argument(
        "script", nargs="?", metavar="WSGI-SCRIPT", help="check only this WSGI script"
    )
    apaches.add_arguments(command)
    command.add_argument(
        "--url",
        metavar="URL",
        help="request this URL, and no other (default: that of the configuration, on this machine)",
    )


def run(options: argparse.Namespace) -> int:
    """Return 0 if every finding is ok."""
    if options.url:
        request.checked(options.url)
    httpd = apaches.named(options)
    asked = Asked(options.httpd, options.url, not options.httpd and not options.config)
    findings = list(examine(httpd, options.script, Installation.current(), asked))
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
    asked: Asked = NOTHING,
) -> Iterator[Finding]:
    """Check everything from Apache inwards, as far as Apache itself works."""
    yield apache.program(httpd, asked.program)
    yield from apache.others(httpd) if asked.by_itself else ()
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
    started = list(apache.running(httpd))
    yield from started
    yield from apache.accept_filter(every, installation)
    yield python.version(installation, httpd, module)
    yield from python.installed_for_all_users(installation)
    yield (native_module := python.native_module())
    selected, missing = script.select(script_path, sites.find(every, script_path), every)
    yield from missing
    is_one_process = any(each.level == "fail" for each in started)
    given = selected, every, installation, httpd, asked.url
    yield from _examine_sites(*given, is_one_process=is_one_process)
    yield from respawn.examine(selected, every, installation, httpd.pid)
    if native_module.level == "ok":  # without it there are no events
        folders = [folder for site in selected for folder in site.folders]
        folders += [os.path.dirname(installation.package)] if selected else []
        yield from watching.folders(dict.fromkeys(folders))
    if not installation.windows:
        yield from _examine_limits(selected, httpd)


def _examine_limits(selected: Sequence[Site], httpd: Httpd) -> Iterator[Finding]:
    served = [accounts.of_site(site, httpd.dump) for site in selected[:1]]
    account = next(iter(served), Account(httpd.dump.user))
    yield from watching.limits(account.uid())


def _examine_sites(
    selected: Sequence[Site],
    every: Sequence[Directive],
    installation: Installation,
    httpd: Httpd,
    url: str | None,
    *,
    is_one_process: bool,
) -> Iterator[Finding]:
    """Check each site: what is written of it, its answer, and what its monitor then reports."""
    pid = httpd.pid
    ends = time.monotonic() + MOST_SECONDS
    broken = []  # the sites whose answer has shown why they do not load
    explained = list(selected) if is_one_process else []  # a log could only repeat why
    for number, site in enumerate(selected):
        is_started = bool(running.of_site(site, monitors.find().monitors, pid))
        account = accounts.of_site(site, httpd.dump)
        found = list(_examine_site(site, every, installation, account, is_started))
        yield from found
        yield from bytecode.examine(site, every, installation, httpd)
        # A request can only repeat what the configuration already explains.
        is_explained = any(each.level == "fail" and each.what != "WSGI script" for each in found)
        explained += [site] if is_explained else []
        is_asked = number == 0 if url else pid and not is_explained and time.monotonic() < ends
        if is_asked:
            answered = list(answer.examine(site, every, httpd, url))
            yield from answered
            broken += [site] if any(each.level == "fail" for each in answered) else []
        yield from fleet.examine(site, account)
        yield from _examine_page(site, every, httpd)
    known = monitors.find().monitors
    for site in selected:
        found_now = running.of_site(site, known, pid)
        if pid and not found_now and site not in (*broken, *explained):
            yield from running.inactive(site, every, _log(site, every, httpd), pid)
        if site in broken:
            found_now = [each for each in found_now if not each.status.failed]
        yield from running.examine(found_now)


def _examine_page(site: Site, every: Sequence[Directive], httpd: Httpd) -> Iterator[Finding]:
    log = _log(site, every, httpd)
    if os.access(site.script, os.R_OK):
        _, paths = sources.application(site)
        yield from page.examine(paths, log)


def _log(site: Site, every: Sequence[Directive], httpd: Httpd) -> list[str]:
    return errorlog.read(errorlog.file(every, site.alias.host, httpd)) or []


def _examine_site(
    site: Site,
    every: Sequence[Directive],
    installation: Installation,
    account: Account,
    is_started: bool,
) -> Iterator[Finding]:
    yield from script.examine(site, every, installation, is_started=is_started)
    if installation.windows or site.daemon is not None:
        yield python.reaches_wsgireload(installation, site, every)
    yield python.readable(installation, site, account)
