"""Which directives of a configuration are in effect for a script, by the sections around them."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator, Sequence

from wsgireload.cli.apache.directives import HOST, HTACCESS, Directive

PRECEDENCE = {  # Apache merges sections in this order
    "directory": 1,
    "directorymatch": 2,
    "files": 3,
    "filesmatch": 3,
    "location": 4,
    "locationmatch": 4,
    "if": 5,
    "elseif": 5,
    "else": 5,
}
BY_REQUEST = "if", "elseif", "else"  # true for some requests, as far as we know


def effective(directives: Sequence[Directive], name: str, alias: Directive) -> Directive | None:
    """Return the directive of this name that is in effect for the script of an alias."""
    return next(reversed(in_order(directives, name, alias)), None)


def in_order(directives: Sequence[Directive], name: str, alias: Directive) -> list[Directive]:
    """Return the directives of this name that apply to the script, each overriding the former."""
    return sorted(
        (one for one in directives if one.name == name and applies(one, alias)), key=_rank
    )


def applies(directive: Directive, alias: Directive) -> bool:
    """Return whether all sections around a directive apply to the script of an alias."""
    if directive.host not in (0, alias.host):
        return False
    return all(_section_applies(name, argument, alias) for name, argument in directive.sections)


def is_conditional(directive: Directive) -> bool:
    """Return whether an <If> makes a line depend on the request."""
    return any(name in BY_REQUEST for name, _ in directive.sections)


def _rank(directive: Directive) -> tuple[int, int, int]:
    """Return what Apache sorts by: the kind of the section, the depth of its folder, its origin.

    A virtual host overrides the main server, and .htaccess both.
    """
    kinds = [PRECEDENCE.get(name, 0) for name, _ in directive.sections]
    folders = [argument for name, argument in directive.sections if name == "directory"]
    depth = sum(map(bool, "/".join(folders).split("/")))
    origin = 2 if (HTACCESS, "") in directive.sections else int(directive.host != 0)
    return max(kinds, default=0), depth, origin


def _section_applies(name: str, argument: str, alias: Directive) -> bool:
    url, script = alias.arguments[:2]
    kind = name.removesuffix("match")
    if kind not in ("directory", "files", "location"):
        return name in (*BY_REQUEST, HOST, HTACCESS) or (name, argument) in alias.sections
    text = {"directory": script, "files": os.path.basename(script), "location": url}[kind]
    if kind != name:
        return is_found(argument, text)
    if kind == "files":
        return fnmatch.fnmatch(text, argument)
    pattern, match = argument.rstrip("/"), fnmatch.fnmatchcase
    if kind == "directory":  # on Windows in any case; a section that names the file has no effect
        text, match = os.path.dirname(script), fnmatch.fnmatch
    of_depth = (each for each in _prefixes(text) if each.count("/") == pattern.count("/"))
    return any(match(each, pattern) for each in of_depth)  # a wildcard does not match "/"


def is_found(pattern: str, text: str) -> bool:
    """Return whether a regular expression of Apache's is found; False for one that Python lacks."""
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False


def _prefixes(path: str) -> Iterator[str]:
    """Return a path and all its parents: /a/b, /a, and "" for /."""
    path = path.replace("\\", "/").rstrip("/")
    while path:
        yield path
        path = path.rpartition("/")[0]
    yield ""
