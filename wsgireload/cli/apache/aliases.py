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
from functools import partial
from itertools import islice

from wsgireload.cli.apache import mappings, matches
from wsgireload.cli.apache.directives import Directive, htaccess
from wsgireload.cli.apache.mappings import Mapping
from wsgireload.cli.apache.sections import applies, effective, is_found
from wsgireload.cli.programs import read_file

ALIASES = ALIAS, MATCH = "wsgiscriptalias", "wsgiscriptaliasmatch"
HANDLERS = "addhandler", "sethandler", "addtype", "forcetype"
OVERRIDES = "allowoverride", "allowoverridelist"
HANDLER_SCRIPT = "wsgihandlerscript"  # it names a script, and not where that is served
WSGI = "wsgi-script", "application/x-httpd-wsgi"
HANDLED = WSGI[0]  # the name of an alias that stands for a handler
MOST = 100  # scripts of one directive
# mod_wsgi takes any file as a script; a script defines this, or what WSGICallableObject names.
APPLICATION = "application"
DEFINES = (
    r"^\s*(?:(?:async\s+)?def|class)\s+{0}\b"
    r"|^[^#\n]*\b{0}\s*(?::[^=\n]+)?=(?!=)"
    r"|\bimport\b(?:.*|\s*\([^)]*)\b{0}\b|^\s*from\b.*\bimport\s+\*"
)


def find(directives: Sequence[Directive], script: str | None) -> list[Directive]:
    """Return an alias for each script, or for this one only as far as a line serves several."""
    found: list[Directive] = []
    for each in directives:
        if each.name in ALIASES and len(each.arguments) > 1:
            found += _of_alias(each, directives, script)
        elif each.name == HANDLER_SCRIPT and len(each.arguments) > 1:
            found.append(each)
        elif each.name in HANDLERS and each.arguments[:1] and each.arguments[0] in WSGI:
            found += islice(_of_handler(each, directives, script), MOST)
    return found


def with_htaccess(directives: Sequence[Directive], script: str | None) -> list[Directive]:
    """Return the directives, and those of the .htaccess files that Apache reads for a script."""
    given = [
        name for each in directives if each.name == "accessfilename" for name in each.arguments
    ]
    names = given or [".htaccess"]
    targets = {each.target for each in mappings.find(directives)}
    folders = {above for target in targets for above in _with_htaccess(target, script, names)}
    loads = (each.arguments[:1] for each in directives if each.name == "loadmodule")
    modules = frozenset(name for names in loads for name in names)
    found: list[Directive] = []
    for folder in filter(partial(_may_override, directives=directives), sorted(folders)):
        paths = filter(os.path.isfile, (os.path.join(folder, name) for name in names))
        for path in islice(paths, 1):  # Apache reads the first one that exists
            found += htaccess(path, modules)
    return [*directives, *found]


def _may_override(folder: str, directives: Sequence[Directive]) -> bool:
    """Return whether any virtual host has Apache read .htaccess in a folder."""
    for host in {each.host for each in directives if each.name in OVERRIDES}:
        place = Directive(ALIAS, ("/", os.path.join(folder, "x")), host=host)
        for found in (effective(directives, name, place) for name in OVERRIDES):
            if found and found.arguments and found.arguments[0].lower() != "none":
                return True
    return False


def mount_point(handler: str, directives: Sequence[Directive]) -> tuple[str, str]:
    """Return a URL path at which requests go to a WSGIHandlerScript, and a file there.

    Each is "" if it is unknown.
    """
    for each in directives:
        flags = each.arguments[-1] if each.name == "rewriterule" and each.arguments else ""
        is_set = each.name == "sethandler" and each.arguments == (handler,)
        if each.name == "addhandler" and each.arguments[:1] == (handler,):
            yes = tuple(f".{suffix.lstrip('.')}" for suffix in each.arguments[1:])
            for mapping in mappings.find(directives):
                for path in (one for one in mappings.files(mapping.target) if one.endswith(yes)):
                    return mapping.url_of(path), path
        if not is_set and f"H={handler}" not in flags:
            continue
        for kind, where in each.sections:
            if kind == "location":
                return where, ""
            for mapping in mappings.find(directives) if kind == "directory" else ():
                if is_below(where, mapping.target):
                    return mapping.url_of(where), os.path.join(where, "x")
    return "", ""


def _of_alias(
    alias: Directive, directives: Sequence[Directive], script: str | None
) -> list[Directive]:
    url, target, *options = alias.arguments
    has_group = alias.name == MATCH and matches.GROUP.search(target)
    if has_group:
        url, found = mappings.literal(url), _of_groups(target, script)
    else:
        target = mappings.file_of(target)
        found = list(_scripts(target, directives, script)) if os.path.isdir(target) else []
    if not found and (has_group or not os.path.isdir(target)):
        return [replace(alias, arguments=(alias.arguments[0], target, *options))]
    mapping = Mapping(url, target, alias)
    urls = (url if has_group else mapping.url_of(each) for each in found)
    return [
        replace(alias, arguments=(each, path, *options))
        for each, path in zip(urls, found, strict=True)
    ]


