"""Modules: which files the loaded modules came from."""

from __future__ import annotations

import gc
import importlib
import importlib.machinery
import importlib.util
import py_compile
import sys
import weakref
import zipfile
from collections.abc import Iterator, Mapping
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from support.builds import FREE_THREADED

from wsgireload.detect.modules import Modules, Source, compiles, source_of

NAME = "wsgireload_test_of_modules"
frees_modules = pytest.mark.skipif(
    FREE_THREADED and sys.version_info < (3, 14),
    reason="Python 3.13 without the GIL frees no module once it has had a second thread",
)


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that modules are imported from; they are forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith(NAME)]:
        del sys.modules[name]


def module(name: str = NAME, **attributes: object) -> ModuleType:
    """A module with these attributes."""
    made = ModuleType(name)
    vars(made).update(attributes)
    return made


def files(*modules: object) -> list[str]:
    """The paths that these modules come from."""
    named = {f"m{number}": found for number, found in enumerate(modules)}
    return [source.path for source in Modules(named).new()]


def test_a_python_source(imported: Path) -> None:
    """A module's own file, that it is Python, and where its bytecode is."""
    path = imported / f"{NAME}.py"
    path.write_text("x = 1\n")
    found = source_of(NAME, importlib.import_module(NAME))
    cached = importlib.util.cache_from_source(str(path))
    assert found == Source(str(path), NAME, is_python=True, cached=cached)


def test_bytecode_alone(imported: Path) -> None:
    """A module without a source comes from its .pyc, which is no Python source."""
    path = imported / f"{NAME}.py"
    path.write_text("x = 1\n")
    py_compile.compile(str(path), cfile=f"{path}c")
    path.unlink()
    assert source_of(NAME, importlib.import_module(NAME)) == Source(f"{path}c", NAME)


def test_a_package(imported: Path) -> None:
    """A package comes from its __init__.py."""
    folder = imported / NAME
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    assert files(importlib.import_module(NAME)) == [str(folder / "__init__.py")]


def test_a_namespace_package(imported: Path) -> None:
    """A folder that is a package without any file has no source."""
    (imported / NAME).mkdir()
    assert files(importlib.import_module(NAME)) == []


def test_a_zip_import(imported: Path) -> None:
    """A module inside an archive comes from that archive, which is no Python source."""
    archive = imported / "lib.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr(f"{NAME}/__init__.py", "")
        made.writestr(f"{NAME}/deep.py", "")
    sys.path.insert(0, str(archive))  # the fixture restores it
    deep = importlib.import_module(f"{NAME}.deep")
    assert files(sys.modules[NAME], deep) == [str(archive)] * 2
    assert [source.is_python for source in Modules({"a": deep}).new()] == [False]


@pytest.mark.parametrize("suffix", [".so", ".cpython-311-x86_64-linux-gnu.so", ".pyd"])
def test_an_extension_module(suffix: str) -> None:
    """An extension comes from its own file: no letter of it is cut off."""
    path = f"/srv/app/fast{suffix}"
    loader = importlib.machinery.ExtensionFileLoader(NAME, path)
    spec = importlib.util.spec_from_file_location(NAME, path, loader=loader)
    assert source_of(NAME, module(__file__=path, __spec__=spec)) == Source(path, NAME)


@pytest.mark.parametrize("name", ["sys", "builtins", "_imp", "_frozen_importlib", "zipimport"])
def test_what_is_inside_python_has_no_source(name: str) -> None:
    """A module that is built in or frozen has no file, whatever its `__file__` is."""
    real = importlib.import_module(name)
    assert source_of(name, real) is None
    assert source_of(name, module(__spec__=real.__spec__, __file__="/srv/lie.py")) is None


def test_a_wsgi_script() -> None:
    """mod_wsgi's own module is Python whatever its suffix, with the mtime that mod_wsgi noted."""
    script = module(__file__="/srv/app/site.wsgi", __mtime__=1_700_000_000_000_000)
    found = source_of("_mod_wsgi_0123abcd", script)
    assert found == Source(
        "/srv/app/site.wsgi",
        "_mod_wsgi_0123abcd",
        is_python=True,
        loaded_mtime=1_700_000_000_000_000,
    )


@pytest.mark.parametrize("mtime", [None, "1", 0, -1, 1.5])
def test_a_wsgi_script_without_a_time(mtime: object) -> None:
    """An mtime that is not a positive integer is ignored."""
    found = source_of("_mod_wsgi_0", module(__file__="/srv/site.wsgi", __mtime__=mtime))
    assert found == Source("/srv/site.wsgi", "_mod_wsgi_0", is_python=True)


