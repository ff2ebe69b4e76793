"""The checks of what the middleware is given."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from wsgireload import SettingsError
from wsgireload.web.access import Access
from wsgireload.web.editor import EDITORS, template

Path = str | os.PathLike[str]

SHORTEST_TOKEN = 16  # characters
NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", re.ASCII | re.IGNORECASE)


def path(given: object) -> str:
    """Return a path as WSGI has it in PATH_INFO: the bytes of its UTF-8 as Latin-1."""
    takes = "a path that begins and ends with a slash"
    if not isinstance(given, str) or len(given) < len("/x/") or given[0] + given[-1] != "//":
        raise SettingsError("path", given, takes)
    try:
        return given.encode("utf-8", "surrogateescape").decode("latin-1")
    except UnicodeEncodeError:
        raise SettingsError("path", given, takes) from None


def access(token: object, hosts: str | Iterable[str]) -> Access:
    """Return who may see the page."""
    if token is not None and not (isinstance(token, str) and len(token) >= SHORTEST_TOKEN):
        raise SettingsError("token", "…", f"at least {SHORTEST_TOKEN} random characters")
    try:
        names = [hosts] if isinstance(hosts, str) else list(hosts)
        are_names = all(NAME.fullmatch(name) for name in names)
    except TypeError:
        are_names = False
    if not are_names:
        raise SettingsError("hosts", hosts, "host names without a port, as in the address bar")
    return Access(token, frozenset(map(str.lower, names)))


def editor(given: object) -> str | None:
    """Return the template of the links that open a place; None without an editor."""
    found = template(given) if isinstance(given, str) else None
    if found is None and given is not None:
        names = ", ".join(EDITORS)
        takes = (
            f"{names}, or a URL with {{path}} and {{line}}, such as x://open?f={{path}}:{{line}}"
        )
        raise SettingsError("editor", given, takes)
    return found


def patterns(reload_on: Path | Iterable[Path]) -> list[str]:
    """Return the paths and globs of `reload_on`."""
    given = [reload_on] if isinstance(reload_on, (str, bytes, os.PathLike)) else reload_on
    try:
        found = [os.fsdecode(each) for each in given]
    except TypeError:
        found = [""]
    if not all(found) or "\0" in "".join(found):
        takes = "paths or globs: str or os.PathLike, not empty"
        raise SettingsError("reload_on", reload_on, takes)
    return found
