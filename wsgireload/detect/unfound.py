"""Modules that a source imports and that are not there, or not yet, as in half of an upload."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import FileFinder, PathFinder

from wsgireload.detect.links import Links
from wsgireload.detect.missing import is_text
from wsgireload.detect.statements import Import, seem_to_import


def seems_unfound(links: Links, package: str, text: bytes) -> bool:
    """Whether a source in this package may import a module that is not there, by its text."""
    return any(missing_of(each, links) for each in seem_to_import(text, None, package))


def missing_of(statement: Import, links: Links) -> str | None:
    """Return the module that a statement would not find; None if it would, or in doubt.

    All finders search, the application's own as well, and those of folders also where `links` lead
    by now. Nothing is imported.
    """
    parent = ""
    folders: Sequence[str] | None = None
    for part in statement.module.split("."):
        name = f"{parent}.{part}" if parent else part
        if name not in sys.modules:
            return None if _is_found(name, folders, links) else name
        parent, folders = name, vars(sys.modules[name]).get("__path__", ())
    return None


def _is_found(name: str, folders: Sequence[str] | None, links: Links) -> bool:
    """Whether a module can be found in a package with these folders; None: it is in no package."""
    real = list(filter(is_text, sys.path if folders is None else folders))
    linked = list(map(links, real))
    for folder in (*real, *linked):
        finder = sys.path_importer_cache.get(folder)
        if isinstance(finder, FileFinder):
            finder.invalidate_caches()  # what it knows may be a moment old
    try:
        if not real or PathFinder.find_spec(name, linked):  # no package: another mistake
            return True
        # Not importlib's own function, which waits for a package that another thread still loads.
        return any(finder.find_spec(name, folders) for finder in sys.meta_path)
    except Exception:  # of a finder, or for a name that is none: the import decides
        return True
