"""Which source imports a module whose file is gone? A new process could not load it."""

import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from importlib.machinery import ModuleSpec, PathFinder
from typing import TYPE_CHECKING, NamedTuple

from wsgireload.changes import DELETED, Change
from wsgireload.detect.links import Links
from wsgireload.detect.missing import is_text
from wsgireload.detect.modules import Source, namespace, source_of
from wsgireload.detect.search import (
    folders_for,
    is_altered,
    may_be_altered_by_new,
    read_again,
    spec_anew,
)
from wsgireload.detect.statements import Import, imports, package_of, seem_to_import, tree_of
from wsgireload.detect.unfound import missing_of, seems_unfound
from wsgireload.server.libraries import is_own

if TYPE_CHECKING:
    import ast


class Importer(NamedTuple):
    """A source and the line that imports a module; `gone` is the path that this had, or its name.

    It is the name if the source has changed, and there has been no such module before.
    """

    gone: str
    path: str
    line: int


class Importers:
    """Finds a loaded source of the application that imports, in any case, a module that is gone.

    Without one, finds a changed source that imports a module which no finder finds. In any case: by
    a statement outside any block. Sources are read as they are now; a module that can be found
    elsewhere is not gone. Where a changed file, or a module that it imports for the first time, may
    change where Python searches, nothing is found.
    `checkpoint` may raise to end the search.
    """

    def __init__(self, links: Links, checkpoint: Callable[[], None]) -> None:
        self._links = links
        self._checkpoint = checkpoint
        self._files: Mapping[str, Change] = {}  # these, and what was found for them
        self._found: Importer | None = None
        self._gone: dict[str, str] = {}  # each module that is gone, and the path that it had
        self._statement = Import(0, "")  # which imports one of them
        self._folders: list[str] = []  # in which that searches

    def __call__(self, files: Mapping[str, Change]) -> Importer | None:
        """Return the first importer; `files` are all that differ from what is loaded."""
        try:
            if files != self._files or (self._found and self._has_come()):
                self._files, self._found = files, self._search(files)
        except Exception:  # modules may be objects of any kind
            self._files, self._found = files, None
        return self._found

    def _has_come(self) -> bool:
        """Whether the module that was gone can be found by now, at another place."""
        if self._found and self._found.gone not in self._files:
            return missing_of(self._statement, self._folders, self._links) is None
        return Finder(self._gone, self._links).lost(self._statement) is None

    def _search(self, files: Mapping[str, Change]) -> Importer | None:
        if not any(each.is_code for each in files.values()) or is_altered(files):
            return None
        is_gone = any(each.kind == DELETED and each.is_code for each in files.values())
        sources = list(self._sources(None if is_gone else files))
        changed = [each for each in sources if each.path in files and _is_own_python(each)]
        found = self._search_gone(files, sources) or self._search_changed(changed)
        if found and may_be_altered_by_new(changed, self._links, self._checkpoint):
            return None
        return found

    def _search_changed(self, sources: Iterable[Source]) -> Importer | None:
        for source in sources:
            self._checkpoint()
            package, self._folders = package_of(source.path, source.module), folders_for(source)
            seems = partial(seems_unfound, self._folders, self._links, package)
            tree = tree_of(source.path, seems)
            for each in imports(tree.body if tree else (), package):
                if (name := missing_of(each, self._folders, self._links)) is not None:
                    self._statement = each
                    return Importer(name, source.path, each.line)
        return None

    def _search_gone(
        self, files: Mapping[str, Change], sources: Collection[Source]
    ) -> Importer | None:
        paths = {path for path, each in files.items() if each.kind == DELETED and each.is_code}
        archives = [path for path in paths if not files[path].is_python]
        places = ((each.module, _place(each.path, paths, archives)) for each in sources)
        gone = self._gone = {name: path for name, path in places if path is not None}
        finder = Finder(gone, self._links)
        words = frozenset(
            name.rpartition(".")[2].encode() for name in gone if finder.is_first_lost(name)
        )
        for source in sources if words else ():
            self._checkpoint()
            if _is_own_python(source):
                package = package_of(source.path, source.module)
                tree = tree_of(source.path, partial(finder.seems_lost, words, package))
                for each in imports(tree.body if tree else (), package):
                    if (name := finder.lost(each)) is not None:
                        self._statement = each
                        return Importer(gone[name], source.path, each.line)
        return None

    def _sources(self, files: Iterable[str] | None = None) -> Iterator[Source]:
        """The files of the loaded modules, by their links; of `files`, those with such names."""
        wanted = None if files is None else set(map(os.path.basename, files))  # None: all
        for name, module in dict(sys.modules).items():
            self._checkpoint()
            if wanted is not None:  # to look at all of Django's modules takes some milliseconds
                file = namespace(module).get("__file__")
                if not isinstance(file, str) or os.path.basename(file) not in wanted:
                    continue
            if (source := source_of(name, module)) is not None:
                yield source._replace(path=self._links(source.path))


