"""Where would a new process search for modules, and may changes alter that?"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib.machinery import FileFinder, ModuleSpec, PathFinder

from wsgireload.changes import DELETED, Change
from wsgireload.detect.links import Links
from wsgireload.detect.missing import is_text
from wsgireload.detect.modules import NATIVE_SUFFIXES, PYTHON_SUFFIXES, Source
from wsgireload.detect.statements import package_of, seem_to_import
from wsgireload.server.detection import EXPRESS_PREFIX, SCRIPT_PREFIX
from wsgireload.server.files import content
from wsgireload.server.libraries import is_own

MOST = 200  # new modules whose text is read: each takes some milliseconds to find
SEARCHES = re.compile(
    rb"sys\.(?:path\b|path_hooks|meta_path|modules(?:\[[^]]*\]\s*=|\.(?:setdefault|update)\b))"
    rb"|from sys import|__path__[ \t]*(?:\+?=|\[|\.\w)|addsitedir|activate_this"
)


def folders_for(source: Source) -> list[str]:
    """The folders that are searched for what a source imports from no package.

    An application may add to sys.path for a moment, as to load its plugins: then Python has
    searched the folder from which the source was imported, and would do so again.
    """
    root = os.path.dirname(source.path)
    for _ in filter(None, package_of(source.path, source.module).split(".")):
        root = os.path.dirname(root)
    is_script = source.module.startswith((SCRIPT_PREFIX, EXPRESS_PREFIX))
    is_searched = root in sys.path_importer_cache and not is_script
    return [*filter(is_text, sys.path), *([root] if is_searched else ())]


def read_again(folders: Iterable[str]) -> None:
    """Have Python's finders read these folders again: what they know may be a moment old."""
    for folder in folders:
        finder = sys.path_importer_cache.get(folder)
        if isinstance(finder, FileFinder):
            finder.invalidate_caches()
        elif finder is None:  # there may have been no such folder yet
            sys.path_importer_cache.pop(folder, None)


def spec_anew(name: str, folders: Iterable[str], links: Links) -> ModuleSpec | None:
    """Where a new process finds a module, whatever this one has loaded; `folders` as sys.path."""
    parent = name.rpartition(".")[0]
    if parent:
        package = spec_anew(parent, folders, links)
        folders = (package and package.submodule_search_locations) or ()
    return spec_in(name, folders, links)


def spec_in(name: str, folders: Iterable[str], links: Links) -> ModuleSpec | None:
    """Where Python finds a module in these folders, by the links to them."""
    linked = list(map(links, folders))
    read_again(linked)
    return PathFinder.find_spec(name, linked)


def is_altered(files: Mapping[str, Change]) -> bool:
    """Whether a new process may search in other folders, or find modules in another way."""
    for path, change in files.items():
        if path.endswith(".pth"):
            return True
        if change.kind == DELETED or not change.is_code:
            continue
        if not change.is_python and not path.lower().endswith((*NATIVE_SUFFIXES, ".pyc")):
            return True  # Python keeps the directory of an archive
        if change.is_python and _alters(path):
            return True
    return False


def may_be_altered_by_new(
    sources: Iterable[Source], links: Links, checkpoint: Callable[[], None]
) -> bool:
    """Whether these sources import a module, not loaded yet, that alters where Python searches.

    So may one that such a module imports for the first time.
    """
    waiting, seen = list(sources), set[str]()
    while waiting and len(seen) < MOST:
        checkpoint()
        source = waiting.pop()
        folders = folders_for(source)
        try:
            found = list(
                seem_to_import(content(source.path), None, package_of(source.path, source.module))
            )
        except OSError:
            continue
        names = (f"{each.module}.{name}" for each in found for name in ("", *each.names))
        for name in {name.rstrip(".") for name in names} - sys.modules.keys() - seen:
            seen.add(name)
            spec = spec_anew(name, folders, links)
            path = (spec and spec.has_location and spec.origin) or ""
            if path.endswith(PYTHON_SUFFIXES) and is_own(os.path.dirname(path)):
                if _alters(path):
                    return True
                waiting.append(Source(path, name))
    return False


def _alters(path: str) -> bool:
    try:
        return SEARCHES.search(content(path)) is not None
    except OSError:
        return False
