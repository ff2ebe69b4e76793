"""Which WSGI scripts a configuration serves, and in which process and interpreter."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wsgireload.cli.directives import Directive

ALIASES = ("wsgiscriptalias", "wsgiscriptaliasmatch")
RANKS = {
    "directory": 1,
    "directorymatch": 1,
    "files": 2,
    "filesmatch": 2,
    "location": 3,
    "locationmatch": 3,
}
GLOBAL = "%{GLOBAL}"
EMBEDDED = ("", GLOBAL)


@dataclass(frozen=True)
class Served:
    """One WSGI script. `group` is its process group, "" in embedded mode."""

    script: str
    url: str
    alias: Directive
    group: str
    interpreter: str
    daemon: Directive | None
    """The WSGIDaemonProcess of that group; None where there is none of that name."""

    def option(self, name: str) -> str:
        """One of that line's options, "" where it is not given."""
        given = self.daemon.arguments[1:] if self.daemon is not None else ()
        return dict(each.partition("=")[::2] for each in given).get(name, "")

    @property
    def folders(self) -> list[str]:
        """Where its modules are, as far as the configuration says."""
        path = self.option("python-path").split(os.pathsep)
        return [os.path.dirname(self.script), *filter(os.path.isdir, path)]


def of(directives: Sequence[Directive]) -> list[Served]:
    """All that are served, in the order of their aliases."""
    return [
        _served(each, directives)
        for each in directives
        if each.name in ALIASES and len(each.arguments) > 1
    ]


def applying(directives: Sequence[Directive], name: str, alias: Directive) -> Directive | None:
    """Of one kind of directive, the one that counts for what an alias serves."""
    url, script = alias.arguments[:2]
    there = [each for each in directives if each.name == name and _around(each, alias, url, script)]
    return max(enumerate(there), key=lambda at: (_rank(at[1]), at[0]))[1] if there else None


def _served(alias: Directive, directives: Sequence[Directive]) -> Served:
    options = dict(each.partition("=")[::2] for each in alias.arguments[2:])
    group = options.get("process-group") or _text(applying(directives, "wsgiprocessgroup", alias))
    interpreter = options.get("application-group") or _text(
        applying(directives, "wsgiapplicationgroup", alias)
    )
    group = "" if group in EMBEDDED else group
    daemons = [each for each in directives if each.name == "wsgidaemonprocess" and each.arguments]
    daemon = next((each for each in daemons if each.arguments[0] == group), None)
    return Served(alias.arguments[1], alias.arguments[0], alias, group, interpreter, daemon)


def _text(directive: Directive | None) -> str:
    return directive.arguments[0] if directive is not None and directive.arguments else ""


def _rank(directive: Directive) -> tuple[int, int]:
    """The more particular section counts: the order in which Apache merges them."""
    kinds = [RANKS.get(name, 0) for name, _ in directive.sections]
    return max(kinds, default=0), len(directive.sections)


def _around(directive: Directive, alias: Directive, url: str, script: str) -> bool:
    return all(_holds(name, argument, alias, url, script) for name, argument in directive.sections)


def _holds(name: str, argument: str, alias: Directive, url: str, script: str) -> bool:
    """Whether a section is one that the script is served in."""
    matching, pattern = name.endswith("match"), argument
    if argument.startswith("~ "):
        matching, pattern = True, argument[2:]
    kind = name.removesuffix("match")
    if kind not in ("directory", "files", "location"):
        return (name, argument) in alias.sections
    text = {"directory": script, "files": os.path.basename(script), "location": url}[kind]
    if matching:
        return re.search(pattern, text) is not None
    if kind == "files":
        return fnmatch.fnmatch(text, pattern)
    return any(fnmatch.fnmatchcase(above, pattern.rstrip("/")) for above in _above(text))


def _above(path: str) -> Iterator[str]:
    """A path, and all that it lies in: /a/b, /a, and "" for /."""
    path = path.replace("\\", "/").rstrip("/")
    while path:
        yield path
        path = path.rpartition("/")[0]
    yield ""
