"""Loaded: is a file on disk still the one that this process runs?"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import marshal
import os
import py_compile
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from wsgireload.detect import baseline as loaded
from wsgireload.detect.baseline import (
    GRAIN,
    Imports,
    Moments,
    process_started,
    stamp,
    still_on_disk,
)

NAME = "wsgireload_test_of_loaded"
SECOND = 1_700_000_000
BEFORE, AFTER = b"answer = 1\n", b"answer = 2\n"  # of the same size


class Application:
    """A folder of modules to import, with our finder before all others."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.imports = Imports(lambda path: Path(path).read_bytes())

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
    """An application whose imports are seen."""
    monkeypatch.syspath_prepend(tmp_path)
    made = Application(tmp_path)
    made.imports.install()
    yield made
    made.imports.remove()
    for name in [name for name in sys.modules if name.startswith(NAME)]:
        del sys.modules[name]


def test_an_import_is_seen(app: Application) -> None:
    """The file of a module that is imported is seen as it was then, once."""
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
    """A module whose import fails was read all the same, each time."""
    path = app.write(".py", content)
    for _ in range(2):
        with pytest.raises((ValueError, ImportError, SyntaxError)):
            app.load()
    assert app.seen() == [(str(path), content)] * 2


def test_a_reload_is_seen(app: Application) -> None:
    """importlib.reload() reads the file again, and what it reads now counts."""
    path = app.write(".py", BEFORE)
    module = app.load()
    path.write_bytes(b"answer = 33\n")
    importlib.reload(module)
    assert app.seen() == [(str(path), BEFORE), (str(path), b"answer = 33\n")]


def test_what_has_no_file_is_not_seen(app: Application) -> None:
    """A namespace package, a module that is not there and one inside Python have no file."""
    (app.root / NAME).mkdir()
    app.load()
    with pytest.raises(ModuleNotFoundError):
        app.load(".nowhere")
    assert app.seen() == []


def test_an_archive_does_no_harm(app: Application) -> None:
    """Where a file cannot be read by its path, as in an archive, the import works all the same."""
    archive = app.root / "lib.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr(f"{NAME}.py", BEFORE)
    sys.path.insert(0, str(archive))  # the fixture restores it
    assert app.load().answer == 1
    assert app.seen() == []


@pytest.mark.parametrize("spec", [None, 5, SimpleNamespace(origin="a.py")])
def test_another_finders_oddities_pass(app: Application, spec: object) -> None:
    """Whatever another finder gives goes through as it is: no import fails because of us."""
    finder = SimpleNamespace(find_spec=lambda *_given: spec)
    sys.meta_path.insert(1, finder)
    try:
        found = app.imports.find_spec(NAME)
    finally:
        sys.meta_path.remove(finder)
    assert found is spec


def test_a_failing_digest_fails_no_import(app: Application) -> None:
    """Whatever goes wrong while a file is noted, the import works."""

    def failing(path: str) -> bytes:
        raise MemoryError(path)

    app.write(".py", BEFORE)
    app.imports._digest = failing
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
    """It stands first, and removing it twice, or before, does no harm."""
    imports, before = Imports(lambda _path: None), list(sys.meta_path)
    imports.remove()
    imports.install()
    assert sys.meta_path == [imports, *before]
    imports.remove()
    imports.remove()
    assert sys.meta_path == before
    assert imports.find_spec("os") is None


def test_what_the_digest_leaves_out_is_not_seen(app: Application) -> None:
    """A file that is too large to be read during its import is not noted."""
    app.imports._digest = lambda _path: None
    app.write(".py", BEFORE)
    app.load()
    assert app.seen() == []


def test_a_digest_that_imports(app: Application) -> None:
    """What a digest imports as it is first taken is imported once, and not for its own sake."""
    app.write("_tool.py", b"")
    app.write(".py", BEFORE)
    digested: list[str] = []

    def digest(path: str) -> bytes:
        digested.append(path)
        app.load("_tool")
        return b""

    app.imports.remove()
    app.imports = Imports(digest)
    app.imports.install()
    app.load()
    assert [path for path in digested if NAME in path] == [str(app.root / f"{NAME}.py")]


