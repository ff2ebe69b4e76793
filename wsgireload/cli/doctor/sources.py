"""The Python sources of an application, read and not run: its modules and what they spell out."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from wsgireload.cli import configuration

MOST = 400  # modules of one application
LARGEST = 1 << 20  # bytes of one source
LIBRARIES = "site-packages", "dist-packages"
PATHS: dict[str, Callable[..., str]] = {
    "join": os.path.join,
    "dirname": os.path.dirname,
    "abspath": os.path.abspath,
}
SAME = "str", "fspath", "realpath", "resolve", "absolute", "Path", "PurePath", "list", "tuple"


class UnknownError(Exception):
    """An expression whose value only running it tells."""


@cache
def parse(path: str) -> ast.Module | SyntaxError | None:
    """Return the code of a file; None if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return ast.parse(file.read(LARGEST), path)
    except SyntaxError as error:
        return error
    except (OSError, ValueError, RecursionError, MemoryError):
        return None


def modules(script: str, folders: Sequence[str]) -> Iterator[str]:
    """Return the script and the modules that it imports, by any import in their code.

    Only those in these folders count, and the settings of Django that the script names.
    """
    queue = [script]
    for path in queue:  # which grows
        yield path
        if isinstance(tree := parse(path), ast.Module) and len(queue) < MOST:
            names = [*_imported(tree, path), *_settings(path, script)]
            found = (file for name in names for file in files(name, folders))
            queue += [each for each in dict.fromkeys(found) if each not in queue]


def own_folders(script: str, folders: Sequence[str]) -> list[str]:
    """Return the folders of an application's own modules."""
    found = [*folders]
    if os.access(script, os.R_OK):
        found.append(configuration.root(script))
        tree = parse(script)
        if isinstance(tree, ast.Module):  # sys.path.insert(0, "/srv/mysite") and the like
            for call in calls(tree, "insert", "append", "addsitedir"):
                try:
                    found.append(str(value(call.args[-1], tree, script)))
                except (UnknownError, IndexError):
                    continue
    own = (each for each in found if not any(library in each for library in LIBRARIES))
    return [each for each in dict.fromkeys(own) if os.path.isabs(each) and os.path.isdir(each)]


def calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    """Return the calls of functions or methods with these names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name_of(node.func) in names:
            yield node


def name_of(node: ast.expr) -> str:
    """Return the last part of a dotted name; "" for another expression."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def binds(tree: ast.Module, name: str) -> bool:
    """Return whether the code assigns, defines or imports a name, or imports all of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name:
            return True
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return True
        if isinstance(node, ast.alias) and (node.asname or node.name) in (name, "*"):
            return True
    return False


def value(node: ast.expr, tree: ast.Module, path: str) -> Any:
    """Return the value of a literal, or of a path made of `__file__`; UnknownError else."""
    try:
        return _value(node, tree, path, 20)
    except (TypeError, ValueError, RecursionError):
        raise UnknownError from None


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
    raise UnknownError


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


def _imported(tree: ast.Module, path: str) -> Iterator[str]:
    """Return the dotted names, absolute, of the modules that code may import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                folder = path
                for _ in range(node.level):
                    folder = os.path.dirname(folder)
                base = f"{folder}{os.sep}{base.replace('.', os.sep)}".rstrip(os.sep)
                yield from (os.path.join(base, alias.name) for alias in node.names)
            else:
                yield from (f"{base}.{alias.name}" for alias in node.names)
            yield base


def _settings(path: str, script: str) -> list[str]:
    if path != script:
        return []
    with open(path, encoding="utf-8", errors="replace") as file:
        found = configuration.SETTINGS.search(file.read())
    return [found[1]] if found else []


def files(name: str, folders: Sequence[str]) -> Iterator[str]:
    """Return the files of a module, and of the packages around it."""
    if os.path.isabs(name):
        yield from filter(os.path.isfile, (f"{name}.py", os.path.join(name, "__init__.py")))
        return
    parts = name.split(".")
    for folder in folders:
        for count in range(1, len(parts) + 1):
            stem = os.path.join(folder, *parts[:count])
            yield from filter(os.path.isfile, (f"{stem}.py", os.path.join(stem, "__init__.py")))
