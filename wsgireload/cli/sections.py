"""Which directives of a configuration are in effect for a script, by the sections around them."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator, Sequence

from wsgireload.cli.directives import Directive

PRECEDENCE = {  # Apache merges sections in this order
    "directory": 1,
    "directorymatch": 1,
    "files": 2,
    "filesmatch": 2,
    "location": 3,
    "locationmatch": 3,
    "if": 4,
    "elseif": 4,
    "else": 4,
}
BY_REQUEST = "if", "elseif", "else"  # true for some requests, as far as we know


def effective(directives: Sequence[Directive], name: str, alias: Directive) -> Directive | None:
    """Return the directive of this name that is in effect for the script of an alias."""
    those = [each for each in directives if each.name == name and applies(each, alias)]
    return max(enumerate(those), key=lambda at: (_rank(at[1]), at[0]))[1] if those else None


def applies(directive: Directive, alias: Directive) -> bool:
    """Return whether all sections around a directive apply to the script of an alias."""
    return all(_section_applies(name, argument, alias) for name, argument in directive.sections)


def _rank(directive: Directive) -> tuple[int, int]:
    kinds = [PRECEDENCE.get(name, 0) for name, _ in directive.sections]
    return max(kinds, default=0), len(directive.sections)


def _section_applies(name: str, argument: str, alias: Directive) -> bool:
    url, script = alias.arguments[:2]
    is_regex, pattern = name.endswith("match"), argument
    if argument.startswith("~ "):
        is_regex, pattern = True, argument[2:]
    kind = name.removesuffix("match")
    if kind not in ("directory", "files", "location"):
        return name in BY_REQUEST or (name, argument) in alias.sections
    text = {"directory": script, "files": os.path.basename(script), "location": url}[kind]
    if is_regex:
        return _matches(pattern, text)
    if kind == "files":
        return fnmatch.fnmatch(text, pattern)
    return any(fnmatch.fnmatchcase(each, pattern.rstrip("/")) for each in _prefixes(text))


def _matches(pattern: str, text: str) -> bool:
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
