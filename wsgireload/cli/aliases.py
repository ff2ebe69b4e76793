"""All ways to serve a WSGI script, each as the WSGIScriptAlias that would do the same.

They are: an alias of a file or of a folder, an alias with a regular expression, and a handler in
the configuration or in .htaccess.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from wsgireload.cli.directives import Directive, htaccess, read_file
from wsgireload.cli.sections import applies, effective

ALIAS, MATCH = "wsgiscriptalias", "wsgiscriptaliasmatch"
HANDLERS = "addhandler", "sethandler"
HANDLER_SCRIPT = "wsgihandlerscript"  # it names a script, and not where that is served
WSGI = "wsgi-script"
MOST = 100  # scripts of one directive
APPLICATION = re.compile(r"\bapplication\b")  # mod_wsgi takes any file; a script defines this
GROUP = re.compile(r"\$\d|\$\{\d\}")
LITERAL = re.compile(r"\^?([\w/.~-]*)")


def find(directives: Sequence[Directive], script: str | None) -> list[Directive]:
    """Return an alias for each script, or for this one only as far as a line serves several."""
    found: list[Directive] = []
    for each in directives:
        if each.name in (ALIAS, MATCH) and len(each.arguments) > 1:
            found += _of_alias(each, script)
        elif each.name == HANDLER_SCRIPT and len(each.arguments) > 1:
            found.append(each)
        elif each.name in HANDLERS and each.arguments[:1] == (WSGI,):
            found += _of_handler(each, directives, script)
    return found


def with_htaccess(directives: Sequence[Directive], script: str | None) -> list[Directive]:
    """Return the directives, and those of the .htaccess files that Apache reads for a script."""
    folders = {_folder(each.arguments[-1]) for each in directives if _maps(each)}
    if script is not None:
        folders = {above for folder in folders for above in _between(folder, script)}
    found: list[Directive] = []
    for folder in sorted(folders):
        place = Directive(ALIAS, ("/", os.path.join(folder, "x")))
        overrides = effective(directives, "allowoverride", place)
        if overrides is not None and overrides.arguments[:1] not in (("None",), ("none",)):
            found += htaccess(folder)
    return [*directives, *found]


def _of_alias(alias: Directive, script: str | None) -> list[Directive]:
    url, target, *options = alias.arguments
    if alias.name == MATCH and GROUP.search(target):
        url = (LITERAL.match(url) or [url, ""])[1] or "/"
        pieces = GROUP.split(target)
        files = glob.glob("*".join(map(glob.escape, pieces)))
        if script is not None:
            wanted = ".*".join(map(re.escape, pieces))
            files = [each for each in _names(script) if re.fullmatch(wanted, each)]
        return [replace(alias, arguments=(url, each, *options)) for each in files[:MOST]] or [alias]
    if not os.path.isdir(target):
        return [alias]
    files = _inside(target, target, script)
    return [replace(alias, arguments=(_url(url, target, each), each, *options)) for each in files]


def _of_handler(
    handler: Directive, directives: Sequence[Directive], script: str | None
) -> Iterator[Directive]:
    suffixes = tuple(f".{each.lstrip('.')}" for each in handler.arguments[1:]) or ("",)
    folders = [argument for name, argument in handler.sections if name == "directory"]
    for mapping in filter(_maps, directives):
        url = mapping.arguments[0] if mapping.name == "alias" else "/"
        target = mapping.arguments[-1]
        paths = (path for each in (target, *folders) for path in _inside(each, target, script))
        for path in filter(lambda path: path.endswith(suffixes), dict.fromkeys(paths)):
            arguments = (_url(url, target, path), path)
            alias = replace(handler, name=ALIAS, arguments=arguments, sections=mapping.sections)
            if applies(handler, alias):
                yield alias


def _inside(folder: str, target: str, script: str | None) -> list[str]:
    """Return this script if it is a target or below it, or the scripts in a folder there."""
    if script is None:
        every = glob.glob(os.path.join(glob.escape(folder.rstrip("/")), "*")) or [folder]
        files = filter(os.path.isfile, sorted(every))
        found = [each for each in files if APPLICATION.search(read_file(each))]
    else:
        found = list(_names(script))
    below = target.rstrip("/") + "/"
    of_target = [each for each in found if each == target or each.startswith(below)]
    return of_target[: MOST if script is None else 1]


def _url(url: str, target: str, path: str) -> str:
    """Return the URL of a path, given that of a target which is the path or a folder above it."""
    inside = "" if path == target else f"/{os.path.relpath(path, target)}"
    return f"{url.rstrip('/')}{inside}" or "/"


def _maps(directive: Directive) -> bool:
    names = {"alias": 2, "documentroot": 1}
    return len(directive.arguments) == names.get(directive.name, 0)


def _folder(path: str) -> str:
    return path if os.path.isdir(path) else os.path.dirname(path)


def _between(folder: str, script: str) -> Iterator[str]:
    """Return the folders from one to that of a script; none if it is not below."""
    for path in _names(script):
        above = os.path.dirname(path)
        while len(above) >= len(folder) and f"{above}/".startswith(f"{folder.rstrip('/')}/"):
            yield above
            above = os.path.dirname(above) if above != "/" else ""


def _names(script: str) -> tuple[str, ...]:
    """Return the absolute paths of a script: as it was named, and without links."""
    return tuple(dict.fromkeys((os.path.abspath(script), os.path.realpath(script))))
