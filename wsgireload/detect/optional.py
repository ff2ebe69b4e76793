"""Optional imports of modules that were loaded before the import hook could see them fail.

So it is with Django's settings, which end in `try: from local_settings import *`: they are loaded
before the first app can call `start()`. Here their text is read.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any

from wsgireload.detect.missing import is_text
from wsgireload.detect.statements import imports, package_of, tree_of
from wsgireload.server.libraries import is_own

if TYPE_CHECKING:
    import ast

# Of a source that may go on without a module. Each is looked for by itself: one pattern of them all
# takes 20 times as long.
WORDS = (b"ImportError", b"ModuleNotFoundError", b"suppress")
TRIES = re.compile(rb"try:\s+(?:import|from)\b")


def missing(path: str, module: str) -> Iterator[tuple[str, list[str]]]:
    """Names that a source may have failed to import, and the folders that were searched.

    Only names that cannot be found now: whether another one was missing then is unknown.
    """
    if not is_own(os.path.dirname(path)) or (tree := tree_of(path, _may_go_on)) is None:
        return
    modules = dict(sys.modules)
    for name in dict.fromkeys(_imported(tree, package_of(path, module))):
        found = _first_missing(name, modules)
        if found is not None and PathFinder.find_spec(*found) is None:
            yield found


def _may_go_on(text: bytes) -> bool:
    return any(word in text for word in WORDS) or TRIES.search(text) is not None


def _imported(tree: ast.AST, package: str) -> Iterator[str]:
    """The names of modules, or of objects in them, that are imported where that may fail."""
    import ast

    for block in ast.walk(tree):
        if not isinstance(block, (ast.Try, ast.With)):
            continue
        nodes = (each for line in block.body for each in ast.walk(line))
        for _, base, names in imports(nodes, package):
            yield from (f"{base}.{name}".strip(".") for name in names) if names else (base,)


def _first_missing(name: str, modules: Mapping[str, Any]) -> tuple[str, list[str]] | None:
    """The first part of a name that is no module, and the folders of its package; None without."""
    package, known, folders = None, "", sys.path
    for part in name.split("."):
        known = f"{known}.{part}".strip(".")
        if known not in modules:
            is_there = part == "*" if package is None else part in ("*", *vars(package))
            is_there = is_there or known in sys.builtin_module_names
            searched = [*filter(is_text, folders)]
            return (known, searched) if searched and not is_there else None
        package = modules[known]
        folders = vars(package).get("__path__", ())
    return None
