"""docs/troubleshooting.md explains every line that the code can log."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
PAGE = " ".join((HOUSE / "docs" / "troubleshooting.md").read_text("utf-8").split())
GUESTS = {"cli", "web", "django"}
# The functions that take a text for the log, and the position of that argument.
LOGGED = {"say": 1, "say_once": 1, "trouble": 0, "_trouble": 0, "Hold": 0, "Go": 0, "Wait": 1}
LOGGED |= {"Monitor": 2, "_end": 0, "_auto": 1, "_publish": 0, "RuntimeError": 0, "Judgement": 1}
# The functions that return one.
RETURNED = {"_refusal", "off", "unavailable", "other_reloader", "passed", "vanished", "_named"}
RETURNED |= {"described", "hold_of", "fault_of", "_reason"}
SHORTEST = 8  # characters of a text that is looked for: less is punctuation, or a unit
VALUE = "\0"  # stands for what is known at run time only
Scope = ast.FunctionDef | ast.Module


def functions() -> Iterator[tuple[ast.Module, ast.FunctionDef]]:
    """Each function of the core, with its module."""
    package = HOUSE / "wsgireload"
    for path in sorted(package.rglob("*.py")):
        if path.relative_to(package).parts[0] not in GUESTS:
            module = ast.parse(path.read_text("utf-8"))
            for node in ast.walk(module):
                if isinstance(node, ast.FunctionDef):
                    yield module, node


def logged(module: ast.Module, function: ast.FunctionDef) -> Iterator[str]:
    """The texts that a function logs."""
    scopes = (function, module)
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and function.name in RETURNED and node.value:
            yield from texts(node.value, scopes)
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            place = LOGGED.get(name, len(node.args))
            for argument in node.args[place : place + 1]:
                yield from texts(argument, scopes)


def texts(node: ast.expr, scopes: tuple[Scope, ...], known: tuple[str, ...] = ()) -> Iterator[str]:
    """The literal texts that an expression may come to, `VALUE` for all else in them."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Name) and node.id not in known:
        for value in assigned(node.id, scopes):
            yield from texts(value, scopes, (*known, node.id))
    elif isinstance(node, ast.JoinedStr):
        parts = (each.value if isinstance(each, ast.Constant) else VALUE for each in node.values)
        yield "".join(map(str, parts))
        for each in node.values:
            if isinstance(each, ast.FormattedValue):
                yield from texts(each.value, scopes, known)
    elif isinstance(node, (ast.IfExp, ast.BinOp, ast.BoolOp, ast.Tuple)):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr) and child is not getattr(node, "test", None):
                yield from texts(child, scopes, known)


def assigned(name: str, scopes: tuple[Scope, ...]) -> Iterator[ast.expr]:
    """All that a name is assigned: in the function, and in its module."""
    for scope in scopes:
        body = ast.walk(scope) if isinstance(scope, ast.FunctionDef) else scope.body
        for node in body:
            if isinstance(node, ast.Assign) and name in map(ast.unparse, node.targets):
                yield node.value
            if isinstance(node, ast.AugAssign) and name == ast.unparse(node.target):
                yield node.value


def in_c() -> Iterator[str]:
    """The sentences in the C core: string literals of five words or more.

    Those of module.c are for programmers.
    """
    for path in sorted((HOUSE / "csrc").rglob("*.c")):
        source = re.sub(
            r'"\s*\n\s*"', "", re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL)
        )
        for literal in re.findall(r'"((?:[^"\\\n]|\\.)*)"', source):
            text = re.sub(r"%\w+|\\.", VALUE, literal)
            if len(text.split()) >= 5 and path.name != "module.c":
                yield text


def parts(text: str) -> list[str]:
    """The literal parts of a text that are long enough to be looked for."""
    found = (part.strip(" ;:,./'`") for part in text.split(VALUE))
    return [part for part in found if len(part) >= SHORTEST]


LINES = {
    max(found, key=len)
    for text in [*in_c(), *(text for each in functions() for text in logged(*each))]
    if (found := parts(text))
}


@pytest.mark.parametrize("line", sorted(LINES))
def test_every_line_is_explained(line: str) -> None:
    """The longest part of each text that the code can log stands in the page."""
    assert line in PAGE


def test_the_lines_are_found() -> None:
    """The search finds texts of each kind: of a call, a name, an f-string, a return, and C."""
    for line in (
        "the WSGI script is still being loaded",
        "matches the running code; no restart needed",
        "s is spent; the application itself writes",
        "with the next request",
        "mod_wsgi is here, but this process is not Apache's",
        "this user has no inotify watch left (fs.inotify.max_user_watches)",
    ):
        assert line in LINES
    assert len(LINES) > 60
