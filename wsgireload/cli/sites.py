"""The WSGI scripts that a configuration serves, each with its process and application group."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from wsgireload.cli import express
from wsgireload.cli.directives import Directive
from wsgireload.cli.express import Handler

ALIASES = ("wsgiscriptalias", "wsgiscriptaliasmatch")
HANDLER = "wsgihandlerscript"
PRECEDENCE = {  # Apache merges sections in this order
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
class Site:
    """One WSGI script. `group` is its process group, "" in embedded mode."""

    script: str
    url: str
    alias: Directive
    group: str
    application_group: str
    daemon: Directive | None
    """The WSGIDaemonProcess of the group; None if there is none of this name."""
    express: Handler | None = None
    """What mod_wsgi-express serves by a script of its own; None without express."""

    def option(self, name: str) -> str:
        """Return an option of the WSGIDaemonProcess; "" if it is not given."""
        return _options(self.daemon.arguments[1:]).get(name, "") if self.daemon else ""

    @property
    def folders(self) -> list[str]:
        """The folders of its modules, as far as the configuration names them."""
        path = self.option("python-path").split(os.pathsep)
        return [os.path.dirname(self.script), *filter(os.path.isdir, path)]


def find(directives: Sequence[Directive]) -> list[Site]:
    """Return all sites, in the order of their aliases."""
    found = [each for each in directives if len(each.arguments) > 1]
    return [
        _site(each, directives) if each.name in ALIASES else _handled(each, directives)
        for each in found
        if each.name in (*ALIASES, HANDLER)
    ]


def of_script(script: str, found: Sequence[Site]) -> list[Site]:
    """Return the sites that this script serves."""
    real = os.path.realpath(script)
    return [each for each in found if os.path.realpath(each.script) == real]


def effective(directives: Sequence[Directive], name: str, alias: Directive) -> Directive | None:
    """Return the directive of this name that is in effect for the script of an alias."""
    those = [each for each in directives if each.name == name and _applies(each, alias)]
    return max(enumerate(those), key=lambda at: (_rank(at[1]), at[0]))[1] if those else None


def server_wide(directives: Sequence[Directive], name: str) -> str:
    """Return the value of a directive that can be set only once; "" if it is not set."""
    values = [each.arguments[0] for each in directives if each.name == name and each.arguments]
    return values[-1] if values else ""


def _site(alias: Directive, directives: Sequence[Directive]) -> Site:
    options = _options(alias.arguments[2:])

    def value(option: str, directive: str) -> str:
        found = effective(directives, directive, alias)
        return options.get(option) or (found.arguments[0] if found and found.arguments else "")

    group = value("process-group", "wsgiprocessgroup")
    group = "" if group in EMBEDDED else group
    application_group = value("application-group", "wsgiapplicationgroup")
    daemons = [each for each in directives if each.name == "wsgidaemonprocess"]
    daemon = next((each for each in daemons if each.arguments[:1] == (group,)), None)
    return Site(alias.arguments[1], alias.arguments[0], alias, group, application_group, daemon)


def _handled(directive: Directive, directives: Sequence[Directive]) -> Site:
    """Return the site of a handler; mod_wsgi-express serves every URL by one."""
    _, path, *options = directive.arguments
    made = express.handler(path)
    script = made.script if made and made.script else path
    alias = replace(directive, arguments=("/", script, *options))
    return replace(_site(alias, directives), express=made)


def _options(arguments: Sequence[str]) -> dict[str, str]:
    return dict(each.partition("=")[::2] for each in arguments)


def _rank(directive: Directive) -> tuple[int, int]:
    kinds = [PRECEDENCE.get(name, 0) for name, _ in directive.sections]
    return max(kinds, default=0), len(directive.sections)


def _applies(directive: Directive, alias: Directive) -> bool:
    """Return whether all sections around a directive apply to the script of an alias."""
    return all(_section_applies(name, argument, alias) for name, argument in directive.sections)


def _section_applies(name: str, argument: str, alias: Directive) -> bool:
    url, script = alias.arguments[:2]
    is_regex, pattern = name.endswith("match"), argument
    if argument.startswith("~ "):
        is_regex, pattern = True, argument[2:]
    kind = name.removesuffix("match")
    if kind not in ("directory", "files", "location"):
        return (name, argument) in alias.sections
    text = {"directory": script, "files": os.path.basename(script), "location": url}[kind]
    if is_regex:
        return re.search(pattern, text) is not None
    if kind == "files":
        return fnmatch.fnmatch(text, pattern)
    return any(fnmatch.fnmatchcase(each, pattern.rstrip("/")) for each in _prefixes(text))


def _prefixes(path: str) -> Iterator[str]:
    """Return a path and all its parents: /a/b, /a, and "" for /."""
    path = path.replace("\\", "/").rstrip("/")
    while path:
        yield path
        path = path.rpartition("/")[0]
    yield ""
