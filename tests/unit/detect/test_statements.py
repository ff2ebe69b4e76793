"""Statements: what a source imports, by its text."""

from __future__ import annotations

import ast
import time
from pathlib import Path

import pytest

from wsgireload.detect.statements import MOST, Import, imports, package_of, seem_to_import, tree_of

TEXT = """\
import os, sys as system
from a.b import (  # c (d
    e,
    f,
)
if os:
    from . import g
from ..h import *
from a \\
    import b
"""


def test_imports() -> None:
    """Each with its line, its module from the root, and its names."""
    assert list(imports(ast.walk(ast.parse(TEXT)), "x.y")) == [
        Import(1, "os"),
        Import(1, "sys"),
        Import(2, "a.b", ("e", "f")),
        Import(8, "x.h", ("*",)),
        Import(9, "a", ("b",)),
        Import(7, "x.y", ("g",)),
    ]


@pytest.mark.parametrize(
    ("word", "found"),
    [("f", "a.b"), ("h", "x.h"), ("b", "a.b a"), ("os", "os sys"), ("g", ""), ("d", "a.b")],
)
def test_what_seems_to_be_imported(word: str, found: str) -> None:
    """Statements with a word, outside any block; a comment in one may have it, too."""
    seem = seem_to_import(TEXT.encode(), frozenset([word.encode()]), "x.y")
    assert " ".join(each.module for each in seem) == found


@pytest.mark.parametrize("end", ["", ")", "\\", "'"])
def test_no_text_takes_long(end: str) -> None:
    """Nor does any raise anything."""
    began = time.process_time()
    text = "from f (" + "# a b (c \\ d\n(" * 1000 + end + "\nfrom g import f"
    assert list(seem_to_import(text.encode(), frozenset([b"f"]), "")) in (
        [],
        [Import(1, "g", ("f",))],
    )
    assert time.process_time() - began < 1


def test_trees(tmp_path: Path) -> None:
    """Only of a source that is wanted, compiles, and is not large."""
    path = tmp_path / "a.py"
    for text, is_wanted in ((TEXT, True), (TEXT, False), ("(", True), ("#" * MOST + "#", True)):
        path.write_text(text)
        tree = tree_of(str(path), lambda _text, is_wanted=is_wanted: is_wanted)  # type: ignore[misc]
        assert (tree is not None) is (text == TEXT and is_wanted)
    assert tree_of(str(tmp_path / "b.py"), bool) is None


def test_packages() -> None:
    """Relative imports begin in the package itself, or in that of the module."""
    assert package_of("/a/b/__init__.py", "a.b") == "a.b"
    assert package_of("/a/b.py", "a.b") == "a"
    assert package_of("/a/app.wsgi", "_mod_wsgi_1") == ""
