"""Which URL paths lead to which folders and files, whatever handles them there."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from wsgireload.cli.apache.directives import Directive

MOST = 2000  # files of one folder: a search in a large tree ends unsuccessfully
ALIASES = "alias", "scriptalias"
OF_HOST = re.compile(r"%(?:p|-?\d+\+?(?:\.-?\d+\+?)?)")  # of VirtualDocumentRoot
LITERAL = re.compile(r"(?:\(\?i\))?\^?([\w/.~-]*)")


class Mapping(NamedTuple):
    """A URL path, and the folder or file to which it leads."""

    url: str
    target: str
    directive: Directive

    def url_of(self, path: str) -> str:
        """Return the URL path of a file that is the target or below it."""
        inside = os.path.relpath(path, self.target).replace(os.sep, "/")
        inside = "" if inside == "." else f"/{inside}"
        return f"{self.url.rstrip('/')}{inside}" or "/"


def find(directives: Sequence[Directive]) -> Iterator[Mapping]:
    """Return the mappings of Alias, AliasMatch, DocumentRoot, UserDir and the like."""
    for each in directives:
        *url, target = each.arguments or ("",)
        if each.name in ALIASES:
            # In a Location, Alias has only a target.
            urls = [*url, *(where for kind, where in each.sections if kind == "location")]
            yield from (Mapping(one, file_of(target), each) for one in urls[:1])
        elif each.name == "aliasmatch" and url:
            yield Mapping(literal(url[0]), file_of(target.partition("$")[0]), each)
        elif each.name == "documentroot":
            yield Mapping("/", target, each)
        elif each.name == "virtualdocumentroot":  # a folder for each host name
            pattern = "*".join(map(glob.escape, OF_HOST.split(target)))
            found = filter(os.path.isdir, glob.glob(pattern)[:MOST])
            yield from (Mapping("/", path, each) for path in found)
        elif each.name == "userdir":
            for pattern in each.arguments:
                yield from (Mapping(*found, each) for found in _of_users(pattern))


def files(folder: str) -> Iterator[str]:
    """Return a file, or the files of a folder and below: the nearest ones first."""
    folders, count = [folder], 0
    if os.path.isfile(folder):
        yield folder
        return
    for each in folders:  # which grows
        try:
            entries = sorted(os.scandir(each), key=lambda entry: entry.name)
        except OSError:  # another user's folder
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif entry.is_file():
                yield entry.path.replace(os.sep, "/")
        count += len(entries)
        if count > MOST:
            return


def file_of(path: str) -> str:
    """Return the file on the way to a path, behind which it is path info; else the path."""
    above = path
    while above not in ("", "/") and not os.path.exists(above.rstrip("/")):
        above = os.path.dirname(above.rstrip("/"))
    above = above.rstrip("/")
    return above if os.path.isfile(above) else path


def literal(pattern: str) -> str:
    """Return how the URL paths begin for which a regular expression is."""
    return (LITERAL.match(pattern) or ["", ""])[1] or "/"


def _of_users(pattern: str) -> Iterator[tuple[str, str]]:
    """Return the URL path and the folder of each user who has one."""
    if "*" in pattern:
        before, _, after = pattern.partition("*")
    elif os.path.isabs(pattern):
        before, after = f"{pattern.rstrip('/')}/", ""
    else:  # a folder in each home, or a word as "disabled"
        yield from _of_homes(pattern)
        return
    for folder in glob.glob(f"{glob.escape(before)}*{glob.escape(after)}"):
        yield f"/~{folder[len(before) : len(folder) - len(after)]}", folder


def _of_homes(name: str) -> Iterator[tuple[str, str]]:
    if os.name == "nt":
        return
    import pwd

    for user in pwd.getpwall():
        folder = os.path.join(user.pw_dir, name)
        if os.path.isdir(folder):
            yield f"/~{user.pw_name}", folder
