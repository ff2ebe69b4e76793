"""What expressions in a source stand for, as far as that is known without running it."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

PATHS: dict[str, Callable[..., str]] = {
    "join": os.path.join,
    "dirname": os.path.dirname,
    "abspath": os.path.abspath,
}
SAME = "str", "fspath", "realpath", "resolve", "absolute", "Path", "PurePath", "list", "tuple"


class UnknownError(Exception):
    """An expression whose value only running it tells."""


def name_of(node: ast.expr) -> str:
    """Return the last part of a dotted name; "" for another expression."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def value(node: ast.expr, tree: ast.Module, path: str) -> Any:
    """Return the value of a literal, or of a path made of `__file__`; UnknownError else."""
    try:
        return _value(node, tree, path, 20)
    except (TypeError, ValueError, RecursionError):
        raise UnknownError from None


def items(node: ast.expr, tree: ast.Module, path: str) -> Iterator[Any]:
    """Return those values of a list that are known, or the one value of what is no list."""
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        for each in node.elts:
            yield from items(each, tree, path)
        return
    with suppress(UnknownError):
        found = value(node, tree, path)
        yield from found if isinstance(found, list) else [found]


def _value(node: ast.expr, tree: ast.Module, path: str, depth: int) -> Any:
    def inner(each: ast.expr) -> Any:
        return _value(each, tree, path, depth - 1)

    if depth == 0:
        raise UnknownError
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return [inner(each) for each in node.elts]
    if isinstance(node, ast.Name):
        return path if node.id == "__file__" else inner(_assigned(node.id, tree))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Add):
        left, right = inner(node.left), inner(node.right)
        return os.path.join(left, right) if isinstance(node.op, ast.Div) else left + right
    if isinstance(node, ast.Attribute) and node.attr == "parent":
        return os.path.dirname(inner(node.value))
    if isinstance(node, ast.Call) and not node.keywords:
        return _called(node, inner)
    return _joined(node, inner)


def _joined(node: ast.expr, inner: Callable[[ast.expr], Any]) -> str:
    """Return the text of an f-string; UnknownError for one that formats, and for anything else."""
    if not isinstance(node, ast.JoinedStr):
        raise UnknownError
    parts = [
        each.value if isinstance(each, ast.FormattedValue) and not each.format_spec else each
        for each in node.values
    ]
    return "".join(str(inner(each)) for each in parts)


def _called(node: ast.Call, inner: Callable[[ast.expr], Any]) -> Any:
    """Return what a function of paths returns, or a method of a path."""
    name, function = name_of(node.func), node.func
    if name in PATHS:
        return PATHS[name](*map(inner, node.args))
    if name in SAME and isinstance(function, ast.Attribute) and not node.args:
        return inner(function.value)
    if name in SAME and len(node.args) == 1:
        return inner(node.args[0])
    raise UnknownError


def _assigned(name: str, tree: ast.Module) -> ast.expr:
    """Return what a module assigns to a name, if it does so once."""
    found = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and name in map(ast.unparse, node.targets)
    ]
    if len(found) != 1:
        raise UnknownError
    return found[0]
