"""What mod_wsgi refuses to run, as its configuration is: every request gets an error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from wsgireload.cli import addresses, aliases, sections
from wsgireload.cli.directives import Directive
from wsgireload.cli.sites import Site

EXEC_CGI = "execcgi", "all"


class Refusal(NamedTuple):
    """One reason: the directive, the error and the cure."""

    what: str
    text: str
    cure: str


def find(site: Site, directives: Sequence[Directive]) -> Iterator[Refusal]:
    """Return why each request of a site gets an error."""
    directives = aliases.with_htaccess(directives, site.script)
    if site.alias.name == aliases.HANDLED and not _has_exec_cgi(site, directives):
        text = f"no ExecCGI for {site.script}: Apache answers 403"
        yield Refusal("Options", text, "add `Options +ExecCGI` beside the handler")
    if site.daemon is None or site.daemon.arguments[0] != site.group:
        return  # there is no such group, or only the request names it
    if not _may_use(site, directives):
        text = f"{site.group!r} belongs to another virtual host ({site.daemon}): Apache answers 500"
        cure = "move its WSGIDaemonProcess out of that VirtualHost, or into this one"
        yield Refusal("WSGIDaemonProcess", text, cure)
    allowed = sections.effective(directives, "wsgirestrictprocess", site.alias)
    if allowed is not None and site.group not in allowed.arguments:
        text = f"it does not allow {site.group!r} ({allowed}): Apache answers 500"
        yield Refusal("WSGIRestrictProcess", text, f"add {site.group} to that line")


def _has_exec_cgi(site: Site, directives: Sequence[Directive]) -> bool:
    """Return whether Options has ExecCGI: with a sign an option changes the others, else not."""
    is_on = False
    for each in sections.in_order(directives, "options", site.alias):
        options = [argument.lower() for argument in each.arguments]
        if not all(option.startswith(("+", "-")) for option in options):
            is_on = any(option in EXEC_CGI for option in options)
        for option in options:
            if option[1:] in EXEC_CGI and option[0] in "+-":
                is_on = option[0] == "+"
    return is_on


def _may_use(site: Site, directives: Sequence[Directive]) -> bool:
    """Return whether the group is of the main server, or of a virtual host of the same name."""
    assert site.daemon is not None
    if site.daemon.host in (0, site.alias.host):
        return True
    one, other = (addresses.name(host, directives) for host in (site.daemon.host, site.alias.host))
    return one == other
