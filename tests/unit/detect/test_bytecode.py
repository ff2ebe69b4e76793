"""Bytecode: stale caches are removed.

What a cache proves about loaded code: test_baseline.py.
"""

from __future__ import annotations

import _imp
import importlib.util
import os
import py_compile
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from wsgireload.detect import bytecode
from wsgireload.detect.bytecode import distrust, freshen, stamp

BEFORE, AFTER = b"answer = 1\n", b"answer = 2\n"  # of the same size
SECOND = 1_700_000_000


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source with a cache, written in a certain second, in a process that keeps its bytecode."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = tmp_path / "app.py"
    path.write_bytes(BEFORE)
    os.utime(path, (SECOND, SECOND))
    py_compile.compile(str(path), doraise=True)
    return path


def cache_of(source: Path, optimization: object = "") -> Path:
    """The cache of a source."""
    return Path(importlib.util.cache_from_source(str(source), optimization=optimization))


def edit(source: Path, content: bytes = AFTER, second: float = SECOND) -> None:
    """Write another content, in a certain second."""
    source.write_bytes(content)
    os.utime(source, (second, second))


def run(source: Path) -> int:
    """What a new process would run."""
    spec = importlib.util.spec_from_file_location("app", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return int(module.answer)


@pytest.mark.parametrize("fraction", [0.0, 0.5, 0.999])
def test_stale_bytecode_is_removed(source: Path, fraction: float) -> None:
    """A cache that passes for the new source is removed: otherwise the old code would run."""
    edit(source, second=SECOND + fraction)
    assert run(source) == 1  # the trap is real
    assert freshen([str(source)]) == []
    assert run(source) == 2


@pytest.mark.parametrize(
    ("content", "second"), [(AFTER, SECOND + 1), (AFTER, SECOND - 1), (AFTER + b"\n", SECOND)]
)
def test_other_bytecode_stays(source: Path, content: bytes, second: float) -> None:
    """A cache of another size or second is left to Python, which does not use it."""
    before = cache_of(source).read_bytes()
    edit(source, content, second)
    assert freshen([str(source)]) == []
    assert cache_of(source).read_bytes() == before
    assert run(source) == 2


@pytest.mark.parametrize("level", [1, 2])
def test_optimised_bytecode_is_removed(source: Path, level: int) -> None:
    """The caches of python -O and -OO go too."""
    py_compile.compile(str(source), doraise=True, optimize=level)
    edit(source)
    assert freshen([str(source)]) == []
    assert not cache_of(source, level).exists()
    assert not cache_of(source).exists()


def test_caches_elsewhere_are_found(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Caches are found in PYTHONPYCACHEPREFIX."""
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "elsewhere"))
    py_compile.compile(str(source), doraise=True)
    cache = cache_of(source)
    assert cache.is_relative_to(tmp_path / "elsewhere")
    assert freshen([str(source)]) == []
    assert not cache.exists()


def test_nothing_to_remove(source: Path, tmp_path: Path) -> None:
    """A missing source, one without a cache, and a cut cache are nothing to report."""
    cut = tmp_path / "cut.py"
    cut.write_bytes(BEFORE)
    cache_of(cut).write_bytes(b"\0" * 5)
    source.unlink()
    below_a_file = str(cut / "below.py")
    assert freshen([str(source), str(tmp_path / "none.py"), str(cut), below_a_file]) == []
    assert cache_of(source).exists()


def test_a_hash_based_cache_stays(source: Path) -> None:
    """A cache that Python checks by hash never passes for another source."""
    py_compile.compile(
        str(source), invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH, doraise=True
    )
    edit(source)
    assert freshen([str(source)]) == []
    assert run(source) == 2


def test_what_cannot_be_removed_is_reported(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stale cache that may not be removed is returned, unless it is younger than the source (as
    after pip); the next one is removed all the same.
    """
    edit(source)
    other = tmp_path / "other.py"
    other.write_bytes(BEFORE)
    py_compile.compile(str(other), doraise=True)
    fake = SimpleNamespace(**vars(os))

    def remove(path: str) -> None:
        if Path(path) == cache_of(source):
            raise PermissionError(13, "Permission denied", path)
        os.remove(path)  # noqa: PTH107 (what is faked)

    fake.remove = remove
    monkeypatch.setattr(bytecode, "os", fake)
    assert freshen([str(source), str(other)]) == [str(cache_of(source))]
    assert not cache_of(other).exists()
    while cache_of(source).stat().st_ctime_ns <= source.stat().st_ctime_ns:  # a clock's tick
        py_compile.compile(str(source), doraise=True)
    assert freshen([str(source)]) == []
    assert run(source) == 2


def test_caches_of_import_hooks_are_removed(source: Path) -> None:
    """A hook that rewrites code keeps its caches under a tag of its own; other modules' stay."""
    cache = cache_of(source)
    tagged = [
        cache.with_suffix(".opt-typeguard.pyc"),
        cache.with_name(f"{cache.stem}-pytest-8.3.5.pyc"),
    ]
    others = [cache.with_name(f"{name}{cache.suffix}") for name in ("apps.cpython-311", "app")]
    for path in (*tagged, *others):
        path.write_bytes(cache.read_bytes())
    edit(source)
    assert freshen([str(source)]) == []
    assert [path.exists() for path in (*tagged, *others)] == [False, False, True, True]


def test_caches_from_before_a_prefix_are_removed(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An application that sets sys.pycache_prefix itself began without it."""
    cache = cache_of(source)
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "elsewhere"))
    edit(source)
    assert freshen([str(source)]) == []
    assert not cache.exists()


UNCHECKED = py_compile.PycInvalidationMode.UNCHECKED_HASH


def test_an_unchecked_cache_is_reported(source: Path) -> None:
    """A cache that Python never checks stays, and is reported until it is compiled again."""
    py_compile.compile(str(source), invalidation_mode=UNCHECKED, doraise=True)
    edit(source, second=SECOND + 5)
    assert run(source) == 1  # the trap is real
    for _ in range(2):
        assert freshen([str(source)]) == [str(cache_of(source))]
    py_compile.compile(str(source), invalidation_mode=UNCHECKED, doraise=True)
    assert freshen([str(source)]) == []
    assert cache_of(source).exists()
    assert run(source) == 2


@pytest.mark.parametrize("policy", ["default", "always", "never"])
@pytest.mark.parametrize("mode", ["CHECKED_HASH", "UNCHECKED_HASH"])
def test_what_python_checks_is_its_own_choice(
    source: Path, monkeypatch: pytest.MonkeyPatch, mode: str, policy: str
) -> None:
    """`python --check-hash-based-pycs` decides which caches are compared with their sources."""
    monkeypatch.setattr(_imp, "check_hash_based_pycs", policy)
    mode_of = py_compile.PycInvalidationMode[mode]
    py_compile.compile(str(source), invalidation_mode=mode_of, doraise=True)
    edit(source, second=SECOND + 5)
    is_stale = run(source) == 1
    assert freshen([str(source)]) == ([str(cache_of(source))] if is_stale else [])


def test_an_unchecked_cache_of_another_python(source: Path) -> None:
    """A cache that this Python does not read is none."""
    py_compile.compile(str(source), invalidation_mode=UNCHECKED, doraise=True)
    cache_of(source).write_bytes(b"\0\0\r\n" + cache_of(source).read_bytes()[4:])
    edit(source)
    assert freshen([str(source)]) == []


def test_what_python_would_not_write_again_stays(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With PYTHONDONTWRITEBYTECODE a cache is removed only if it is older than the new source."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    while cache_of(source).stat().st_ctime_ns <= source.stat().st_ctime_ns:  # a clock's tick
        py_compile.compile(str(source), doraise=True)
    distrust(str(source), str(cache_of(source)))
    assert freshen([str(source)]) == []
    assert cache_of(source).exists()
    edit(source)
    while source.stat().st_ctime_ns <= cache_of(source).stat().st_ctime_ns:
        edit(source)
    assert freshen([str(source)]) == []
    assert run(source) == 2


@pytest.mark.parametrize("mode", ["CHECKED_HASH", "UNCHECKED_HASH"])
def test_deployed_bytecode_is_not_distrusted(source: Path, mode: str) -> None:
    """A cache that is checked by a hash is deployed on purpose, and stays whatever its time."""
    mode_of = py_compile.PycInvalidationMode[mode]
    edit(source, BEFORE, time.time())
    py_compile.compile(str(source), invalidation_mode=mode_of, doraise=True)
    distrust(str(source), str(cache_of(source)))
    assert cache_of(source).exists()


def test_bytecode_without_a_source_stays(source: Path) -> None:
    """A module that is deployed as bytecode alone is no cache."""
    alone = Path(py_compile.compile(str(source), cfile=f"{source}c", doraise=True) or "")
    source.unlink()
    assert freshen([str(source), str(alone)]) == []
    distrust(str(alone), str(alone))
    assert alone.exists()


@pytest.mark.parametrize("age", [0.0, 0.9, 5.0])
def test_bytecode_of_the_second_in_which_its_source_was_written(source: Path, age: float) -> None:
    """A cache of the second in which its source was written is removed; a later one is kept."""
    edit(source, second=time.time() - age)
    cache_of(source).touch()
    distrust(str(source), str(cache_of(source)))
    assert cache_of(source).exists() is (age == 5.0)


def test_a_source_of_the_future(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source with a time that is yet to come keeps its bytecode: its ctime has passed."""
    monkeypatch.setattr(bytecode, "RACY", 0.0)  # nothing can set a ctime
    edit(source, second=time.time() + 3600)
    py_compile.compile(str(source), doraise=True)
    distrust(str(source), str(cache_of(source)))
    assert cache_of(source).exists()


def test_what_has_no_bytecode_is_left_alone(source: Path) -> None:
    """Neither a source without a cache nor a path without a source is an error."""
    cache_of(source).unlink()
    for path in (str(source), "/nowhere/a.py", "a\0b", ""):
        distrust(path, f"{path}c")


def test_a_stamp_is_what_python_writes(source: Path) -> None:
    """Its mtime and size agree with Python's own, also past 2038 and 2106."""
    for second in (SECOND, 2**31 + 5, 2**32 + 5):
        edit(source, BEFORE, second)
        py_compile.compile(str(source), doraise=True)
        assert stamp(source.stat()) == cache_of(source).read_bytes()[8:16]


@pytest.mark.parametrize("pages", [0, 1])
def test_bytecode_that_is_cut_short_is_removed(source: Path, pages: int) -> None:
    """On a full disk some Pythons write the beginning of a cache, and cannot load it later."""
    edit(source, b"answer = 1\n" + b"def f(): pass\n" * 500)
    py_compile.compile(str(source), doraise=True)
    cache = cache_of(source)
    os.truncate(cache, pages * 4096)
    distrust(str(source), str(cache_of(source)))
    assert not cache.exists()
    assert run(source) == 1


def test_whole_bytecode_of_full_pages_stays(source: Path) -> None:
    """A cache whose size happens to be one of whole pages is a good one."""
    cache = cache_of(source)
    for size in range(4096):
        edit(source, b"answer = 1\nTEXT = '" + b"x" * size + b"'\n")
        py_compile.compile(str(source), doraise=True)
        if cache.stat().st_size % 512 == 0:
            break
    distrust(str(source), str(cache_of(source)))
    assert cache.exists()