@pytest.mark.parametrize("name", ["__wsgi__", "__wsgi_resource_wsgi__"])
def test_a_script_of_mod_wsgi_express(name: str) -> None:
    """The module that express makes of a script is Python whatever its suffix."""
    found = source_of(name, module(__file__="/srv/app/site.wsgi"))
    assert found == Source("/srv/app/site.wsgi", name, is_python=True)


def test_a_source_with_another_suffix(tmp_path: Path) -> None:
    """A file that Python's loader of sources has loaded is Python whatever its suffix."""
    path = tmp_path / "app.wsgi"
    path.write_text("x = 1\n")
    loader = importlib.machinery.SourceFileLoader(NAME, str(path))
    spec = importlib.util.spec_from_file_location(NAME, path, loader=loader)
    assert spec is not None
    found = source_of(NAME, importlib.util.module_from_spec(spec))
    assert found is not None
    assert found.is_python


def test_only_scripts_have_mod_wsgis_time() -> None:
    """The __mtime__ of any other module is ignored."""
    [found] = Modules({NAME: module(__file__="/srv/a.py", __mtime__=5)}).new()
    assert found.loaded_mtime is None


def test_another_loaders_cache_is_unknown() -> None:
    """A loader of another kind may keep its bytecode elsewhere, whatever the spec says."""

    class Loader(importlib.machinery.SourceFileLoader):
        pass

    path = "/srv/app/a.py"
    spec = importlib.util.spec_from_file_location(NAME, path, loader=Loader(NAME, path))
    assert spec is not None
    assert spec.cached is not None
    assert source_of(NAME, module(__file__=path, __spec__=spec)) == Source(
        path, NAME, is_python=True
    )


def test_the_cache_of_another_source_is_none() -> None:
    """A module with another one's spec, as eventlet's have it, did not come from its cache."""
    spec = importlib.import_module("json").__spec__
    copied = module(__file__="/site/green/json.py", __spec__=spec)
    assert source_of(NAME, copied) == Source("/site/green/json.py", NAME, is_python=True)


def test_the_spec_counts_without_a_file() -> None:
    """Without a `__file__` that can be a path, the location in the spec counts."""
    spec = importlib.util.spec_from_file_location(NAME, "/srv/app/a.py")
    assert files(module(__spec__=spec), module(__spec__=spec, __file__=3)) == ["/srv/app/a.py"] * 2


def test_a_relative_file_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path is absolute and has no `..` in it."""
    monkeypatch.chdir(tmp_path)
    assert files(module(__file__="x/../a.py")) == [str(tmp_path / "a.py")]


def test_a_lazy_module_stays_asleep(imported: Path) -> None:
    """A lazily loaded module is not loaded by finding its source."""
    path = imported / f"{NAME}.py"
    path.write_text("raise RuntimeError('woken')\n")
    spec = importlib.util.find_spec(NAME)
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    lazy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(lazy)
    assert files(lazy) == [str(path)]
    with pytest.raises(RuntimeError, match="woken"):
        lazy.anything  # noqa: B018 (this wakes it)


@pytest.mark.parametrize("path", [None, 3, b"/srv/a.py", "", "<string>", "a\0b", ["a"], Path("a")])
def test_what_is_no_path_is_no_source(path: object) -> None:
    """A `__file__` that is None, a number, bytes or no path has no source, and does no harm."""
    assert files(module(__file__=path)) == []


@pytest.mark.parametrize("path", ["/nowhere/a.py", "/srv/a\nb.py", "/srv/\udcff.py"], ids=ascii)
def test_odd_paths_are_taken_as_they_are(path: str) -> None:
    """Missing files, newlines and surrogates make paths like any other."""
    assert files(module(__file__=path)) == [path]


class Raising:
    """An object in sys.modules whose attributes raise."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __getattr__(self, name: str) -> object:
        raise self.error


class Worse(Raising):
    """Even its dict and its class raise."""

    __slots__ = ("error",)

    @property
    def __dict__(self) -> dict[str, object]:  # type: ignore[override]
        raise self.error

    @property
    def __class__(self) -> type:
        raise self.error


