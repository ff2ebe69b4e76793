"""Marks: one number for each of many files, which moves when the file does."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.ffi import ffi, lib

from wsgireload import _native
from wsgireload.server.native import marks

MISSING, HIDDEN = 0, 1


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file whose times are long ago, as those of a file that is not being edited."""
    made = tmp_path / "a.py"
    made.write_text("before")
    os.utime(made, (1e9, 1e9))
    return made


def rewrite_in_place(file: Path) -> None:
    """With the same size, and the time that it had."""
    was = file.stat()
    with file.open("r+") as opened:
        opened.write("BEFORE")
    os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))


def replace(file: Path) -> None:
    """By a copy with its bytes, its size and its time."""
    new = file.with_name("new")
    shutil.copy2(file, new)
    new.rename(file)


DEEDS: dict[str, Callable[[Path], object]] = {
    "written": lambda file: file.write_text("after."),
    "longer": lambda file: file.write_text("much longer"),
    "in place, with its time put back": rewrite_in_place,
    "replaced": replace,
    "touched": lambda file: file.touch(),
    "older": lambda file: os.utime(file, (5e8, 5e8)),
    "a nanosecond newer": lambda file: os.utime(file, ns=(0, 10**18 + 1)),
    "deleted": lambda file: file.unlink(),
    "a directory": lambda file: (file.unlink(), file.mkdir()),
}


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_moves(file, deed):
    """The mark moves with whatever is done to the file, and not without."""
    (before,) = marks([str(file)])
    assert list(marks([str(file)] * 3)) == [before] * 3
    assert before not in (MISSING, HIDDEN)
    deed(file)
    assert list(marks([str(file)])) != [before]


def test_reading_is_nothing(file):
    """Reading a file does not move its mark."""
    before = list(marks([str(file)]))
    os.utime(file, ns=(10**18 + 5, file.stat().st_mtime_ns))
    before = list(marks([str(file)]))
    file.read_text()
    assert list(marks([str(file)])) == before


def test_a_link(file):
    """A link has the mark of what it leads to, and moves when it leads elsewhere."""
    link, other = file.with_name("link"), file.with_name("other")
    link.symlink_to(file)
    other.write_text("other")
    before = list(marks([str(file)]))
    assert list(marks([str(link)])) == before
    link.unlink()
    link.symlink_to(other)
    assert list(marks([str(link)])) == list(marks([str(other)])) != before


def test_what_is_not_there(file):
    """0 means that there is no file, whichever part of its path is missing."""
    dangling = file.with_name("dangling")
    dangling.symlink_to("none")
    paths = [file.with_name("none"), file / "none", file.parent / "none" / "none", dangling]
    assert list(marks([*map(str, paths), ""])) == [MISSING] * 5


def test_what_cannot_be_looked_at(file):
    """1 stands for a file that cannot be examined."""
    loop = file.with_name("loop")
    loop.symlink_to(loop)
    paths = [str(loop), str(loop / "x"), "x" * 256, "nul\0nul", "\0", "\ud800"]
    assert list(marks(paths)) == [HIDDEN] * 6
    # and the others keep their places
    (known,) = marks([str(file)])
    assert list(marks([str(file), "\0\0", str(file), "\ud800", "", str(file)])) == [
        *(known, HIDDEN, known, HIDDEN, MISSING, known)
    ]


def test_many_in_order(tmp_path):
    """Each of ten thousand files has a mark of its own, in the order of the paths."""
    paths = [str(tmp_path / f"{i}.py") for i in range(10_000)]
    for path in paths[::2]:
        Path(path).touch()
    found = list(marks(paths))
    assert found[1::2] == [MISSING] * 5000
    assert len(set(found[::2]) - {MISSING, HIDDEN}) == 5000
    assert list(marks(paths[::-1])) == found[::-1]
    assert list(marks([])) == []


def test_a_name_that_is_not_utf8(tmp_path):
    """A path is the bytes that it is."""
    path = os.path.join(tmp_path, os.fsdecode(b"\xff.py"))  # noqa: PTH118
    assert list(marks([path])) == [MISSING]
    Path(path).touch()
    assert list(marks([path])) != [MISSING]


@pytest.mark.parametrize(
    ("paths", "count"), [(b"", 1), (b"a", 2), (b"a\0", 0), (b"a\0", 2), (b"a\0b", 1), (b"", -1)]
)
def test_paths_that_make_no_sense(paths, count):
    """Bytes that do not hold so many paths raise ValueError."""
    with pytest.raises(ValueError, match=f"not {count} paths"):
        _native.marks(paths, count)


def test_the_core(file):
    """The core writes as many marks as there are paths, and no more."""
    found = ffi.new("unsigned long long[3]", [7, 7, 7])
    paths = os.fsencode(file) + b"\0none\0"
    assert lib.wsgireload_marks(paths, len(paths), found, 2) == 2
    assert list(found) == [*marks([str(file), "none"]), 7]
    assert lib.wsgireload_marks(paths, len(paths), found, 0) == 2
    assert lib.wsgireload_marks(paths, 0, found, 2) == 0
    assert list(found) == [*marks([str(file), "none"]), 7]


def test_a_mark_takes_little_memory(tmp_path: Path) -> None:
    """Python keeps 60 bits in one block of 32 bytes: there is a mark for each watched file."""
    files = [tmp_path / str(number) for number in range(64)]
    for file in files:
        file.touch()
    assert max(marks(list(map(str, files)))) < 1 << 60
