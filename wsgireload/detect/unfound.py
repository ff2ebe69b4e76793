"""Modules that a source imports and that are not there, or not yet, as in half of an upload."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.machinery import FileFinder
from importlib.util import find_spec

from wsgireload.detect.missing import is_text
from wsgireload.detect.statements import Import, seem_to_import


def seems_unfound(package: str, text: bytes) -> bool:
    """Whether a source in this package may import a module that is not there, by its text."""
    return any(map(missing_of, seem_to_import(text, None, package)))


def missing_of(statement: Import) -> str | None:
    """Return the module that a statement would not find; None if it would, or in doubt.

    All finders search, the application's own as well. Nothing is imported.
    """
    parent, folders = "", sys.path
    for part in statement.module.split("."):
        name = f"{parent}.{part}" if parent else part
        if name not in sys.modules:
            return None if _is_found(name, folders) else name
        parent, folders = name, vars(sys.modules[name]).get("__path__", ())
    return None


def _is_found(name: str, folders: Iterable[str]) -> bool:
    for folder in filter(is_text, folders):
        finder = sys.path_importer_cache.get(folder)
        if isinstance(finder, FileFinder):
            finder.invalidate_caches()  # what it knows may be a moment old
    try:
        return find_spec(name) is not None
    except Exception:  # of a finder, or for a name that is none: the import decides
        return True