class Comparing:
    """Cannot be compared, as some numbers in a row cannot."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise ValueError(other)


@pytest.mark.parametrize("kind", [Raising, Worse])
@pytest.mark.parametrize(
    "error",
    [AttributeError(), RuntimeError(), RecursionError(), SystemExit(1), KeyboardInterrupt()],
)
def test_objects_that_raise_are_passed_over(kind: type[Raising], error: BaseException) -> None:
    """Whatever an object in sys.modules raises, the sources of those after it are found."""
    good = module(__file__="/srv/a.py")
    assert files(kind(error), module(__spec__=kind(error)), good) == ["/srv/a.py"]


def test_a_modules_own_getattr_is_not_run() -> None:
    """The `__getattr__` of a module (PEP 562) is not run."""

    def woken(name: str) -> object:
        raise AssertionError(name)

    assert files(module(__getattr__=woken, __file__="/srv/a.py")) == ["/srv/a.py"]
    assert files(module(__getattr__=woken)) == []


@pytest.mark.parametrize(
    "entry",
    [
        None,
        5,
        "text",
        object(),
        int,
        Comparing(),
        module(__spec__=SimpleNamespace(origin=Comparing())),
    ],
    ids=lambda entry: type(entry).__name__,
)
def test_what_is_no_module_has_no_source(entry: object) -> None:
    """Objects of other kinds in sys.modules do no harm."""
    assert files(entry, module(__file__="/srv/a.py")) == ["/srv/a.py"]


def test_an_object_that_stands_for_a_module() -> None:
    """An object of another kind that has a file comes from it."""
    assert files(SimpleNamespace(__file__="/srv/a.py")) == ["/srv/a.py"]
    found = source_of("no_such_package.a", SimpleNamespace(__file__="/srv/a.py"))
    assert found is not None
    assert found.path == "/srv/a.py"


def test_names_that_are_no_str() -> None:
    """A key that is no str is passed over."""
    named: dict[object, object] = {5: module(__file__="/a.py"), "b": module(__file__="/b.py")}
    modules = Modules(named)  # type: ignore[arg-type]
    assert [source.path for source in modules.new()] == ["/b.py"]


def test_each_module_is_returned_once() -> None:
    """Only the sources of modules that came since the last call are returned."""
    named = {"a": module(__file__="/a.py")}
    modules = Modules(named)
    assert [source.module for source in modules.new()] == ["a"]
    named["b"] = module(__file__="/b.py")
    assert [source.module for source in modules.new()] == ["b"]
    assert list(modules.new()) == []


def test_a_module_that_is_replaced_is_returned_again() -> None:
    """Another module under the same name may come from another file."""
    named = {"a": module(__file__="/old.py")}
    modules = Modules(named)
    list(modules.new())
    named["a"] = module(__file__="/new.py")
    assert [source.path for source in modules.new()] == ["/new.py"]


@frees_modules
def test_a_module_that_is_imported_again_is_returned_again(imported: Path) -> None:
    """Removed and imported again it is another module; the old one is not kept in memory."""
    (imported / f"{NAME}.py").write_text("x = 1\n")
    named: dict[str, object] = {"a": importlib.import_module(NAME)}
    modules = Modules(named)
    assert len(list(modules.new())) == 1
    assert list(modules.new()) == []
    old = weakref.ref(sys.modules.pop(NAME))
    named["a"] = importlib.import_module(NAME)
    gc.collect()
    assert old() is None
    assert len(list(modules.new())) == 1


def test_a_module_with_the_spec_of_the_one_that_it_replaces(imported: Path) -> None:
    """It may come from another file, as eventlet's do."""
    (imported / f"{NAME}.py").write_text("x = 1\n")
    named: dict[str, object] = {"a": importlib.import_module(NAME)}
    modules = Modules(named)
    assert len(list(modules.new())) == 1
    named["a"] = module(__file__="/green.py", __spec__=sys.modules[NAME].__spec__)
    assert [source.path for source in modules.new()] == ["/green.py"]
    assert list(modules.new()) == []


def test_a_new_module_at_the_address_of_an_old_one() -> None:
    """A module may get the memory of one that was removed; it is another one all the same."""
    named: dict[str, object] = {}
    modules = Modules(named)
    for number in range(50):
        named.clear()
        named["a"] = module(__file__=f"/{number}.py")
        assert [source.path for source in modules.new()] == [f"/{number}.py"]


@frees_modules
def test_modules_are_not_kept_alive() -> None:
    """A module that the application has dropped is not kept in memory."""
    gone: list[str] = []

    class Counted(ModuleType):
        def __del__(self) -> None:
            gone.append(self.__name__)

    named = {"a": Counted("a")}
    modules = Modules(named)
    list(modules.new())
    del named["a"]
    gc.collect()  # a free-threaded Python counts some references late
    assert gone == ["a"]


def test_modules_may_change_meanwhile() -> None:
    """sys.modules may grow and shrink while it is read; the next call returns what came."""
    named: dict[str, object] = {name: module(__file__=f"/{name}.py") for name in "abc"}
    modules = Modules(named)
    paths = []
    for source in modules.new():
        paths.append(source.path)
        named.pop("c", None)
        named[f"later{source.module}"] = module(__file__=f"/later{source.module}.py")
    assert paths == ["/a.py", "/b.py", "/c.py"]
    assert [source.path for source in modules.new()] == ["/latera.py", "/laterb.py", "/laterc.py"]


def test_this_interpreter_by_default() -> None:
    """Without another mapping it is sys.modules, and this test is in it."""
    paths: Mapping[str, str] = {source.module: source.path for source in Modules().new()}
    assert paths[pytest.__name__] == pytest.__file__
    assert "sys" not in paths