def test_moments() -> None:
    """What is loaded already was absent before the process began; everything else until now."""
    before = time.time()
    moments = Moments(5.0)
    assert moments.absent("sys") == 5.0
    assert before <= moments.absent("wsgireload_no_such") <= time.time()
    assert Moments(None).absent("sys") == 0.0


def test_when_this_process_began() -> None:
    """A moment in the past, later than the machine's own start."""
    began = process_started()
    assert began is not None
    since_boot = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert time.time() - since_boot - 1 < began < time.time()
    assert process_started() == pytest.approx(began, abs=0.05)


@pytest.mark.parametrize("told", [b"", b"nonsense", b"1 (a b) R 1"])
def test_a_system_that_does_not_tell(
    told: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system does not tell, or tells nonsense, the moment is not known."""
    (tmp_path / "stat").write_bytes(told)
    monkeypatch.setattr(loaded, "open", lambda *_: (tmp_path / "stat").open("rb"), raising=False)
    assert process_started() is None
    monkeypatch.setattr(loaded, "open", lambda *_: (tmp_path / "none").open("rb"))
    assert process_started() is None


class Module:
    """A source whose cache was written as it was loaded, in a certain second."""

    def __init__(self, root: Path) -> None:
        self.path = root / "app.py"
        self.write(BEFORE)
        self.cache = Path(py_compile.compile(str(self.path), doraise=True) or "")

    def write(self, content: bytes, second: float = SECOND) -> None:
        """Write the source, as of a certain second."""
        self.path.write_bytes(content)
        os.utime(self.path, (second, second))

    def same(self, *, absent: float = 0.0, loaded_mtime: int | None = None) -> bool | None:
        """Whether it is what was loaded."""
        changed = self.path.stat().st_ctime
        more = {"cached": str(self.cache), "loaded_mtime": loaded_mtime}
        return still_on_disk(str(self.path), changed=changed, absent=absent, **more)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Module:
    """A source that was loaded by a process that keeps its bytecode."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return Module(tmp_path)


@pytest.fixture(params=["writable", "unwritable", "dont_write_bytecode"])
def writable(
    module: Module, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> bool:
    """Whether this process could write its caches (root could anywhere: the answer is faked)."""
    fake = SimpleNamespace(**vars(os))
    fake.access = lambda _path, _mode: request.param != "unwritable"
    monkeypatch.setattr(loaded, "os", fake)
    monkeypatch.setattr(sys, "dont_write_bytecode", request.param == "dont_write_bytecode")
    return bool(request.param == "writable")


def test_older_than_the_load(module: Module) -> None:
    """A file that did not change since the module was known to be absent is what was loaded."""
    changed = module.path.stat().st_ctime
    module.cache.unlink()
    assert module.same(absent=changed + 1) is True
    assert module.same(absent=changed + GRAIN / 2) is None  # file times lag behind the clock
    assert module.same(absent=changed - 1) is None


def test_what_mod_wsgi_noted(module: Module) -> None:
    """The mtime that mod_wsgi noted is the file's own or another, to the microsecond."""
    mtime = SECOND * 1_000_000
    assert module.same(loaded_mtime=mtime) is True
    assert module.same(loaded_mtime=mtime + 1) is False
    assert module.same(loaded_mtime=mtime - 1, absent=time.time() + 9) is True  # better evidence


def test_untouched_as_cached(module: Module, writable: bool) -> None:
    """A source of the cache's size and second is what was loaded."""
    assert module.same() is True


def test_a_cache_that_came_later(module: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the cache was written well after the source, nothing has to be compiled."""
    later, fake = module.path.stat().st_ctime + 2, SimpleNamespace(**vars(os))
    fake.fstat = lambda _handle: SimpleNamespace(st_ctime=later)
    monkeypatch.setattr(loaded, "os", fake)
    monkeypatch.setattr(loaded, "_same_program", None)
    assert module.same() is True


def test_edited_since(module: Module, writable: bool) -> None:
    """An edit is one where the cache was ours to keep; a cache that was not proves nothing."""
    module.write(b"answer = 33\n", SECOND + 5)
    assert module.same() is (False if writable else None)


def test_restored_from_a_backup(module: Module, writable: bool) -> None:
    """A cache that is newer than the source proves as much as an older one."""
    module.write(b"answer = 33\n", SECOND - 86400)
    assert module.same() is (False if writable else None)


@pytest.mark.parametrize("content", [BEFORE, b"answer = 1  # the same program\n", b"answer=1\n\n"])
def test_touched_since(module: Module, content: bytes, writable: bool) -> None:
    """A source that was written again, but is the same program, is what was loaded."""
    module.write(content, SECOND + 5)
    if writable and b"=1" not in content:
        assert module.same() is True
    else:
        assert module.same() in (None, False)  # columns are part of a program: harmless


def test_two_edits_within_a_second(module: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    """An equal header is not believed where the program can be compared."""
    module.write(AFTER, SECOND + 0.5)
    assert stamp(module.path.stat()) == module.cache.read_bytes()[8:16]
    assert module.same() is False


@pytest.mark.parametrize("age", [0.0, 0.9, 5.0])
def test_bytecode_of_the_second_in_which_its_source_was_written(module: Module, age: float) -> None:
    """It may be of an earlier text, and is removed; what was written long after is kept."""
    module.write(AFTER, time.time() - age)
    module.cache.touch()
    loaded.distrust(str(module.path))
    assert module.cache.exists() is (age == 5.0)


def test_what_has_no_bytecode_is_left_alone(module: Module) -> None:
    """Nor is there any trouble with what is no source at all."""
    module.cache.unlink()
    for path in (str(module.path), "/nowhere/a.py", "a\0b", ""):
        loaded.distrust(path)


def test_broken_since(module: Module) -> None:
    """A source that does not compile any more is not what was loaded."""
    module.write(b"answer = (\n", SECOND + 5)
    assert module.same() is False


@pytest.mark.parametrize("mode", ["CHECKED_HASH", "UNCHECKED_HASH"])
def test_hash_based_bytecode_proves_nothing(module: Module, mode: str, writable: bool) -> None:
    """A cache that goes by a hash, or is trusted whatever the source says, is no evidence."""
    mode_of = py_compile.PycInvalidationMode[mode]
    py_compile.compile(str(module.path), invalidation_mode=mode_of, doraise=True)
    for content in (BEFORE, AFTER):
        module.write(content, SECOND + 5)
        assert module.same() is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda cache: b"",
        lambda cache: b"\0\0\r\n" + cache[4:],  # another Python's magic number
        lambda cache: cache[:3],
        lambda cache: cache[:12],
        lambda cache: cache[:16],
        lambda cache: cache[:20],
        lambda cache: cache[:16] + b"\xff" * 40,
        lambda cache: cache[:16] + marshal.dumps("no code"),
    ],
    ids=["empty", "magic", "cut magic", "cut header", "header", "cut", "garbage", "no code"],
)
def test_damaged_bytecode(module: Module, damage: Callable[[bytes], bytes]) -> None:
    """A damaged cache is no evidence, however it is damaged."""
    module.cache.write_bytes(damage(module.cache.read_bytes()))
    module.write(AFTER, SECOND + 5)
    assert module.same() is None


def test_no_bytecode(module: Module, writable: bool) -> None:
    """Without a cache there is no evidence."""
    module.cache.unlink()
    assert module.same() is None
    nothing = {"absent": 0.0, "cached": None, "loaded_mtime": None}
    assert still_on_disk(str(module.path), changed=SECOND, **nothing) is None


@pytest.mark.parametrize("path", ["/nowhere/a.py", "a\0b", "/srv/\ud800"], ids=ascii)
def test_no_source(path: str) -> None:
    """Without a file on disk there is no evidence, and nothing is raised."""
    nothing = {"absent": 0.0, "cached": "/x", "loaded_mtime": None}
    assert still_on_disk(path, changed=SECOND, **nothing) is None


def test_a_stamp_is_what_python_writes(module: Module) -> None:
    """How a cache names its source agrees with Python's own, also past 2038 and 2106."""
    for second in (SECOND, 2**31 + 5, 2**32 + 5):
        module.write(BEFORE, second)
        py_compile.compile(str(module.path), doraise=True)
        assert stamp(module.path.stat()) == module.cache.read_bytes()[8:16]
