"""The files that the loaded modules came from."""

import os
import sys
import weakref
from collections.abc import Iterator, Mapping
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    ExtensionFileLoader,
    ModuleSpec,
    PathFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from itertools import islice
from types import GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import Any, NamedTuple

from wsgireload.detect.links import Links
from wsgireload.server.detection import EXPRESS_PREFIX, SCRIPT_PREFIX
from wsgireload.server.files import content

PYTHON_SUFFIXES = (".py", ".pyw")
NATIVE_SUFFIXES = tuple(EXTENSION_SUFFIXES)
HEAP_TYPE = 1 << 9  # a class of Python's: the __dict__ of one in C may be that of another object
OF_FILES = {SourceFileLoader, SourcelessFileLoader, ExtensionFileLoader}  # never of an archive


class Source(NamedTuple):
    """A file that a loaded module came from."""

    path: str
    module: str
    is_python: bool = False  # it is Python source
    cached: str | None = None  # where Python keeps its bytecode; None if another loader might not
    loaded_mtime: int | None = None  # in microseconds, when it was loaded, if mod_wsgi noted it


class Modules:
    """Finds the source of each module of this interpreter, once, by its path of `links`."""

    def __init__(self, modules: dict[str, Any] | None = None, links: Links | None = None) -> None:
        self._given = modules
        self.links = links or Links()
        self._known: dict[str, object] = {}  # the identity of each

    @property
    def _modules(self) -> dict[str, Any]:
        """The modules now: some tools replace sys.modules itself."""
        return sys.modules if self._given is None else self._given

    def new(self, *, thorough: bool = True) -> Iterator[Source]:
        """The sources of modules that were loaded, or loaded again, since the last call.

        A call that is not `thorough` finds modules only when there are more of them than before; it
        costs the same however many there are.
        """
        known = self._known
        for name, module in self._candidates(thorough=thorough).items():
            identity = _identity(module)
            if name in known and known[name] is identity:
                continue
            known[name] = identity
            source = source_of(name, module)
            if source is not None:
                path = self.links(source.path)
                yield source if path is source.path else source._replace(path=path)

    def loaded(self) -> Iterator[str]:
        """The paths of the sources of all modules."""
        for name, module in dict(self._modules).items():
            if (source := source_of(name, module)) is not None:
                yield self.links(source.path)

    def _candidates(self, *, thorough: bool) -> Mapping[str, object]:
        """The newest modules if all the others are known; else all of them."""
        modules, known = self._modules, self._known
        more = len(modules) - len(known)
        if thorough or more < 0:
            everything = dict(modules)
            for gone in known.keys() - everything.keys():
                del known[gone]
            return everything
        try:
            newest = list(islice(reversed(modules), more))
        except (RuntimeError, TypeError):  # another thread is importing; or it is no dict
            return self._candidates(thorough=True)
        if any(name in known for name in newest):
            return self._candidates(thorough=True)
        return {name: modules[name] for name in reversed(newest) if name in modules}


def cached() -> dict[str, str]:
    """Where Python keeps the bytecode of each loaded source, by its path; {} if nowhere.

    {} on Windows, where reading a source as an import does keeps others from replacing it.
    """
    if sys.dont_write_bytecode or os.name == "nt":
        return {}
    found = [source_of(name, module) for name, module in dict(sys.modules).items()]
    return {each.path: each.cached for each in found if each is not None and each.cached}


def compiles(path: str) -> bool:
    """Whether the loader of a loaded source compiles it in a way of its own, and accepts it now.

    An import hook may translate what is no Python. This runs the hook, as the new process will.
    """
    name = os.path.basename(path)
    for key, module in dict(sys.modules).items():
        source = source_of(key, module)
        if source is None or os.path.basename(source.path) != name:
            continue
        try:
            loader = getattr(namespace(module).get("__spec__"), "loader", None)
            if _translates(type(loader)) and os.path.samefile(source.path, path):
                loader.source_to_code(content(path), source.path)  # type: ignore[union-attr]
                return True
        except BaseException:  # whatever the hook raises
            return False
    return False


