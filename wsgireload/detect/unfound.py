"""Modules that a source imports and that are not there, or not yet, as in half of an upload."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from wsgireload.detect.links import Links
from wsgireload.detect.missing import is_text
from wsgireload.detect.modules import namespace
from wsgireload.detect.search import read_again, spec_anew, spec_in
from wsgireload.detect.statements import Import, seem_to_import


def seems_unfound(folders: Sequence[str], links: Links, package: str, text: bytes) -> bool:
    """Whether a source in this package may import a module that is not there, by its text."""
    return any(missing_of(each, folders, links) for each in seem_to_import(text, None, package))


def missing_of(statement: Import, folders: Sequence[str], links: Links) -> str | None:
    """Return the module that a statement would not find; None if it would, or in doubt.

    `folders` are searched for what is in no package. All finders search, the application's own as
    well, and those of folders also where `links` lead by now, and where Python would find another
    package than the loaded one. Nothing is imported.
    """
    parent = ""
    inside: Sequence[str] = folders
    for part in statement.module.split("."):
        name = f"{parent}.{part}" if parent else part
        if name not in sys.modules:
            try:
                return None if _is_found(name, inside, folders, links) else name
            except Exception:  # of a finder, or for a name that is none: the import decides
                return None
        parent, inside = name, _folders_of(name)
    return None


def _folders_of(package: str) -> Sequence[str]:
    folders: Any = namespace(sys.modules[package]).get("__path__", ())
    return list(folders)


def _is_found(name: str, inside: Sequence[str], folders: Sequence[str], links: Links) -> bool:
    """Whether a module can be found; the package around it, if any, has the folders `inside`."""
    real = list(filter(is_text, inside))
    if not real:  # no package: another mistake
        return True
    read_again(real)
    if spec_anew(name, folders, links):
        return True
    is_inside = "." in name  # else that has searched the same folders
    if is_inside and spec_in(name, real, links):
        return True
    # Not importlib's own function, which waits for a package that another thread still loads.
    path = real if is_inside else None
    return any(finder.find_spec(name, path) for finder in sys.meta_path)