class Finder:
    """Finds modules as a new process would; `gone` are loaded ones, and their missing files."""

    def __init__(self, gone: Mapping[str, str], links: Links) -> None:
        self._gone = gone
        self._files = frozenset(gone.values())
        self._links = links
        self._specs: dict[str, ModuleSpec | None] = {}

    def spec(self, name: str) -> ModuleSpec | None:
        if name not in self._specs:
            self._specs[name] = self._find(name)
        return self._specs[name]

    def has(self, name: str) -> bool:
        """Whether there is a module, and not just a folder of that name."""
        spec = self.spec(name)
        return spec is not None and spec.loader is not None

    def is_first_lost(self, name: str) -> bool:
        """Whether a module is gone, and the package around it is not: an import names that."""
        parent = name.rpartition(".")[0]
        return not self.has(name) and (parent not in self._gone or self.spec(parent) is not None)

    def seems_lost(self, words: frozenset[bytes], package: str, text: bytes) -> bool:
        """Whether a source in this package may lose one of these words, by its text."""
        return any(map(self.lost, seem_to_import(text, words, package)))

    def lost(self, statement: Import) -> str | None:
        """Return the module that is gone of which an import fails; None if it does not."""
        parts = statement.module.split(".")
        for length in range(1, len(parts) + 1):
            name = ".".join(parts[:length])
            if name in self._gone and self.spec(name) is None:
                return name
        base = statement.module
        for last in (each for each in statement.names if each != "*"):
            name = f"{base}.{last}"
            if name in self._gone and self.spec(name) is None and not self._binds(base, last):
                return name
            if base in self._gone and not self.has(base) and self.spec(name) is None:
                return base
        return None

    def _find(self, name: str) -> ModuleSpec | None:
        parent = name.rpartition(".")[0]
        if parent in self._gone:
            package = self.spec(parent)
            folders: Iterable[str] = (package and package.submodule_search_locations) or ()
        else:
            folders = vars(sys.modules[parent])["__path__"] if parent else sys.path
            if not parent and name in self._gone:
                folders = folders_for(Source(self._gone[name], name))
        folders = [self._links(folder) for folder in folders if is_text(folder)]
        folders = [folder for folder in folders if folder not in self._files]  # a cached archive
        read_again(folders)
        spec = PathFinder.find_spec(name, folders)
        if spec is None or spec.loader is not None:
            return spec
        return spec if any(map(_holds_code, spec.submodule_search_locations or ())) else None

    def _binds(self, module: str, last: str, seen: tuple[str, ...] = ()) -> bool:
        """Whether the source of a module has this name, or all names of another that has it."""
        source = self.spec(module) if module in self._gone else None
        if source is None and module not in sys.modules:
            source = spec_anew(module, sys.path, self._links)
        loaded = source_of(module, sys.modules.get(module))
        path = source.origin if source else loaded and self._links(loaded.path)
        words = last.encode(), b"__getattr__", b"*"
        tree = tree_of(path, lambda text: any(word in text for word in words)) if path else None
        if tree is None or _assigns(tree, last):
            return tree is not None
        found = imports(tree.body, package_of(path or "", module))
        others = {each.module for each in found if "*" in each.names}.difference(seen, [module])
        return any(self._binds(other, last, (*seen, module)) for other in others)


def _is_own_python(source: Source) -> bool:
    return source.is_python and is_own(os.path.dirname(source.path))


def _place(path: str, gone: Collection[str], archives: Iterable[str]) -> str | None:
    """Which of the files that are gone a module came from: its own, or the archive around it."""
    if path in gone:
        return path
    return next((each for each in archives if path.startswith(each + os.sep)), None)


def _holds_code(folder: str) -> bool:
    """Whether a folder has more than the bytecode of sources that were removed."""
    try:
        return any(name != "__pycache__" for name in os.listdir(folder))
    except OSError:
        return False


def _assigns(tree: "ast.AST", name: str) -> bool:
    """Whether a source gives a value to a name, or has a function for all names."""
    import ast

    wanted = name, "__getattr__"
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found = node.name in wanted
        elif isinstance(node, ast.Name):
            found = node.id in wanted and isinstance(node.ctx, ast.Store)
        else:
            found = isinstance(node, ast.alias) and (node.asname or node.name) in wanted
        if found:
            return True
    return False
