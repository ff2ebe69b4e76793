"""Baseline: is a file on disk still the one that this process runs?"""

from __future__ import annotations

import marshal
import os
import py_compile
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from wsgireload.detect import bytecode
from wsgireload.detect.baseline import GRAIN, Baseline, still_on_disk
from wsgireload.detect.bytecode import stamp
from wsgireload.detect.digest import digest_of
from wsgireload.detect.evidence import Absence
from wsgireload.detect.imports import Imports
from wsgireload.detect.modules import Modules, Source
from wsgireload.server.detection import SCRIPT_PREFIX

SECOND = 1_700_000_000
BEFORE, AFTER = b"answer = 1\n", b"answer = 2\n"  # of the same size


def test_absence() -> None:
    """A loaded module was absent before the process started; every other one until now."""
    before = time.time()
    absence = Absence(5.0)
    assert absence.until("sys") == 5.0
    assert before <= absence.until("wsgireload_no_such") <= time.time()
    assert Absence(None).until("sys") == 0.0


def test_names_that_are_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some tools put other keys into sys.modules."""
    monkeypatch.setitem(sys.modules, ("a", 1), None)
    assert Absence(5.0).until("sys") == 5.0


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
        source = Source(str(self.path), "app", cached=str(self.cache), loaded_mtime=loaded_mtime)
        return still_on_disk(source, absent)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Module:
    """A source that was loaded by a process that keeps its bytecode."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return Module(tmp_path)


