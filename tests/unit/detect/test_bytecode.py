"""Programs: comments and layout are no change where that is asked for."""

from __future__ import annotations

import os
import py_compile
from pathlib import Path

import pytest

from wsgireload.detect.bytecode import Programs

SOURCE = '''\
"""A module."""
LIMIT = 10


def double(number):
    """Twice as much."""
    return [n * 2 for n in range(number) if n < LIMIT]
'''


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A module that was loaded, with its cache."""
    path = tmp_path / "module.py"
    path.write_text(SOURCE)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    py_compile.compile(str(path), doraise=True)
    return path


@pytest.fixture
def programs(source: Path) -> Programs:
    """What is known of it."""
    known = Programs()
    known.remember(str(source))
    return known


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 10", "LIMIT = 10  # at most"),
        ("LIMIT = 10", "\n\n# the limit\nLIMIT   =   10"),
        ("LIMIT = 10", "LIMIT = (\n    10\n)"),
        ("n * 2 for n", "n * 2\n        for n"),
    ],
)
def test_layout(source: Path, programs: Programs, old: str, new: str) -> None:
    """Comments, blank lines and layout leave a program the same."""
    source.write_text(SOURCE.replace(old, new))
    assert programs.same(str(source))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 10", "LIMIT = 11"),
        ("LIMIT = 10", "LIMIT = 10.0"),
        ("LIMIT = 10", "LIMIT = 10\nMORE = 1"),
        ("Twice as much", "Two times"),
        ("A module", "The module"),
        ("n * 2", "n + 2"),
        ("double(number)", "double(number, /)"),
        ("LIMIT = 10", "LIMIT = (10"),
    ],
)
def test_another_program(source: Path, programs: Programs, old: str, new: str) -> None:
    """Values, docstrings, names and what does not compile are changes."""
    source.write_text(SOURCE.replace(old, new))
    assert not programs.same(str(source))


def test_without_a_cache(source: Path, programs: Programs) -> None:
    """Where the program that runs is not kept, everything is a change."""
    source.write_text(SOURCE + "# more\n")
    for cache in source.parent.rglob("*.pyc"):
        cache.unlink()
    assert not programs.same(str(source))


def test_the_cache_of_another_source(source: Path, programs: Programs) -> None:
    """A cache that somebody else has made since says nothing of what was loaded."""
    source.write_text(SOURCE.replace("10", "11"))
    py_compile.compile(str(source), doraise=True)
    source.write_text(SOURCE.replace("10", "11") + "# more\n")
    assert not programs.same(str(source))


def test_what_was_never_loaded(source: Path) -> None:
    """Without knowing what was loaded everything is a change."""
    assert not Programs().same(str(source))
