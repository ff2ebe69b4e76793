"""A file that we read or watch on Windows: it hinders no other program, wherever it lies."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import pytest

from wsgireload.errors import NativeError
from wsgireload.server.files import content, open_file
from wsgireload.server.native import marks
from wsgireload.server.watcher import ALL, Watcher

MISSING = 0
LONG = 30.0  # seconds: for what comes at once


def test_others_do_their_work(tmp_path: Path) -> None:
    """While a file is open, others replace it as editors do, rename and delete it; it stays."""
    kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    file, new, old = (tmp_path / name for name in ("a.py", "a.py.new", "a.py.old"))
    file.write_text("old")
    new.write_text("new")
    opened = open_file(str(file))
    try:
        assert kernel32.ReplaceFileW(str(file), str(new), str(old), 0, None, None)
        old.rename(new)
        new.unlink()
        assert os.read(opened, 9) == b"old"
        assert file.read_text() == "new"
    finally:
        os.close(opened)


@pytest.fixture
def long(tmp_path: Path) -> Path:
    """A file with a path of more than 400 characters, with its prefix: Python's own need it."""
    folder = Path("\\\\?\\" + str(tmp_path)).joinpath(*["long" * 25] * 4)
    folder.mkdir(parents=True)
    (folder / "a.py").write_text("text")
    return folder / "a.py"


@pytest.mark.parametrize("form", ["{}", "\\\\?\\{}", "\\\\.\\{}", "relative", "slashes"])
def test_long_paths(long: Path, form: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A path of far more than 260 characters works in each form: it is read, and has a mark."""
    path = str(long).removeprefix("\\\\?\\")
    if form == "relative":
        monkeypatch.chdir(tmp_path)
        path = os.path.relpath(path, tmp_path)
    else:
        path = path.replace("\\", "/") if form == "slashes" else form.format(path)
    assert len(path) > 400
    assert content(path) == b"text"
    assert list(marks([path, f"{path}.none"])) == [*marks([str(long)]), MISSING]
    assert list(marks([path])) not in ([0], [1])


def test_a_long_folder(long: Path) -> None:
    """A folder with such a path is watched."""
    watcher = Watcher()
    number = watcher.directory(str(long.parent).removeprefix("\\\\?\\"), ALL, trust=False)
    long.write_text("other")
    assert watcher.wait(LONG)[0][::2] == (number, "a.py")
    watcher.end()


@pytest.mark.parametrize("name", ["\N{SNAKE}.py", "\N{CYRILLIC SMALL LETTER ZHE}.py", "\ud800.py"])
def test_names(tmp_path: Path, name: str) -> None:
    """Any name that Windows has is watched and has a mark, also one that is not Unicode."""
    try:
        (tmp_path / name).write_text("text")
        if tmp_path / name not in tmp_path.iterdir():
            pytest.skip("this system has no such name")
    except OSError as error:
        pytest.skip(f"this system has no such name: {error}")
    watcher = Watcher()
    number = watcher.directory(str(tmp_path), ALL, trust=False)
    before = list(marks([str(tmp_path / name)]))
    (tmp_path / name).write_text("longer text")
    assert watcher.wait(LONG)[0][::2] == (number, name)
    assert list(marks([str(tmp_path / name)])) != before
    watcher.end()


@pytest.mark.parametrize(
    ("name", "error", "code"),
    [
        ("none", FileNotFoundError, 2),
        ("none/none", FileNotFoundError, 3),
        (".", PermissionError, 5),
    ],
)
def test_failures(tmp_path: Path, name: str, error: type[OSError], code: int) -> None:
    """A file that cannot be opened is the error of open(), with Windows' number and the path."""
    with pytest.raises(error) as raised:
        open_file(str(tmp_path / name))
    assert (raised.value.winerror, raised.value.filename) == (code, str(tmp_path / name))  # type: ignore[attr-defined,unused-ignore]


@pytest.mark.parametrize(
    "path", ["\\\\server\\share\\folder", "\\\\?\\UNC\\server\\share", "//server/share/x"]
)
def test_trust(path: str) -> None:
    """A network drive is refused as such, unless it is to be trusted."""
    watcher = Watcher()
    with pytest.raises(NativeError) as refused:
        watcher.directory(path, ALL, trust=False)
    assert refused.value.message == "a network drive"
    with pytest.raises(NativeError) as missing:
        watcher.directory(path, ALL, trust=True)
    assert missing.value.call == "CreateFileW"
    watcher.end()
