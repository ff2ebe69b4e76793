"""What mod_wsgi does not run, as its configuration is: it refuses, or another script answers."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from wsgireload.cli.apache import (
    addresses,
    aliases,
    candidates,
    handlers,
    mappings,
    matches,
    sections,
)
from wsgireload.cli.apache.directives import Directive
from wsgireload.cli.apache.sites import Site

PROXIES = "proxypass", "proxypassmatch"
OF_MOD_ALIAS = *mappings.ALIASES, "aliasmatch", "scriptaliasmatch"
EXEC_CGI = "execcgi", "all"
# An expression for all that begins so; any other may leave some of it out.
BEGINNING = re.compile(r"\^([\w/.~-]*)(?:(?:\.\*|\(\.\*\))\$?)?", re.ASCII)


class Refusal(NamedTuple):
    """One reason: the directive, the error and the cure."""

    what: str
    text: str
    cure: str


def find(site: Site, directives: Sequence[Directive]) -> Iterator[Refusal]:
    """Return why no request of a site reaches its script."""
    directives = aliases.with_htaccess(directives, site.script)
    if earlier := _hidden_by(site, directives):
        url, script = earlier.arguments[:2]
        text = f"{url} -> {script} ({earlier}) comes first, and has the requests of {site.url}"
        cure = f"move the line of {site.url} above that one"
        if earlier.name in PROXIES:
            cure = f"write `ProxyPass {site.url} !` above that line"
        elif earlier.name in OF_MOD_ALIAS:
            cure = "give one of them another URL: an Alias comes before every WSGIScriptAlias"
        yield Refusal("WSGIScriptAlias", text, cure)
    if handler := _other_handler(site, directives):
        text = f"the handler {handler.arguments[0]} serves {site.script} ({handler}), not mod_wsgi"
        cure = "leave that file out there"
        if handler.name == "addhandler":
            cure += ", or give it another suffix"
        yield Refusal("handler", text, cure)
    yield from _of_host(site, directives)
    if site.alias.name == handlers.HANDLED and not _has_exec_cgi(site, directives):
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


def _of_host(site: Site, directives: Sequence[Directive]) -> Iterator[Refusal]:
    """Return why no request reaches the virtual host of a site."""
    served = site.alias.arguments[:2]
    hosts = {each.host for each in directives if each.arguments[:2] == served}
    host = addresses.earlier(site.alias.host, directives)
    if host and hosts.isdisjoint((0, host.number)):
        place = next(each for each in directives if each.host == host.number)
        text = f"an earlier one has all requests for {host.name or 'its name'} ({place})"
        cure = "correct one ServerName, or put the lines of both into one virtual host"
        yield Refusal("VirtualHost", text, cure)
    line = addresses.redirect(site.alias.host, directives)
    if line and line.name != "rewriterule":
        text = f"it sends all requests to {line.arguments[-1]} ({line})"
        yield Refusal("Redirect", text, "move it into another virtual host, or remove it")
    port = addresses.without_listen(site.alias.host, directives)
    if port and hosts <= {site.alias.host}:
        text = f"Apache does not listen at port {port}: no request reaches it"
        yield Refusal("VirtualHost", text, f"add `Listen {port}`, or correct the port")


def _hidden_by(site: Site, directives: Sequence[Directive]) -> Directive | None:
    """Return the alias that takes all requests of a site: the first one that matches has them.

    Those of mod_proxy and then of mod_alias come before those of mod_wsgi, and those of a virtual
    host before others.
    """
    path = matches.path(site.alias, directives) if site.alias.name in matches.ALIASES else None
    for names in (PROXIES, OF_MOD_ALIAS, matches.ALIASES) if path else ():
        every = [one for one in directives if one.name in names and len(one.arguments) > 1]
        hosts = dict.fromkeys((site.alias.host, 0))
        for each in (one for host in hosts for one in every if one.host == host):
            if (each.file, each.line) == (site.alias.file, site.alias.line):
                return None
            url, target = each.arguments[:2]
            is_near = url.startswith(str(path)) or each.name.endswith("match")
            if target == "!" and (is_near or _takes(each.name, url, str(path))):
                break  # some of its requests are no proxy's
            # What `$1` leads to depends on the request; a folder of scripts may have this one too.
            leads_to_it = target == site.script or "$" in target
            leads_to_it |= names == matches.ALIASES and candidates.is_below(site.script, target)
            if not leads_to_it and target != "!" and _takes(each.name, url, str(path)):
                return each
    return None


def _takes(name: str, url: str, path: str) -> bool:
    """Return whether an alias certainly serves a URL path, and all below it."""
    if name.endswith("match"):
        found = BEGINNING.fullmatch(url)
        return found is not None and (path.rstrip("/") or "/").startswith(found[1])
    return f"{path.rstrip('/')}/".startswith(f"{url.rstrip('/')}/")


def _other_handler(site: Site, directives: Sequence[Directive]) -> Directive | None:
    """Return the line that gives the script of an alias to another handler than mod_wsgi's."""
    if site.alias.name not in matches.ALIASES or any(
        one.name == "removehandler" for one in directives
    ):
        return None
    found = None
    suffixes = os.path.basename(site.script).lower().split(".")[1:]
    for suffix in suffixes:  # the last one that has a handler decides
        for each in _of_every_request(sections.in_order(directives, "addhandler", site.alias)):
            if suffix in (one.lower().lstrip(".") for one in each.arguments[1:]):
                found = each
    for each in _of_every_request(sections.in_order(directives, "sethandler", site.alias))[-1:]:
        found = each if each.arguments and each.arguments[0].lower() != "none" else found
    return found if found and found.arguments[0] not in handlers.WSGI else None


def _of_every_request(found: Sequence[Directive]) -> list[Directive]:
    """Return the lines that no <If> makes depend on the request."""
    return [one for one in found if not sections.is_conditional(one)]


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
