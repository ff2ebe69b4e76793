"""The URL path that an alias with a regular expression serves."""

from __future__ import annotations

import re
from collections.abc import Sequence

from wsgireload.cli.apache.directives import Directive

ALIASES = ALIAS, MATCH = "wsgiscriptalias", "wsgiscriptaliasmatch"
GROUP = re.compile(r"\$(?:(\d)|\{(\d)\})")
INNERMOST = re.compile(r"(?<!\\)\((\?)?([^()|]*)[^()]*\)[?*+]?")
PLAIN = re.compile(r"/[\w/.~-]*")


def path(alias: Directive, directives: Sequence[Directive]) -> str | None:
    """Return a URL path at which an alias serves its script, with "/" at its end if it may be so.

    `alias` is one of `aliases.find`. None if a regular expression does not reveal it.
    """
    url, script = alias.arguments[:2]
    if alias.name != MATCH:
        return f"{url.rstrip('/')}/" if url.startswith("/") else None
    for each in directives:
        is_origin = (each.file, each.line, each.name) == (alias.file, alias.line, alias.name)
        if is_origin and len(each.arguments) > 1:
            return _of_match(each.arguments[0], each.arguments[1], script)
    return None


def _of_match(pattern: str, target: str, script: str) -> str | None:
    values = _values(target, script)
    numbers = iter(range(1, 10))

    def value(group: re.Match[str]) -> str:
        if group[1]:  # (?…): it captures nothing
            return ""
        return values.get(next(numbers, 0), group[2] if PLAIN.fullmatch(f"/{group[2]}") else "")

    plain = INNERMOST.sub(value, pattern).lstrip("^").rstrip("$").replace("\\", "")
    found = (each for each in (f"{plain.rstrip('/')}/", plain) if PLAIN.fullmatch(each))
    return next((each for each in found if _serves(pattern, target, each, script)), None)


def _values(target: str, script: str) -> dict[int, str]:
    """Return what the groups of a target stand for in the path of a script."""
    pieces = GROUP.split(target)
    numbers = [int(one or two) for one, two in zip(pieces[1::3], pieces[2::3], strict=True)]
    found = re.fullmatch("(.*)".join(map(re.escape, pieces[::3])), script)
    return dict(zip(numbers, found.groups(), strict=True)) if found else {}


def _serves(pattern: str, target: str, path: str, script: str) -> bool:
    """Return whether this URL path is of the script, as mod_wsgi decides it."""
    try:
        if not (found := re.search(pattern, path)):
            return False
        file = GROUP.sub(lambda group: found[int(group[1] or group[2])] or "", target)
    except (re.error, IndexError):  # what Python lacks, or a group that is not there
        return False
    return f"{file}{path[found.end() :]}/".startswith(f"{script}/")
