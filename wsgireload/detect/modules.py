"""Which files: what the loaded modules came from."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping
from importlib.machinery import ExtensionFileLoader, SourceFileLoader, SourcelessFileLoader
from itertools import islice
from types import ModuleType

from wsgireload.record import Record

TYPE_CHECKING = False  # as typing has it, without importing typing, which is large
if TYPE_CHECKING:
    from typing import Any

PYTHON_SUFFIXES = (".py", ".pyw")
OF_FILES = {SourceFileLoader, SourcelessFileLoader, ExtensionFileLoader}  # never of an archive
SCRIPT_PREFIX = "_mod_wsgi_"  # mod_wsgi loads a WSGI script under this name, whatever its suffix


class Source(Record):
    """A file that the running program came from.

    `python` says whether it is Python source, `cached` where Python itself keeps its bytecode
    (None where another loader might not), `loaded_mtime` the file's mtime in microseconds when it
    was loaded, where mod_wsgi noted it.
    """

    path: str
    module: str
    python: bool = False
    cached: str | None = None
    loaded_mtime: int | None = None

    def __init__(  # what Record does, ten times as fast: there is one for each module
        self,
        path: str,
        module: str,
        *,
        python: bool = False,
        cached: str | None = None,
        loaded_mtime: int | None = None,
    ) -> None:
        self.__dict__.update(
            path=path, module=module, python=python, cached=cached, loaded_mtime=loaded_mtime
        )


def script() -> str:
    """The path of the WSGI script, as Apache's configuration names it; "" where there is none."""
    paths = (getattr(script, "__file__", None) for script in _scripts())
    return next((os.path.abspath(path) for path in paths if isinstance(path, str)), "")


def script_folder() -> str:
    """Where the WSGI script lies; the current folder where there is none."""
    return os.path.dirname(script()) or os.getcwd()


def scripts_stand() -> bool:
    """Whether this interpreter has a WSGI script, and each was loaded to its end.

    mod_wsgi notes a script's mtime in it when that is done, and forgets a script that fails.
    """
    scripts = _scripts()
    return bool(scripts) and all(hasattr(script, "__mtime__") for script in scripts)


def scripts_ask() -> bool:
    """Whether each WSGI script of this interpreter has a `reload_required` for mod_wsgi to call."""
    scripts = _scripts()
    return bool(scripts) and all(hasattr(script, "reload_required") for script in scripts)


def _scripts() -> list[object]:
    loaded = dict(sys.modules)
    return [module for name, module in loaded.items() if name.startswith(SCRIPT_PREFIX)]


class Modules:
    """Asks each module of this interpreter once where it came from."""

    def __init__(self, modules: dict[str, Any] | None = None) -> None:
        self._modules: dict[str, Any] = sys.modules if modules is None else modules
        self._asked: dict[str, Callable[[], object]] = {}

    def new(self, *, thorough: bool = True) -> Iterator[Source]:
        """The sources of modules that came, or came again, since the last call.

        Modules without a file (built in, frozen, namespace packages) have none. Unless it is
        `thorough`, modules are only seen where there are more of them than before, and that costs
        the same however many there are.
        """
        asked = self._asked
        for name, module in self._candidates(thorough=thorough).items():
            if name in asked and asked[name]() is module:
                continue
            asked[name] = _reference(module)
            source = source_of(name, module)
            if source is not None:
                yield source

    def _candidates(self, *, thorough: bool) -> Mapping[str, object]:
        """The youngest modules, where all the others are those that we know."""
        modules, asked = self._modules, self._asked
        more = len(modules) - len(asked)
        if thorough or more < 0:
            everything = dict(modules)
            for gone in asked.keys() - everything.keys():
                del asked[gone]
            return everything
        try:
            youngest = list(islice(reversed(modules), more))
        except RuntimeError:  # another thread imports at this very moment
            return self._candidates(thorough=True)
        if any(name in asked for name in youngest):
            return self._candidates(thorough=True)
        return {name: modules[name] for name in reversed(youngest) if name in modules}


def _reference(module: object) -> Callable[[], object]:
    """Gives the module while it lives; its id alone might be that of the next one by then."""
    try:
        return weakref.ref(module)
    except TypeError:
        return lambda: module


def source_of(name: object, module: object) -> Source | None:
    """Where a module came from, by its spec and `__file__`; None where it has no file."""
    if not isinstance(name, str):
        return None
    try:
        return _source(name, module)
    except BaseException:  # whatever the attributes of a stranger raise, SystemExit as well
        return None


def _source(name: str, module: object) -> Source | None:
    told = _namespace(module)
    spec = told.get("__spec__")
    origin = getattr(spec, "origin", None)
    if origin in ("built-in", "frozen"):
        return None
    path = told.get("__file__")
    if not _names_a_file(path):
        path = origin if getattr(spec, "has_location", False) else None
    if not _names_a_file(path):
        return None
    absolute = os.path.abspath(str(path))
    path = path if path == absolute else absolute  # the module's own text, not one more
    loader = type(getattr(spec, "loader", None))
    archive = None if loader in OF_FILES else _archive(path)
    if archive is not None:
        return Source(archive, name)
    cached = getattr(spec, "cached", None) if loader is SourceFileLoader else None
    script = name.startswith(SCRIPT_PREFIX)
    mtime = told.get("__mtime__") if script else None
    return Source(
        path,
        name,
        python=script or path.lower().endswith(PYTHON_SUFFIXES),
        cached=cached if isinstance(cached, str) else None,
        loaded_mtime=mtime if isinstance(mtime, int) and mtime > 0 else None,
    )


def _namespace(module: object) -> Mapping[str, object]:
    """What a module says of itself, without waking a lazy one or running its `__getattr__`."""
    try:
        namespace = object.__getattribute__(module, "__dict__")
        if isinstance(module, ModuleType) or "__file__" in namespace:
            return namespace  # type: ignore[no-any-return]
    except AttributeError:
        pass
    # an object of another kind put into sys.modules: it answers for itself, or does not
    return {name: getattr(module, name, None) for name in ("__spec__", "__file__")}


def _names_a_file(path: object) -> bool:
    """Whether it can be a path at all; `<string>` and the like are no files."""
    return isinstance(path, str) and bool(path) and "\0" not in path and path[0] != "<"


def _archive(path: str) -> str | None:
    """The zip or egg that a path leads into: the first file among its parents, if it is none."""
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
