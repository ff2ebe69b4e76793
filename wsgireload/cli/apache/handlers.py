"""Scripts that a handler serves, each as the WSGIScriptAlias that would do the same."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from wsgireload.cli.apache import candidates, mappings, matches
from wsgireload.cli.apache.directives import Directive
from wsgireload.cli.apache.mappings import Mapping
from wsgireload.cli.apache.sections import applies, effective, is_found

HANDLERS = "addhandler", "sethandler", "addtype", "forcetype"
WSGI = "wsgi-script", "application/x-httpd-wsgi"
HANDLED = WSGI[0]  # the name of an alias that stands for a handler
FLAG = re.compile(r"(?:^|[\[,])(?:H|handler)=([^\],]*)", re.IGNORECASE)  # of a RewriteRule
VARIABLE = re.compile(r"[$%?]")  # where the part of a target begins that depends on the request


def find(
    line: Directive, directives: Sequence[Directive], script: str | None
) -> Iterator[Directive]:
    """Return an alias for each script of a line, or for this one; nothing if it is no handler."""
    is_handler = line.name in HANDLERS and line.arguments[:1] and line.arguments[0] in WSGI
    if is_handler or (_of_rule(line) in WSGI and line.arguments[1] == "-"):
        yield from _of_handler(line, directives, script)
    elif _of_rule(line) in WSGI:
        names = candidates.names(script) if script else ()
        found = _targets(line, directives)
        yield from (each for each in found if not script or each.arguments[1] in names)


def mount_point(handler: str, directives: Sequence[Directive]) -> tuple[str, str]:
    """Return a URL path at which requests go to a WSGIHandlerScript, and a file there.

    Each is "" if it is unknown.
    """
    for each in directives:
        is_set = each.name == "sethandler" and each.arguments == (handler,)
        if each.name == "addhandler" and each.arguments[:1] == (handler,):
            yes = tuple(f".{suffix.lstrip('.')}" for suffix in each.arguments[1:])
            for mapping in mappings.find(directives):
                for path in (one for one in mappings.files(mapping.target) if one.endswith(yes)):
                    return mapping.url_of(path), path
        if not is_set and _of_rule(each) != handler:
            continue
        for kind, where in each.sections:
            if kind == "location":
                return where, ""
            for mapping in mappings.find(directives) if kind == "directory" else ():
                if candidates.is_below(where, mapping.target):
                    return mapping.url_of(where), os.path.join(where, "x")
    return "", ""


def _of_handler(
    handler: Directive, directives: Sequence[Directive], script: str | None
) -> Iterator[Directive]:
    done: set[tuple[str, ...]] = set()
    for mapping in mappings.find(directives):
        every = _candidates(mapping, _folders(handler), script)
        paths = (each for each in every if _is_of(handler, mapping, each))
        for path in candidates.likely(paths, directives) if script is None else paths:
            alias = _handled(handler, mapping, path)
            if (
                alias.arguments not in done
                and _is_in_effect(handler, alias, directives)
                and not _is_hidden(mapping, alias, directives)
            ):
                done.add(alias.arguments)
                yield alias


def _of_rule(line: Directive) -> str:
    """Return the handler that a RewriteRule sets; "" for another line."""
    flags = line.arguments[2:3] if line.name == "rewriterule" else ()
    return next((found[1] for found in map(FLAG.search, flags) if found), "")


def _targets(rule: Directive, directives: Sequence[Directive]) -> Iterator[Directive]:
    """Return an alias for the file to which a RewriteRule leads: in its folders, or anywhere."""
    pattern, target = rule.arguments[:2]
    for folder in _folders(rule) or ["/"]:
        path = mappings.file_of(os.path.join(folder, VARIABLE.split(target)[0]))
        above = (each for each in mappings.find(directives) if _folders(rule))
        urls = (each.url_of(folder) for each in above if candidates.is_below(folder, each.target))
        url = f"{next(urls, '/').rstrip('/')}/{mappings.literal(pattern).strip('/')}"
        if os.path.isfile(path):
            yield replace(rule, name=HANDLED, arguments=(url.rstrip("/") or "/", path))


def _is_of(handler: Directive, mapping: Mapping, path: str) -> bool:
    """Return whether a line is of a file: by its suffix, or by the pattern of a RewriteRule.

    In a folder that is of the paths in it, else of the URL paths.
    """
    if handler.name != "rewriterule":
        return path.endswith(tuple(f".{each.lstrip('.')}" for each in handler.arguments[1:]) or "")
    inside = (each for each in _folders(handler) if candidates.is_below(path, each))
    text = next((os.path.relpath(path, each) for each in inside), mapping.url_of(path))
    return is_found(handler.arguments[0], text)


def _folders(line: Directive) -> list[str]:
    return [argument for name, argument in line.sections if name == "directory"]


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
        yield from candidates.below(mapping.target, candidates.names(script))
        return
    for folder in folders or [mapping.target]:
        start = folder if candidates.is_below(folder, mapping.target) else mapping.target
        yield from mappings.files(start)


def _is_in_effect(handler: Directive, alias: Directive, directives: Sequence[Directive]) -> bool:
    """Return whether a handler applies: SetHandler overrides AddHandler, a RewriteRule both."""
    if handler.name == "rewriterule":
        return applies(handler, alias)
    found = effective(directives, "sethandler", alias)
    value = found.arguments[0] if found and found.arguments else "none"
    is_its = value in WSGI or (value.lower() == "none" and handler.name != "sethandler")
    return is_its and applies(handler, alias)


def _is_hidden(mapping: Mapping, alias: Directive, directives: Sequence[Directive]) -> bool:
    """Return whether an alias of mod_wsgi takes the URLs: before DocumentRoot, after Alias."""
    if mapping.directive.name not in ("documentroot", "virtualdocumentroot", "userdir"):
        return False
    for each in directives:
        if each.host in (0, alias.host) and each.arguments:
            url = each.arguments[0]
            if each.name == matches.ALIAS and candidates.is_below(alias.arguments[0], url):
                return True
            if each.name == matches.MATCH and is_found(url, alias.arguments[0]):
                return True
    return False
