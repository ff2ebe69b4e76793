"""All ways to serve a WSGI script, each as the WSGIScriptAlias that would do the same.

They are: an alias of a file or of a folder, an alias with a regular expression, and a handler in
the configuration or in .htaccess, also one that a RewriteRule sets.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

from wsgireload.cli.apache import candidates, handlers, mappings, matches
from wsgireload.cli.apache.directives import Directive, htaccess
from wsgireload.cli.apache.mappings import Mapping
from wsgireload.cli.apache.sections import effective

OVERRIDES = "allowoverride", "allowoverridelist"
HANDLER_SCRIPT = "wsgihandlerscript"  # it names a script, and not where that is served


def find(directives: Sequence[Directive], script: str | None) -> list[Directive]:
    """Return an alias for each script, or for this one only as far as a line serves several."""
    found: list[Directive] = []
    for each in directives:
        if each.name in matches.ALIASES and len(each.arguments) > 1:
            found += _of_alias(each, directives, script)
        elif each.name == HANDLER_SCRIPT and len(each.arguments) > 1:
            found.append(each)
        else:
            found += islice(handlers.find(each, directives, script), candidates.MOST)
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
        place = Directive(matches.ALIAS, ("/", os.path.join(folder, "x")), host=host)
        for found in (effective(directives, name, place) for name in OVERRIDES):
            if found and found.arguments and found.arguments[0].lower() != "none":
                return True
    return False


def _of_alias(
    alias: Directive, directives: Sequence[Directive], script: str | None
) -> list[Directive]:
    url, target, *options = alias.arguments
    has_group = alias.name == matches.MATCH and matches.GROUP.search(target)
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
        return glob.glob("*".join(map(glob.escape, pieces)))[: candidates.MOST]
    wanted = ".*".join(map(re.escape, pieces))
    return [each for each in candidates.names(script) if re.fullmatch(wanted, each)]


def _scripts(folder: str, directives: Sequence[Directive], script: str | None) -> Iterator[str]:
    if script is not None:
        return candidates.below(folder, candidates.names(script))
    every = sorted(glob.glob(os.path.join(glob.escape(folder.rstrip("/")), "*")))
    paths = (path.replace(os.sep, "/") for path in every if os.path.isfile(path))
    return iter(candidates.likely(paths, directives))


def _with_htaccess(target: str, script: str | None, names: Sequence[str]) -> Iterator[str]:
    """Return the folders of a target that may have a .htaccess, by one of its names."""
    folder = target if os.path.isdir(target) else os.path.dirname(target)
    if script is None:
        files = map(os.path.split, mappings.files(folder))
        yield from (above for above, name in files if name in names)
        return
    for path in candidates.below(folder, candidates.names(script)):
        below = path
        while (above := os.path.dirname(below)) != below and candidates.is_below(above, folder):
            yield above
            below = above