def _translates(loader: type) -> bool:
    """Whether a loader compiles in a way of its own. Hy puts that into Python's own loader."""
    home = getattr(getattr(loader, "source_to_code", None), "__module__", None)
    return home not in (None, SourceFileLoader.__module__)


def _identity(module: object) -> object:
    """An object that a module has and no later one will. An id would not do: it is given again.

    That is its spec, which is there in any case: a reference takes 72 bytes. Not where it may be
    the spec of another module: eventlet's have that of the module that they replace.
    """
    try:
        names = namespace(module)
        spec = names.get("__spec__")
        if spec is not None and getattr(spec, "origin", None) is names.get("__file__"):
            return spec
    except BaseException:  # as in source_of
        pass
    try:
        return weakref.ref(module)  # the same one for the same module
    except TypeError:
        return module


def source_of(name: object, module: object) -> Source | None:
    """The file a module came from, by its spec and `__file__`; None if it has none."""
    if not isinstance(name, str):
        return None
    try:
        return _source(name, module)
    except BaseException:  # attributes of any object may raise anything, even SystemExit
        return None


def _source(name: str, module: object) -> Source | None:
    names = namespace(module)
    spec = names.get("__spec__")
    is_object = module is not None and not issubclass(type(module), ModuleType)
    if spec is None and is_object and not _names_a_file(names.get("__file__")):
        spec = _found(name)
    origin = getattr(spec, "origin", None)
    if origin in ("built-in", "frozen"):
        return None
    path = names.get("__file__")
    if not _names_a_file(path):
        path = origin if getattr(spec, "has_location", False) else None
    if not _names_a_file(path):
        return None
    absolute = os.path.abspath(str(path))
    path = path if path == absolute else absolute  # the module's own string, to save memory
    loader = type(getattr(spec, "loader", None))
    archive = None if loader in OF_FILES else _archive(path)
    if archive is not None:
        return Source(archive, name)
    # eventlet's modules have copied the spec of the module that they replace.
    is_its_own = isinstance(origin, str) and os.path.abspath(origin) == path
    is_plain = loader is SourceFileLoader and is_its_own and not _translates(loader)
    cached = getattr(spec, "cached", None) if is_plain else None
    mtime = names.get("__mtime__") if name.startswith(SCRIPT_PREFIX) else None
    is_script = name.startswith((SCRIPT_PREFIX, EXPRESS_PREFIX))  # Python, whatever its suffix
    return Source(
        path,
        name,
        is_python=is_script or loader is SourceFileLoader or path.lower().endswith(PYTHON_SUFFIXES),
        cached=cached if isinstance(cached, str) else None,
        loaded_mtime=mtime if isinstance(mtime, int) and mtime > 0 else None,
    )


def _found(name: str) -> ModuleSpec | None:
    """Where Python finds a module that has put an object of its own in its place."""
    parent = name.rpartition(".")[0]
    folders = namespace(sys.modules[parent])["__path__"] if parent else None
    return PathFinder.find_spec(name, folders)  # type: ignore[arg-type]


def namespace(module: object) -> Mapping[str, object]:
    """The attributes that an object itself holds, read without running any code of its class.

    A lazy module would be loaded by that, as many proxies are by isinstance() or their __dict__.
    """
    for kind in type(module).__mro__:
        if (found := vars(kind).get("__dict__")) is not None:
            in_python = type(found) is GetSetDescriptorType and kind.__flags__ & HEAP_TYPE
            is_its_own = in_python or type(found) is MemberDescriptorType
            return found.__get__(module) if is_its_own else {}
    return {}


def _names_a_file(path: object) -> bool:
    """Whether a value can be a path at all; `<string>` and the like are no files."""
    return isinstance(path, str) and bool(path) and "\0" not in path and path[0] != "<"


def _archive(path: str) -> str | None:
    """The zip or egg that holds a path: the first file among its parents, if it does not exist."""
    if os.path.exists(path):
        return None
    parent = os.path.dirname(path)
    while parent != path:
        if os.path.isfile(parent):
            return parent
        if os.path.isdir(parent):
            return None
        path, parent = parent, os.path.dirname(parent)
    return None
