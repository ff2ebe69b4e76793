"""The documents: their code is accepted, and their links lead somewhere."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

import wsgireload
from wsgireload.decide import preflight
from wsgireload.settings import Settings

HOUSE = Path(__file__).parents[2]
DOCUMENTS = [HOUSE / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
DOCUMENTS += sorted((HOUSE / "docs").rglob("*.md"))
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r'\["python",[^]\n]*\]')
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)\s]*)?\)")
BLOCKS = [
    pytest.param(block, id=f"{path.name}-{number}")
    for path in DOCUMENTS
    for number, block in enumerate(BLOCK.findall(path.read_text("utf-8")))
]


@pytest.mark.parametrize("block", BLOCKS)
def test_python(block: str) -> None:
    """A block of Python compiles; the functions of ours in it exist and take its arguments."""
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "wsgireload":
            assert hasattr(wsgireload, node.attr), node.attr
        if isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "wsgireload.start",
            "init_app",
        ):
            Settings.of(**{word.arg: value(word.value) for word in node.keywords if word.arg})
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "WSGIRELOAD":
            Settings.of(**value(node.value))


def value(node: ast.expr) -> Any:
    """What an expression of a document's comes to."""
    return eval(ast.unparse(node), {"BASE_DIR": Path("/srv/mysite"), "app": Flask("mysite")})


PREFLIGHTS = [
    pytest.param(ast.literal_eval(found), id=f"{path.name}-{number}")
    for path in DOCUMENTS
    for number, found in enumerate(COMMAND.findall(path.read_text("utf-8")))
    if "BASE_DIR" not in found
]


@pytest.mark.parametrize("words", PREFLIGHTS)
def test_preflight(words: list[str], tmp_path: Path) -> None:
    """A preflight of a document's passes in a project as startproject makes it."""
    subprocess.run(
        [sys.executable, "-m", "django", "startproject", "mysite", str(tmp_path)], check=True
    )
    subprocess.run(
        preflight.command(words),
        cwd=preflight.folder(words, str(tmp_path / "mysite")),
        env=preflight.environment(os.environ),
        check=True,
    )


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links(path: Path) -> None:
    """The target of each link exists."""
    for target in LINK.findall(path.read_text("utf-8")):
        assert (path.parent / target).exists(), target
