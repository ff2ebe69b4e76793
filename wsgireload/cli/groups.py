"""The names of groups that the configuration gives by a variable of the request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from wsgireload.cli import sections
from wsgireload.cli.addresses import Served
from wsgireload.cli.directives import Directive
from wsgireload.cli.programs import read_file

VARIABLE = re.compile(r"%\{(?:ENV:([^}]+)|SERVER|HOST|RESOURCE)\}")
GLOBAL = "%{GLOBAL}"
DISPATCHED = "%{ENV:mod_wsgi.process_group}"  # where mod_wsgi puts what WSGIDispatchScript decides
DISPATCHES = re.compile(r"^def process_group\b", re.MULTILINE)
STANDARD_PORTS = 80, 443
SETS_IF = "setenvif", "setenvifnocase", "browsermatch", "browsermatchnocase"
BY_REWRITING = re.compile(r"\bE(?:NV)?=([^:\],]+):([^\],]+)")
OF_REQUEST = re.compile(r"[$%]")  # a part of the request, which only Apache knows


def resolved(name: str, alias: Directive, directives: Sequence[Directive], served: Served) -> str:
    """Return the name of a group, or the variable itself where only the request has its value."""
    variable = VARIABLE.fullmatch(name)
    if variable is None:
        return name
    if variable[1]:
        values = list(_values(variable[1], alias, directives))
        if not values or (OF_REQUEST.search(values[-1]) and not VARIABLE.fullmatch(values[-1])):
            return values[-1] if values[-1:] == [GLOBAL] else name
        return resolved(values[-1], alias, directives, served)
    if served.address is None or not served.name:
        return name
    port = served.address.port
    server = served.name if port in STANDARD_PORTS else f"{served.name}:{port}"
    return server if "RESOURCE" not in name else f"{server}|{alias.arguments[0].rstrip('/')}"


def is_dispatched(alias: Directive, directives: Sequence[Directive]) -> bool:
    """Return whether a WSGIDispatchScript chooses the process group of each request."""
    found = sections.effective(directives, "wsgidispatchscript", alias)
    path = found.arguments[0] if found and found.arguments else ""
    return bool(path) and DISPATCHES.search(read_file(path)) is not None


def _values(variable: str, alias: Directive, directives: Sequence[Directive]) -> Iterator[str]:
    """Return what the configuration gives a variable of a request, each overriding the former."""
    for each in sections.in_order(directives, "rewriterule", alias):
        found = BY_REWRITING.findall(each.arguments[-1]) if each.arguments else []
        yield from (value for name, value in found if name == variable)
    for each in (one for name in SETS_IF for one in sections.in_order(directives, name, alias)):
        pairs = (argument.partition("=") for argument in each.arguments[1:])
        yield from (value for name, _, value in pairs if name == variable and value)
    for each in sections.in_order(directives, "setenv", alias):
        if each.arguments[:1] == (variable,) and len(each.arguments) > 1:
            yield each.arguments[1]
