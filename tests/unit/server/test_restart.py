"""Restart: what is asked for, and the bytecode that has to be out of its way."""

from __future__ import annotations

import importlib.util
import os
import py_compile
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from wsgireload.errors import NativeError
from wsgireload.server import native
from wsgireload.server.restart import SERVING, Restart, freshen

BEFORE, AFTER = b"answer = 1\n", b"answer = 2\n"  # of the same size
SECOND = 1_700_000_000


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A source with a cache, in a certain second."""
    path = tmp_path / "app.py"
    path.write_bytes(BEFORE)
    os.utime(path, (SECOND, SECOND))
    py_compile.compile(str(path), doraise=True)
    return path


def cache_of(source: Path, optimization: object = "") -> Path:
    """Where the bytecode of a source lies."""
    return Path(importlib.util.cache_from_source(str(source), optimization=optimization))


def edit(source: Path, content: bytes = AFTER, second: float = SECOND) -> None:
    """Write another content, in a certain second."""
    source.write_bytes(content)
    os.utime(source, (second, second))


def run(source: Path) -> int:
    """What a new process would make of the module."""
    spec = importlib.util.spec_from_file_location("app", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return int(module.answer)


@pytest.mark.parametrize("fraction", [0.0, 0.5, 0.999])
def test_stale_bytecode_is_removed(source: Path, fraction: float) -> None:
    """A cache that passes for the new source is removed; without that the old code would run."""
    edit(source, second=SECOND + fraction)
    assert run(source) == 1  # the trap is real
    assert freshen([str(source)]) == []
    assert run(source) == 2


@pytest.mark.parametrize(
    ("content", "second"), [(AFTER, SECOND + 1), (AFTER, SECOND - 1), (AFTER + b"\n", SECOND)]
)
def test_other_bytecode_stays(source: Path, content: bytes, second: float) -> None:
    """A cache of another size or second is Python's own to see through: it is left alone."""
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
    """Where PYTHONPYCACHEPREFIX sends the caches, they are found."""
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "elsewhere"))
    py_compile.compile(str(source), doraise=True)
    cache = cache_of(source)
    assert cache.is_relative_to(tmp_path / "elsewhere")
    assert freshen([str(source)]) == []
    assert not cache.exists()


def test_nothing_to_remove(source: Path, tmp_path: Path) -> None:
    """A source that is gone, one without a cache, and a cut one are nothing to report."""
    cut = tmp_path / "cut.py"
    cut.write_bytes(BEFORE)
    cache_of(cut).write_bytes(b"\0" * 5)
    source.unlink()
    assert freshen([str(source), str(tmp_path / "none.py"), str(cut)]) == []
    assert cache_of(source).exists()


def test_a_hash_based_cache_stays(source: Path) -> None:
    """A cache that Python checks by hash cannot pass for another source."""
    py_compile.compile(
        str(source), invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH, doraise=True
    )
    edit(source)
    assert freshen([str(source)]) == []
    assert run(source) == 2


def test_what_cannot_be_removed_is_reported(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stale cache that may not be removed is named, unless it is the new source's already (so
    pip leaves it); and the next one still goes.
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
    monkeypatch.setattr(sys.modules["wsgireload.server.restart"], "os", fake)
    assert freshen([str(source), str(other)]) == [str(cache_of(source))]
    assert not cache_of(other).exists()
    while cache_of(source).stat().st_ctime_ns <= source.stat().st_ctime_ns:  # a clock's tick
        py_compile.compile(str(source), doraise=True)
    assert freshen([str(source)]) == []
    assert run(source) == 2


@pytest.mark.parametrize("asked", [True, False])
def test_asking_goes_to_the_native_module(asked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking says whether it was asked just now."""
    monkeypatch.setattr(native, "restart", lambda: asked)
    assert Restart().ask() is asked


def test_a_failed_call_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the call fails, the error names it."""

    def failing() -> bool:
        raise NativeError("kill", 1, "Operation not permitted")

    monkeypatch.setattr(native, "restart", failing)
    with pytest.raises(NativeError, match="kill failed: Operation not permitted"):
        Restart().ask()


def test_asking_again_rearms(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was never taken up may be asked for again."""
    rearmed: list[int] = []
    monkeypatch.setattr(native, "rearm", lambda: rearmed.append(1))
    Restart().ask_again()
    assert rearmed == [1]


@pytest.mark.parametrize("asked", [True, False])
def test_a_child_that_lingers_is_ended(asked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asked, and nobody else, has a child ended that serves on and on."""
    told: list[int] = []
    monkeypatch.setattr(native, "restart", lambda: asked)
    monkeypatch.setattr(native, "linger", told.append)
    assert Restart(linger=29.5).ask() is asked
    assert Restart(linger=0).ask() is asked
    assert told == ([SERVING + 30] if asked else [])


def test_a_child_that_served_and_lingers_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has finished serving is given less time, whoever had it replaced."""
    told: list[int] = []
    monkeypatch.setattr(native, "linger", told.append)
    Restart(linger=29.5).leaving()
    Restart(linger=0).leaving()
    assert told == [30]


def test_lingering_is_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart that was asked for stays asked for where the old child cannot be seen to."""

    def fails(_: int) -> None:
        raise NativeError("CreateThread", 8, "Not enough memory")

    monkeypatch.setattr(native, "restart", lambda: True)
    monkeypatch.setattr(native, "linger", fails)
    assert Restart(linger=90).ask() is True
    Restart(linger=90).leaving()