class Forwarding:
    """A proxy: whatever is read from it, even its class and its dict, loads what it stands for."""

    def __getattribute__(self, name: str) -> object:
        raise AssertionError(name)

    @property
    def __dict__(self) -> dict[str, object]:  # type: ignore[override]
        raise AssertionError("__dict__")

    @property
    def __class__(self) -> type:
        raise AssertionError("__class__")


class ForwardingModule(ModuleType):
    """A lazy module that loads all of its parts where its dict is read, as apipkg's does."""

    @property
    def __dict__(self) -> dict[str, object]:  # type: ignore[override]
        raise AssertionError("__dict__")


class Woken:
    """Notes that it was woken, and stands for a module then."""

    def __init__(self, woken: list[str]) -> None:
        self._woken = woken

    def __getattr__(self, name: str) -> str:
        self._woken.append(name)
        return "/srv/woken.py"


def test_lazy_proxies_stay_asleep() -> None:
    """No code of an object in sys.modules is run, whatever it stands for."""
    woken: list[str] = []
    proxies = [object.__new__(Forwarding), ForwardingModule("lazy"), Woken(woken)]
    assert files(*proxies, module(__file__="/srv/a.py")) == ["/srv/a.py"]
    assert woken == []


def test_a_proxy_of_werkzeug_stays_asleep() -> None:
    """Its `__class__` and `__dict__` are those of what it stands for."""
    local = pytest.importorskip("werkzeug.local")
    woken: list[int] = []
    assert files(local.LocalProxy(lambda: woken.append(1))) == []
    assert woken == []


class Watchdog(dict[str, object]):
    """Replaces sys.modules; it cannot be read from its end."""

    __reversed__ = None  # type: ignore[assignment]


def test_sys_modules_may_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The modules are those of sys.modules as it is now, whatever it is."""
    modules = Modules()
    list(modules.new())
    monkeypatch.setattr(sys, "modules", Watchdog(sys.modules))
    sys.modules[NAME] = module(__file__="/srv/a.py")
    assert [source.path for source in modules.new(thorough=False)] == ["/srv/a.py"]


class Translating(SourceFileLoader):
    """Compiles a source that is no Python."""

    def source_to_code(self, data, path, *, _optimization=-1):  # type: ignore[no-untyped-def]
        return compile(bytes(data).replace(b"@@", b"X"), path, "exec")


@pytest.mark.parametrize(("loader", "accepts"), [(Translating, True), (SourceFileLoader, False)])
def test_a_loader_that_compiles_by_itself(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    loader: type[SourceFileLoader],
    accepts: bool,
) -> None:
    """It is asked about the source as it is now, and that of Python is not; by any path."""
    path = tmp_path / "translated.py"
    path.write_text("@@ = 1")
    spec = spec_from_file_location("translated", path, loader=loader("translated", str(path)))
    assert spec is not None
    monkeypatch.setitem(sys.modules, "translated", module_from_spec(spec))
    (tmp_path / "link").symlink_to(tmp_path)
    assert compiles(str(path)) is accepts
    assert compiles(str(tmp_path / "link/translated.py")) is accepts
    path.write_text("@@ = = 1")
    assert not compiles(str(path))
    assert not compiles(str(tmp_path / "other.py"))


def test_a_library_that_has_changed_how_python_compiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Hy does: it is asked about the source, and no bytecode is made in its place."""
    path = tmp_path / "translated.hy"
    path.write_text("@@ = 1")
    loader = SourceFileLoader("translated", str(path))
    spec = spec_from_file_location("translated", path, loader=loader)
    assert spec is not None
    monkeypatch.setitem(sys.modules, "translated", translated := module_from_spec(spec))
    assert not compiles(str(path))
    monkeypatch.setattr(
        SourceFileLoader, "source_to_code", Translating.source_to_code, raising=False
    )
    assert compiles(str(path))
    found = source_of("translated", translated)
    assert found is not None
    assert (found.is_python, found.cached) == (True, None)


def test_a_module_that_has_replaced_itself(imported: Path) -> None:
    """The file of one that has put an object in its place is the one that Python finds."""
    text = "import sys\nclass Settings:\n    WORD = 1\nsys.modules[__name__] = Settings()\n"
    package = imported / f"{NAME}_package"
    package.mkdir()
    (package / "__init__.py").touch()
    for path, name in ((imported / f"{NAME}.py", NAME), (package / "a.py", f"{package.name}.a")):
        path.write_text(text)
        found = source_of(name, importlib.import_module(name))
        cached = importlib.util.cache_from_source(str(path))
        assert found == Source(str(path), name, is_python=True, cached=cached)
        assert source_of(name, None) is None  # as that of one that may not be imported
    assert source_of("wsgireload_no_such_module", object()) is None