@pytest.fixture(params=["writable", "unwritable", "dont_write_bytecode"])
def writable(
    module: Module, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> bool:
    """Whether this process could write its caches (faked: root could anywhere)."""
    fake = SimpleNamespace(**vars(os))
    fake.access = lambda _path, _mode: request.param != "unwritable"
    monkeypatch.setattr(bytecode, "os", fake)
    monkeypatch.setattr(sys, "dont_write_bytecode", request.param == "dont_write_bytecode")
    return bool(request.param == "writable")


def test_older_than_the_load(module: Module) -> None:
    """A file that has not changed since the module was absent is what was loaded."""
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
    """If the cache was written well after the source, nothing has to be compiled."""
    later, fake = module.path.stat().st_ctime + 2, SimpleNamespace(**vars(os))
    fake.stat = lambda _path: SimpleNamespace(st_ctime=later)
    monkeypatch.setattr(bytecode, "os", fake)
    monkeypatch.setattr(bytecode, "_compiled", None)
    assert module.same() is True


def test_edited_since(module: Module, writable: bool) -> None:
    """An edit is proven if this process could write the cache; any other cache proves nothing."""
    module.write(b"answer = 33\n", SECOND + 5)
    assert module.same() is (False if writable else None)


def test_restored_from_a_backup(module: Module, writable: bool) -> None:
    """A cache that is newer than the source proves as much as an older one."""
    module.write(b"answer = 33\n", SECOND - 86400)
    assert module.same() is (False if writable else None)


@pytest.mark.parametrize("content", [BEFORE, b"answer = 1  # the same program\n", b"answer=1\n\n"])
def test_touched_since(module: Module, content: bytes, writable: bool) -> None:
    """A source that was written again, and is the same program, is what was loaded."""
    module.write(content, SECOND + 5)
    if writable and b"=1" not in content:
        assert module.same() is True
    else:
        assert module.same() in (None, False)  # columns are part of a program: harmless


def test_two_edits_within_a_second(module: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    """An equal header does not count if the program can be compared."""
    module.write(AFTER, SECOND + 0.5)
    assert stamp(module.path.stat()) == module.cache.read_bytes()[8:16]
    assert module.same() is False


def test_a_large_source_is_not_compiled(module: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling would stop the whole application: there is no evidence then."""
    monkeypatch.setattr(bytecode, "compile", pytest.fail, raising=False)
    module.write(b"#" * bytecode.MOST_COMPILED + b"\n", SECOND + 5)
    assert module.same() is None


def test_broken_since(module: Module) -> None:
    """A source that does not compile any more is not what was loaded."""
    module.write(b"answer = (\n", SECOND + 5)
    assert module.same() is False


@pytest.mark.parametrize("mode", ["CHECKED_HASH", "UNCHECKED_HASH"])
def test_hash_based_bytecode_proves_nothing(module: Module, mode: str, writable: bool) -> None:
    """A cache that is checked by a hash of the source, or never, is no evidence."""
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
    assert still_on_disk(Source(str(module.path), "app"), 0.0) is None


@pytest.mark.parametrize("path", ["/nowhere/a.py", "a\0b", "/srv/\ud800"], ids=ascii)
def test_no_source(path: str) -> None:
    """Without a file on disk there is no evidence, and nothing is raised."""
    assert still_on_disk(Source(path, "app", cached="/x"), 0.0) is None


@pytest.mark.parametrize("is_edited", [True, False])
def test_a_script_that_is_edited_as_soon_as_it_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_edited: bool
) -> None:
    """The script that calls start() is what its file was then, whatever the first scan reads."""
    path = tmp_path / "app.wsgi"
    path.write_text("import wsgireload\n")
    name = f"{SCRIPT_PREFIX}0"
    script = ModuleType(name)
    script.__file__ = str(path)
    monkeypatch.setitem(sys.modules, name, script)
    loaded = digest_of(str(path))
    baseline = Baseline(Imports(lambda: None), Absence(None), Modules({name: script}))
    [source] = baseline.modules.new()
    baseline.expect(source)
    if is_edited:
        path.write_text("import wsgireload, os\n")
    now = digest_of(str(path))
    assert baseline.digest(str(path), now) == loaded
    assert (now != loaded) == is_edited
    assert baseline.unproven == []


def test_a_module_that_is_built_as_it_is_loaded(tmp_path: Path) -> None:
    """A file that was written after start(), and loaded past the hook, was not imported before."""
    path = tmp_path / "fast.so"
    baseline = Baseline(Imports(lambda: None), Absence(None), Modules({}))
    path.write_bytes(b"ELF")
    baseline.expect(Source(str(path), "fast"))
    baseline.expect(Source(str(path.with_name("old.so")), "sys"))
    now = digest_of(str(path))
    assert baseline.digest(str(path), now) == now
    assert baseline.digest(str(path.with_name("old.so")), now) == now
    assert baseline.built == [str(path)]
    assert baseline.unproven == [str(path.with_name("old.so"))]


@pytest.mark.parametrize("is_edited", [True, False])
def test_a_path_file_is_what_it_was_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_edited: bool
) -> None:
    """An editable install that is moved while the application is loaded is a change."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    path = folder / "editable.pth"
    path.write_text("/srv/one\n")
    monkeypatch.setattr(sys, "path", [str(folder), str(tmp_path / "missing" / "site-packages")])
    at_start = digest_of(str(path))
    baseline = Baseline(Imports(lambda: None), Absence(None), Modules({}))
    if is_edited:
        path.write_text("/srv/two\n")
    now = digest_of(str(path))
    assert baseline.digest(str(path), now) == at_start
    assert (now != at_start) == is_edited


def test_a_tracked_file_is_what_it_was_as_it_was_named(tmp_path: Path) -> None:
    """A file may be read, and saved, before the first scan; a folder is none, nor what is gone."""
    baseline = Baseline(Imports(lambda: None), Absence(None), Modules({}))
    path, folder, gone = tmp_path / "conf.json", tmp_path / "templates", tmp_path / "gone"
    path.write_bytes(BEFORE)
    folder.mkdir()
    before = digest_of(str(path))
    named = [str(each) for each in (path, folder, gone)]
    assert baseline.note_now(named) == named
    path.write_bytes(AFTER)
    baseline.note_now(named)
    assert baseline.digest(str(path), digest_of(str(path))) == before
    assert baseline.digest(str(gone), b"now") == b"now"
