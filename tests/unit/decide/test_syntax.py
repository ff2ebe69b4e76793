"""Syntax: code that does not compile holds the restart."""

import os
import sys
from pathlib import Path

import pytest

from wsgireload.decide.syntax import compiles, vanished
from wsgireload.decide.verdict import Hold
from wsgireload.report import Held

GOOD = {
    "plain": b"x = 1\n",
    "empty": b"",
    "latin-1": b"# -*- coding: latin-1 -*-\nx = '\xe4'\n",
    "byte order mark": b"\xef\xbb\xbfx = 1\n",
    "crlf": b"def f():\r\n    return 1\r\n",
    "no newline at the end": b"if True:\n    x = 1",
    "async at the top": b"async def f():\n    await g()\n",
}
BAD = {
    "syntax": (b"x = 1\ny = (\n", 2, "SyntaxError"),
    "indentation": (b"if True:\nx = 1\n", 2, "IndentationError"),
    "not utf-8": (b"x = '\xe4'\n", None, "SyntaxError"),
    "unknown encoding": (b"# coding: klingon\n", None, "SyntaxError"),
    "a NUL byte": (b"x = 1\0\n", None, ""),
    "nested too deep": (b"(" * 10_000 + b")" * 10_000, None, ""),
    "return outside a function": (b"\n\nreturn 1\n", 3, "SyntaxError"),
    "a merge conflict": (b"x = 1\n<<<<<<< HEAD\n", 2, "SyntaxError"),
}


def held(path: Path) -> tuple[Hold, Held]:
    """The hold for a file that is at fault, and its place."""
    hold, _ = compiles(str(path))
    assert hold is not None
    assert hold.place is not None
    assert hold.place.path == str(path)
    return hold, hold.place


@pytest.mark.parametrize("source", GOOD.values(), ids=GOOD)
def test_good_code_holds_nothing(tmp_path: Path, source: bytes) -> None:
    """What Python can compile, in the encoding it declares, may restart."""
    path = tmp_path / "code.py"
    path.write_bytes(source)
    assert compiles(str(path)) == (None, True)


@pytest.mark.parametrize(("source", "line", "kind"), BAD.values(), ids=BAD)
def test_broken_code_holds(tmp_path: Path, source: bytes, line: int | None, kind: str) -> None:
    """What does not compile holds, and the reason names file, line and error."""
    path = tmp_path / "code.py"
    path.write_bytes(source)
    hold, place = held(path)
    assert str(path) in hold.reason
    assert kind in hold.reason
    if line is not None:
        assert place.line == line
        assert f"line {line}" in hold.reason
    assert "\n" not in hold.reason


def test_the_place_is_reported(tmp_path: Path) -> None:
    """Line and column count from 1 and in characters; the line is as it stands in the file."""
    path = tmp_path / "code.py"
    path.write_text("x = 1\n    \nif 'äö' = = x:\n    pass\n")
    _, place = held(path)
    assert (place.line, place.column, place.text) == (3, 9, "if 'äö' = = x:")
    assert place.error == "SyntaxError: invalid syntax"


@pytest.mark.parametrize(
    ("source", "column"),
    [
        ("äö = = x", 6),
        ("\ufeffäö = = x", 6),
        ("äö = (\n", 6),
        ("äö + 1 = 3", 1),
        ("äöü = 'abc\n", 7),
        ("def äö(a, a): pass", 13),
        ("äöü: return 1", 6),
        ("x = 1 1", 7),
    ],
)
def test_columns_are_characters(tmp_path: Path, source: str, column: int) -> None:
    """Every Python reports the same column, whether its own counts bytes or characters."""
    path = tmp_path / "code.py"
    path.write_text(source, "utf-8")
    assert held(path)[1].column == column


def test_an_error_without_a_line(tmp_path: Path) -> None:
    """A folder in the place of a file has no line, and still a reason."""
    _, place = held(tmp_path)
    assert (place.line, place.column, place.text) == (None, None, None)
    assert place.error is not None
    assert place.error.startswith("cannot be read: ")


def test_a_missing_file_holds_nothing(tmp_path: Path) -> None:
    """A deleted source has nothing to compile."""
    assert compiles(str(tmp_path / "gone.py")) == (None, True)


def test_a_file_that_cannot_be_read_holds(tmp_path: Path) -> None:
    """A file that cannot be read holds: the new process could not read it either."""
    hold, lasting = compiles(str(tmp_path))
    assert hold is not None
    assert str(tmp_path) in hold.reason
    assert not lasting  # it may only be that no file can be opened now


def test_an_error_in_the_code_lasts(tmp_path: Path) -> None:
    """A hold for an error in the code lasts: only a change mends it."""
    path = tmp_path / "code.py"
    path.write_text("x = (")
    hold, lasting = compiles(str(path))
    assert hold is not None
    assert lasting


def test_a_lack_of_memory_does_not_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hold for a lack of memory does not last: it may end without a change."""

    def failing(_: str) -> bytes:
        raise MemoryError("no room")

    monkeypatch.setattr(sys.modules["wsgireload.decide.compiler"], "content", failing)
    hold, lasting = compiles(str(tmp_path / "code.py"))
    assert hold is not None
    assert "MemoryError: no room" in hold.reason
    assert not lasting


@pytest.mark.parametrize("left", ["no folder", "a file", "an empty folder", "another file"])
def test_a_file_that_is_missing_with_its_folder(tmp_path: Path, left: str) -> None:
    """A missing file holds if its folder is missing, empty or no folder."""
    folder = tmp_path / "package"
    if left == "a file":
        folder.touch()
    elif left != "no folder":
        folder.mkdir()
    if left == "another file":
        (folder / "other.py").touch()
    hold = vanished(str(folder / "code.py"))
    assert (hold is None) == (left == "another file")
    assert hold is None or str(folder) in hold.reason
    assert hold is None or hold.place == Held(str(folder / "code.py"), None, None, None, None)


@pytest.mark.parametrize("missing", ["pkg/__init__.py", "pkg/sub/code.py"])
def test_a_package_that_became_a_module(tmp_path: Path, missing: str) -> None:
    """A package whose folder is gone or empty holds nothing if there is a module of that name."""
    (tmp_path / "pkg.py").touch()
    assert vanished(str(tmp_path / missing)) is None
    (tmp_path / "pkg").mkdir()
    assert vanished(str(tmp_path / "pkg/__init__.py")) is None


def test_nothing_is_run(tmp_path: Path) -> None:
    """Compiling a source does not execute it."""
    path = tmp_path / "code.py"
    path.write_text("raise SystemExit('it ran')\n")
    assert compiles(str(path)) == (None, True)


def test_endless_files_are_not_read(tmp_path: Path) -> None:
    """A pipe without a writer, a device without an end, and a huge file hold, and at once."""
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "zero.py").symlink_to("/dev/zero")
    with (tmp_path / "huge.py").open("wb") as file:
        file.truncate(10 << 30)
    for name, why in {"pipe": "not a regular", "zero": "not a regular", "huge": "larger"}.items():
        hold, _ = held(tmp_path / f"{name}.py")
        assert why in hold.reason


def test_a_file_whose_folder_became_a_file_holds_nothing(tmp_path: Path) -> None:
    """A package that became a single module is gone, as a whole."""
    (tmp_path / "package").write_text("")
    assert compiles(str(tmp_path / "package/code.py")) == (None, True)
