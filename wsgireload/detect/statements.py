"""What a source imports, by its text: nothing of it is run."""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from wsgireload.detect.modules import namespace
from wsgireload.server.files import content

if TYPE_CHECKING:
    import ast

# A statement that begins a line, with the lines that belong to it. Nothing is tried twice.
STATEMENT = re.compile(
    rb"\n((?:import|from)\b(?:[^\n\\(#]++|\\\r?\n|#[^\n]*+|\((?:[^)#]++|#[^\n]*+)*+\))*+)"
)
WORD = re.compile(rb"[\w\x80-\xff]+")
MOST = 200_000  # bytes of a source: parsing it stops this process for 0.1 s


class Import(NamedTuple):
    """A statement that imports a module, or `names` from it; `line` counts from 1."""

    line: int
    module: str
    names: tuple[str, ...] = ()


def tree_of(path: str, is_wanted: Callable[[bytes], bool]) -> "ast.Module | None":
    """The syntax tree of a source, if its text is wanted; None for a large or broken one."""
    try:
        text = content(path)
        return parsed(text, path) if len(text) <= MOST and is_wanted(text) else None
    except (OSError, ValueError, MemoryError):
        return None


def parsed(text: bytes, path: str = "?") -> "ast.Module | None":
    """The syntax tree of a source; None for a broken one."""
    import ast  # few processes need it

    try:
        tree = compile(text, path, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    assert isinstance(tree, ast.Module)
    return tree


def package_of(path: str, module: str) -> str:
    """The package in which relative imports of a module begin; of a loaded one, as Python does."""
    known = namespace(sys.modules.get(module)).get("__package__")
    if isinstance(known, str):  # the module may have a second name
        return known
    is_package = os.path.basename(path) == "__init__.py"
    return module if is_package else module.rpartition(".")[0]


def imports(nodes: Iterable["ast.AST"], package: str) -> Iterator[Import]:
    """The import statements among these nodes of a source."""
    import ast

    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (Import(node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] if node.level else ""
            base = ".".join(filter(None, (above, node.module)))
            yield Import(node.lineno, base, tuple(alias.name for alias in node.names))


def seem_to_import(text: bytes, words: frozenset[bytes] | None, package: str) -> Iterator[Import]:
    """The import statements of a module, outside any block, that have one of these words, if any.

    To parse all of the text would take a hundred times as long. So it may be that a statement is
    part of a string.
    """
    for found in STATEMENT.finditer(b"\n" + text):
        if words is None or not words.isdisjoint(WORD.findall(found[1])):
            tree = parsed(found[1])
            yield from imports(tree.body if tree else (), package)