def _of_groups(target: str, script: str | None) -> list[str]:
    """Return the scripts that a target with groups names."""
    pieces = matches.GROUP.split(target)[:: matches.GROUP.groups + 1]
    if os.path.isfile(path := mappings.file_of(pieces[0])):
        return [path]  # the group is the path info
    if script is None:
        return glob.glob("*".join(map(glob.escape, pieces)))[:MOST]
    wanted = ".*".join(map(re.escape, pieces))
    return [each for each in _names(script) if re.fullmatch(wanted, each)]


def _of_handler(
    handler: Directive, directives: Sequence[Directive], script: str | None
) -> Iterator[Directive]:
    suffixes = tuple(f".{each.lstrip('.')}" for each in handler.arguments[1:]) or ("",)
    folders = [argument for name, argument in handler.sections if name == "directory"]
    done: set[tuple[str, ...]] = set()
    for mapping in mappings.find(directives):
        paths = (each for each in _candidates(mapping, folders, script) if each.endswith(suffixes))
        for path in _likely(paths, directives) if script is None else paths:
            alias = _handled(handler, mapping, path)
            if (
                alias.arguments not in done
                and _is_in_effect(handler, alias, directives)
                and not _is_hidden(mapping, alias, directives)
            ):
                done.add(alias.arguments)
                yield alias


def _handled(handler: Directive, mapping: Mapping, path: str) -> Directive:
    """Return the alias that would do the same for one file."""
    return replace(
        handler,
        name=HANDLED,
        arguments=(mapping.url_of(path), path),
        sections=mapping.directive.sections,
        host=mapping.directive.host or handler.host,
    )


def _candidates(mapping: Mapping, folders: Sequence[str], script: str | None) -> Iterator[str]:
    """Return the files that may be scripts: of a target, as far as it is in these folders."""
    if script is not None:
        yield from _below(mapping.target, _names(script))
        return
    for folder in folders or [mapping.target]:
        start = folder if is_below(folder, mapping.target) else mapping.target
        yield from mappings.files(start)


def _is_in_effect(handler: Directive, alias: Directive, directives: Sequence[Directive]) -> bool:
    """Return whether a handler applies: SetHandler overrides AddHandler."""
    if not applies(handler, alias):
        return False
    found = effective(directives, "sethandler", alias)
    value = found.arguments[0] if found and found.arguments else "none"
    return value in WSGI or (value.lower() == "none" and handler.name != "sethandler")


def _is_hidden(mapping: Mapping, alias: Directive, directives: Sequence[Directive]) -> bool:
    """Return whether an alias of mod_wsgi takes the URLs: before DocumentRoot, after Alias."""
    if mapping.directive.name not in ("documentroot", "virtualdocumentroot", "userdir"):
        return False
    for each in directives:
        if each.host in (0, alias.host) and each.arguments:
            url = each.arguments[0]
            if each.name == ALIAS and is_below(alias.arguments[0], url):
                return True
            if each.name == MATCH and is_found(url, alias.arguments[0]):
                return True
    return False


def _scripts(folder: str, directives: Sequence[Directive], script: str | None) -> Iterator[str]:
    if script is not None:
        return _below(folder, _names(script))
    every = sorted(glob.glob(os.path.join(glob.escape(folder.rstrip("/")), "*")))
    paths = (path.replace(os.sep, "/") for path in every if os.path.isfile(path))
    return iter(_likely(paths, directives))


def _likely(paths: Iterator[str], directives: Sequence[Directive]) -> list[str]:
    """Return the scripts among files: beside those named .wsgi, others are modules of theirs."""
    found = list(islice((each for each in paths if _defines(each, directives)), MOST))
    return [each for each in found if each.endswith(".wsgi")] or found


def _defines(path: str, directives: Sequence[Directive]) -> bool:
    """Return whether a file defines an application, by any name that the configuration uses."""
    names = {each.arguments[0] for each in directives if each.name == "wsgicallableobject"}
    either = "|".join(map(re.escape, {APPLICATION, *names}))
    return re.search(DEFINES.format(f"(?:{either})"), read_file(path), re.MULTILINE) is not None


def _with_htaccess(target: str, script: str | None, names: Sequence[str]) -> Iterator[str]:
    """Return the folders of a target that may have a .htaccess, by one of its names."""
    folder = target if os.path.isdir(target) else os.path.dirname(target)
    if script is None:
        files = map(os.path.split, mappings.files(folder))
        yield from (above for above, name in files if name in names)
        return
    for path in _below(folder, _names(script)):
        below = path
        while (above := os.path.dirname(below)) != below and is_below(above, folder):
            yield above
            below = above


def _below(target: str, paths: Sequence[str]) -> Iterator[str]:
    """Return the first of these paths that is a target or below it."""
    return islice((each for each in paths if is_below(each, target)), 1)


def is_below(path: str, folder: str) -> bool:
    """Return whether a path, or a URL path, is a folder or in it."""
    path, folder = os.path.normcase(path), os.path.normcase(folder)
    return f"{path}{os.sep}".startswith(f"{folder.rstrip(os.sep)}{os.sep}")


def _names(script: str) -> tuple[str, ...]:
    """Return the absolute paths of a script as Apache writes them: as named, and without links."""
    paths = os.path.abspath(script), os.path.realpath(script)
    return tuple(dict.fromkeys(path.replace(os.sep, "/") for path in paths))
