"""Imports: the import hook, and what it notes."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import os
import py_compile
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from wsgireload.detect import digest, imports
from wsgireload.detect.digest import RACY_NS, SPECIAL, dated, digest_of
from wsgireload.detect.imports import (
    MOST_MISSING,
    NOTED_BYTES,
    OLD_FINDERS,
    Imports,
    about_to_load,
    note,
)

NAME = "wsgireload_test_of_imports"
BEFORE, AFTER = b"answer = 1\n", b"answer = 2\n"  # of the same size


class Application:
    """A folder of modules to import, with the hook before all other finders."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.called = 0
        self.imports = Imports(self.count)

    def count(self) -> None:
        """Called by the hook."""
        self.called += 1

    def write(self, name: str, content: bytes) -> Path:
        """A module whose name is the test's own, so that no other is meant."""
        path = self.root / f"{NAME}{name}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        importlib.invalidate_caches()
        return path

    def load(self, name: str = "") -> ModuleType:
        """Import a module."""
        return importlib.import_module(f"{NAME}{name}")

    def seen(self) -> list[tuple[str, bytes]]:
        """What was seen of this folder since the last time."""
        return [(path, found) for path, found in self.imports.seen() if NAME in path]


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    """An application whose imports are seen, with their contents instead of digests."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(imports, "note", lambda path: Path(path).read_bytes())
    made = Application(tmp_path)
    made.imports.install()
    yield made
    made.imports.remove()
    for name in [name for name in sys.modules if name.startswith(NAME)]:
        del sys.modules[name]


def test_an_import_is_seen(app: Application) -> None:
    """The file of an imported module is seen as it was then, once."""
    path = app.write(".py", BEFORE)
    assert app.load().answer == 1
    path.write_bytes(AFTER)
    app.load()
    assert app.seen() == [(str(path), BEFORE)]
    assert app.seen() == []


def test_imports_inside_imports_are_seen(app: Application) -> None:
    """Packages, and what they import, are seen in the order in which they begin to load."""
    inner = app.write("/inner.py", BEFORE)
    package = app.write("/__init__.py", b"from . import inner\n")
    outer = app.write("_outer.py", f"import {NAME}.inner\n".encode())
    app.load("_outer")
    assert [path for path, _ in app.seen()] == [str(outer), str(package), str(inner)]


def test_what_is_merely_found_is_not_seen(app: Application) -> None:
    """find_spec() loads nothing, and nothing is noted."""
    app.write(".py", BEFORE)
    assert importlib.util.find_spec(NAME) is not None
    assert importlib.machinery.PathFinder.find_spec(NAME) is not None
    assert app.seen() == []


@pytest.mark.parametrize("content", [b"raise ValueError\n", b"import wsgireload_no_such\n", b"(\n"])
def test_failed_imports_are_seen(app: Application, content: bytes) -> None:
    """A module whose import fails is seen each time."""
    path = app.write(".py", content)
    for _ in range(2):
        with pytest.raises((ValueError, ImportError, SyntaxError)):
            app.load()
    assert app.seen() == [(str(path), content)] * 2


def test_a_reload_is_seen(app: Application) -> None:
    """importlib.reload() reads the file again, which is seen as it is now."""
    path = app.write(".py", BEFORE)
    module = app.load()
    path.write_bytes(b"answer = 33\n")
    importlib.reload(module)
    assert app.seen() == [(str(path), BEFORE), (str(path), b"answer = 33\n")]


def test_what_has_no_file_is_not_seen(app: Application) -> None:
    """A namespace package and a module that is not there have no file."""
    (app.root / NAME).mkdir()
    app.load()
    with pytest.raises(ModuleNotFoundError):
        app.load(".nowhere")
    assert app.seen() == []


def test_an_archive_does_no_harm(app: Application) -> None:
    """A file that cannot be read by its path, as in an archive, is imported all the same."""
    archive = app.root / "lib.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr(f"{NAME}.py", BEFORE)
    sys.path.insert(0, str(archive))  # the fixture restores it
    assert app.load().answer == 1
    assert app.seen() == []


@pytest.mark.parametrize("spec", [None, 5, SimpleNamespace(origin="a.py")])
def test_another_finders_oddities_pass(app: Application, spec: object) -> None:
    """Whatever another finder returns is returned as it is: no import fails because of us."""
    finder = SimpleNamespace(find_spec=lambda *_given: spec)
    sys.meta_path.insert(1, finder)
    try:
        found = app.imports.find_spec(NAME)
    finally:
        sys.meta_path.remove(finder)
    assert found is spec


def test_a_failing_digest_fails_no_import(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever fails while a file is noted, the import works."""

    def failing(path: str) -> bytes:
        raise MemoryError(path)

    app.write(".py", BEFORE)
    monkeypatch.setattr(imports, "note", failing)
    assert app.load().answer == 1


