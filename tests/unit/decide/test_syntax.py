"""Guard: what does not compile holds the restart."""

import os
from pathlib import Path

import pytest

from wsgireload.decide.syntax import compiles, gone_with_its_folder

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


@pytest.mark.parametrize("source", GOOD.values(), ids=GOOD)
def test_good_code_holds_nothing(tmp_path: Path, source: bytes) -> None:
    """What Python can compile, in the encoding it declares, may restart."""
    path = tmp_path / "code.py"
    path.write_bytes(source)
    assert compiles(str(path)) is None


@pytest.mark.parametrize(("source", "line", "kind"), BAD.values(), ids=BAD)
def test_broken_code_holds(tmp_path: Path, source: bytes, line: int | None, kind: str) -> None:
    """What does not compile holds, and the reason names file, line and error."""
    path = tmp_path / "code.py"
    path.write_bytes(source)
    hold = compiles(str(path))
    assert hold is not None
    assert hold.path == str(path)
    assert str(path) in hold.reason
    assert kind in hold.reason
    if line is not None:
        assert hold.line == line
        assert f"line {line}" in hold.reason
    assert "\n" not in hold.reason


def test_the_place_is_told(tmp_path: Path) -> None:
    """Line and column count from 1 and in characters; the line is as it stands in the file."""
    path = tmp_path / "code.py"
    path.write_text("x = 1\n    \nif 'äö' = = x:\n    pass\n")
    hold = compiles(str(path))
    assert hold is not None
    assert (hold.line, hold.column, hold.text) == (3, 11, "if 'äö' = = x:")
    assert hold.error == "SyntaxError: invalid syntax"


def test_what_has_no_place_has_an_error(tmp_path: Path) -> None:
    """A folder in the place of a file has no line, and still a reason."""
    hold = compiles(str(tmp_path))
    assert hold is not None
    assert (hold.line, hold.column, hold.text) == (None, None, None)
    assert hold.error is not None
    assert hold.error.startswith("cannot be read: ")


def test_a_file_that_is_gone_holds_nothing(tmp_path: Path) -> None:
    """A deleted source has nothing to compile."""
    assert compiles(str(tmp_path / "gone.py")) is None


def test_a_file_that_cannot_be_read_holds(tmp_path: Path) -> None:
    """When in doubt, hold: what we cannot read, the new process could not either."""
    hold = compiles(str(tmp_path))
    assert hold is not None
    assert str(tmp_path) in hold.reason
    assert hold.passing  # without a change: it may only be that no file can be opened now


def test_what_is_wrong_in_the_code_stays(tmp_path: Path) -> None:
    """Only a change mends it."""
    path = tmp_path / "code.py"
    path.write_text("x = (")
    hold = compiles(str(path))
    assert hold is not None
    assert not hold.passing


@pytest.mark.parametrize("left", ["no folder", "a file", "an empty folder", "another file"])
def test_what_is_gone_with_its_folder(tmp_path: Path, left: str) -> None:
    """A file whose folder holds something is gone for itself."""
    folder = tmp_path / "package"
    if left == "a file":
        folder.touch()
    elif left != "no folder":
        folder.mkdir()
    if left == "another file":
        (folder / "other.py").touch()
    hold = gone_with_its_folder(str(folder / "code.py"))
    assert (hold is None) == (left == "another file")
    assert hold is None or str(folder) in hold.reason


def test_nothing_is_run(tmp_path: Path) -> None:
    """Compiling a source does not execute it."""
    path = tmp_path / "code.py"
    path.write_text("raise SystemExit('it ran')\n")
    assert compiles(str(path)) is None


def test_what_has_no_end_is_not_read(tmp_path: Path) -> None:
    """A pipe that nobody writes to, a device without an end, and a huge file hold, and at once."""
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "zero.py").symlink_to("/dev/zero")
    with (tmp_path / "huge.py").open("wb") as file:
        file.truncate(10 << 30)
    for name, why in {"pipe": "not a regular", "zero": "not a regular", "huge": "larger"}.items():
        hold = compiles(str(tmp_path / f"{name}.py"))
        assert hold is not None
        assert why in hold.reason


def test_a_file_whose_folder_is_none_any_more_holds_nothing(tmp_path: Path) -> None:
    """A package that became a single module is gone, as a whole."""
    (tmp_path / "package").write_text("")
    assert compiles(str(tmp_path / "package/code.py")) is None
