"""Windows: reading a file hinders no other process, wherever the file lies."""

from __future__ import annotations

import os

import pytest


def wine(path):
    """A path as Windows programs see it."""
    return "Z:" + str(path).replace("/", "\\")


def test_read(windows, tmp_path):
    """An opened file can be read, by its absolute and by its relative path."""
    (windows.folder / "file é.txt").write_text("text")
    said = windows.does("open", "file é.txt", "open", wine(windows.folder / "file é.txt"))
    assert said == 2 * [[0, 0, "read text", ""]]


def test_others_do_their_work(windows, tmp_path):
    """While it is open, others can replace, rename and delete it; it keeps its content."""
    for name, text in {"file": "old", "file.new": "new"}.items():
        (tmp_path / name).write_text(text)
    said = windows.does("others", wine(tmp_path / "file"))
    assert said == [1, 1, 1, [0, 0, "read old", ""]]
    assert (tmp_path / "file").read_text() == "new"


@pytest.mark.parametrize("form", ["Z:\\{}", "z:/{}", "\\\\?\\Z:\\{}", "\\\\?\\unix\\{}", "{}"])
def test_long_paths(windows, tmp_path, form):
    """A path of far more than 260 characters works, in each form."""
    folder = tmp_path.joinpath(*["long" * 25] * 4)
    folder.mkdir(parents=True)
    (folder / "file").write_text("text")
    inner = str(folder / "file").lstrip("/")
    path = form.format(inner if "/" in form else inner.replace("/", "\\"))
    if form == "{}":
        path = os.path.relpath(folder / "file", windows.folder).replace("/", "\\")
    assert len(path) > 400
    assert windows.does("open", path) == [[0, 0, "read text", ""]]


def test_failures(windows, tmp_path):
    """A file that cannot be opened gives Windows' number and message."""
    missing, lost = tmp_path / "none", tmp_path / "none" / "none"
    long = tmp_path.joinpath(*["long" * 25] * 4)
    paths = (missing, lost, tmp_path, long)
    said = windows.does(*(word for path in paths for word in ("open", wine(path))))
    assert [(status, code, call) for status, code, call, _ in said] == [
        (3, 2, "CreateFileW"),
        (3, 3, "CreateFileW"),
        (3, 5, "CreateFileW"),
        (3, 3, "CreateFileW"),
    ]
    assert said[0][3] == "File not found."