def test_a_finder_of_the_old_kind_is_passed_over(app: Application) -> None:
    """A finder without find_spec is left to Python."""
    path, old = app.write(".py", BEFORE), object()
    sys.meta_path.insert(1, old)  # type: ignore[arg-type]
    try:
        assert app.imports.find_spec(NAME) is not None
    finally:
        sys.meta_path.remove(old)  # type: ignore[arg-type]
    assert path.exists()


def test_installed_and_removed() -> None:
    """The hook is the first finder; removing it twice, or before, does no harm."""
    hook, before = Imports(lambda: None), list(sys.meta_path)
    hook.remove()
    hook.install()
    assert sys.meta_path == [hook, *before]
    hook.remove()
    hook.remove()
    assert sys.meta_path == before
    assert hook.find_spec("os") is None


def test_what_is_not_noted_is_not_seen(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is too large to be read during its import is not seen."""
    monkeypatch.setattr(imports, "note", lambda _path: None)
    app.write(".py", BEFORE)
    app.load()
    assert app.seen() == []


def test_a_digest_that_imports(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the first digest imports is imported before the hook is in place."""
    app.write("_tool.py", b"")
    app.write(".py", BEFORE)
    digested: list[str] = []

    def digests(path: str) -> bytes:
        digested.append(path)
        app.load("_tool")
        return b""

    monkeypatch.setattr(imports, "note", digests)
    app.imports.remove()
    app.imports = Imports(app.count)
    app.imports.install()
    app.load()
    assert [path for path in digested if NAME in path] == [str(app.root / f"{NAME}.py")]


def test_the_first_import_after_a_while_calls(app: Application) -> None:
    """The first import after a while calls once; not before the first `seen`."""
    for name in "abcde":
        app.write(f"_{name}.py", BEFORE)
    calls = []
    for name, drain in zip("abcde", (0, 2, 0, 1, 2), strict=True):
        for _ in range(drain):
            app.seen()
        app.load(f"_{name}")
        calls.append(app.called)
    assert calls == [0, 1, 1, 1, 2]
    assert len(app.seen()) == 1


def test_stale_bytecode_is_not_imported(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that passes for the new source, but is of another text, is removed before."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = app.write(".py", BEFORE)
    app.load()
    cache = Path(importlib.util.cache_from_source(str(path)))
    before = path.stat()
    path.write_bytes(AFTER)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert cache.exists()
    del sys.modules[NAME]
    assert app.load().answer == 2


@pytest.mark.parametrize("entry", ["", "/", "/../site"])
def test_bytecode_alone_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    """Bytecode that is deployed alone is no cache, however sys.path spells its folder."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    source = tmp_path / "site" / f"{NAME}_alone.py"
    source.parent.mkdir()
    source.write_bytes(BEFORE)
    alone = Path(py_compile.compile(str(source), cfile=f"{source}c", doraise=True) or "")
    source.unlink()
    monkeypatch.syspath_prepend(f"{source.parent}{entry}")
    hook = Imports(lambda: None)
    hook.install()
    try:
        assert importlib.import_module(source.stem).answer == 1
    finally:
        hook.remove()
        del sys.modules[source.stem]
    assert alone.exists()


def test_noting_an_import(tmp_path: Path) -> None:
    """A file is noted as it is; a large one, a missing one and an impossible one are not."""
    path, large = tmp_path / "a.py", tmp_path / "large.py"
    path.write_bytes(BEFORE)
    large.write_bytes(bytes(NOTED_BYTES + 1))
    assert note(str(path)) == digest_of(str(path))
    assert note(str(large)) is None
    assert note("/nowhere/a.py") is None
    assert note("a\0b") is None
    assert note(str(tmp_path)) == SPECIAL


def installed(root: Path) -> Path:
    """A module of an installed package."""
    path = root / "site-packages/a.py"
    path.parent.mkdir()
    path.write_bytes(BEFORE)
    return path


def test_an_old_file_of_a_package_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time and size are enough. The application's own files are read."""
    path, own = installed(tmp_path), tmp_path / "own.py"
    own.write_bytes(BEFORE)
    monkeypatch.setattr(digest, "RACY_NS", -1)  # no file is young
    before, found = about_to_load(str(path))
    assert before == about_to_load(str(path))[0] == dated(path.stat())
    assert found == path.stat()
    assert about_to_load(str(own)) == (digest_of(str(own)), None)
    path.write_bytes(AFTER + b"\n")
    assert about_to_load(str(path))[0] != before


def test_the_stat_of_an_installed_source_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An application imports many hundreds of them."""
    path = installed(tmp_path)
    monkeypatch.setattr(digest, "RACY_NS", -1)  # no file is young
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # else younger bytecode is examined too
    py_compile.compile(str(path), doraise=True)
    read, real = list[object](), os.stat
    cache = importlib.util.cache_from_source(str(path))
    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", lambda path, **more: (read.append(path), real(path, **more))[1])
        Imports(list[object]().clear)._note(str(path), cache)
    assert sorted(map(str, read)) == sorted([str(path), cache])


@pytest.mark.parametrize("age", [0, RACY_NS // 2, -RACY_NS // 2])
def test_a_young_file_of_a_package_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: int
) -> None:
    """The next change might leave its mark as it is."""
    path = installed(tmp_path)
    now = path.stat().st_ctime_ns + age
    monkeypatch.setattr(imports.time, "time_ns", lambda: now)
    assert about_to_load(str(path))[0] == digest_of(str(path))


def test_packages_that_are_no_files(tmp_path: Path) -> None:
    """What is missing, a folder or no file's name is noted as that of the application is."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    assert about_to_load(str(folder / "a.py")) == (None, None)
    assert about_to_load(str(folder / "a\0b")) == (None, None)
    assert about_to_load(str(folder))[0] == SPECIAL


def test_noting_opens_a_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No stat comes first: on Windows, that opens the file too."""
    path = tmp_path / "a.py"
    path.write_bytes(BEFORE)
    expected = digest_of(str(path))
    examined: list[object] = []
    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", examined.append)
        assert note(str(path)) == expected
    assert examined == []


@pytest.mark.skipif(not OLD_FINDERS, reason="Python does not ask such finders any more")
@pytest.mark.filterwarnings("ignore::ImportWarning")
def test_a_finder_of_the_old_kind_is_asked_in_its_turn(app: Application) -> None:
    """What a finder with find_module alone finds is not found by one behind it."""
    app.write(".py", BEFORE)
    other = app.write("_other.py", AFTER)
    loader = importlib.machinery.SourceFileLoader(NAME, str(other))
    old = SimpleNamespace(find_module=lambda name, _path: loader if name == NAME else None)
    sys.meta_path.insert(1, old)
    try:
        assert app.load().answer == 2
        assert app.load("_other").answer == 2
    finally:
        sys.meta_path.remove(old)
    assert app.seen() == [(str(other), AFTER)] * 2


class Before:
    """A finder that is inserted before all others, and finds what they find."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        """Call the others one by one, as some tools do."""
        for finder in sys.meta_path:
            if finder is not self and (spec := finder.find_spec(name, path, target)):  # type: ignore[arg-type]
                return spec
        return None


@pytest.fixture
def before(app: Application) -> Iterator[Before]:
    """The finder, before the hook."""
    finder = Before()
    sys.meta_path.insert(0, finder)  # type: ignore[arg-type]
    yield finder
    sys.meta_path.remove(finder)  # type: ignore[arg-type]


def test_the_hook_comes_before_finders_that_came_later(app: Application, before: Before) -> None:
    """From the next scan on the hook precedes later finders, which find what they did before."""
    paths = [app.write(f"_{name}.py", BEFORE) for name in "ab"]
    app.load("_a")
    app.seen()
    assert sys.meta_path[:2] == [app.imports, before]
    app.load("_b")
    assert app.seen() == [(str(paths[1]), BEFORE)]
    with pytest.raises(ModuleNotFoundError):
        app.load("_none")


def test_a_hook_that_was_removed_stays_away(app: Application) -> None:
    """After its end the hook is not put back."""
    app.imports.remove()
    assert app.seen() == []
    assert app.imports not in sys.meta_path
    app.imports.find_spec(NAME)
    assert list(app.imports.missing()) == []


def test_names_that_are_not_found(app: Application) -> None:
    """Names that are not found are returned once, with the folders that were searched."""
    app.write("/__init__.py", b"")
    for name in ("_none", "_none", ".local"):
        with pytest.raises(ModuleNotFoundError):
            app.load(name)
    names = dict(app.imports.missing())
    assert names == {f"{NAME}_none": sys.path, f"{NAME}.local": [str(app.root / NAME)]}
    assert list(app.imports.missing()) == []
    assert app.load().__name__ == NAME


def test_names_that_are_not_found_wake_once(app: Application) -> None:
    """A name that is tried again and again, as at each request, wakes the monitor once."""
    for _ in range(3):
        app.seen()
        assert importlib.util.find_spec(f"{NAME}_none") is None
    assert app.called == 1


def test_names_that_are_not_found_are_bounded(app: Application) -> None:
    """A program that tries names for ever takes no memory for ever."""
    for number in range(MOST_MISSING + 50):
        assert importlib.util.find_spec(f"{NAME}_{number}") is None
    assert len(list(app.imports.missing())) == MOST_MISSING
