"""Programs: layout leaves one the same, whatever Python compiles from it; all else is a change."""

from __future__ import annotations

import ast
import io
import os
import random
import tokenize
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import pytest

from wsgireload.detect.program import is_same

LIBRARY = Path(os.__file__).parent
MODULES = ["asyncio/streams", "asyncio/taskgroups", "bdb", "email/message", "enum", "functools"]


def compiled(text: str) -> CodeType:
    """A text as a module."""
    return compile(text, "module.py", "exec", dont_inherit=True)


def relaid(text: str, chance: random.Random) -> str:
    """The same tokens with comments, blank lines and breaks between brackets, at random."""
    lines = text.splitlines(keepends=True)
    inserted: list[tuple[int, int, str]] = []
    brackets = strings = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = tokenize.tok_name[token.type]
        strings += kind.endswith("STRING_START")  # an f-string, whose text is not layout
        if token.type == tokenize.OP and token.string in ")]}":
            brackets -= not strings
        breaks = "\n" if brackets and not strings else ""
        if token.type == tokenize.NEWLINE:
            breaks = chance.choice(["  # why", "\n\n", "\n # why\n\n"])
        ends = token.type in (tokenize.ENDMARKER, tokenize.COMMENT, tokenize.NL)
        if breaks and not ends and chance.random() < 0.3:
            inserted.append((*token.start, breaks))
        if token.type == tokenize.OP and token.string in "([{":
            brackets += not strings
        strings -= kind.endswith("STRING_END")
    for line, column, breaks in reversed(inserted):
        before = lines[line - 1]
        lines[line - 1] = before[:column] + breaks + before[column:]
    return "".join(lines)


def test_relaid_changes_the_layout_alone() -> None:
    """The tests' own tool: its lines differ, its syntax tree does not."""
    text = Path(ast.__file__).read_text("utf-8")
    other = relaid(text, random.Random(1))
    assert other.count("\n") > text.count("\n") + 100
    assert ast.dump(ast.parse(other)) == ast.dump(ast.parse(text))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("module", MODULES)
def test_real_programs_laid_out_anew(module: str, seed: int) -> None:
    """Comments, blank lines and breaks anywhere are no change, nor is what a formatter does."""
    text = (LIBRARY / f"{module}.py").read_text("utf-8")
    other = relaid(text, random.Random(seed))
    assert is_same(compiled(text), compiled(other))
    if seed == 0:
        assert is_same(compiled(other), compiled(ast.unparse(ast.parse(text))))


class Mutation(ast.NodeTransformer):
    """Changes the nth place where a program can be changed, and leaves all positions."""

    def __init__(self, place: int) -> None:
        self.left = place

    def visit(self, node: ast.AST) -> ast.AST:
        """Replace the node whose turn it is."""
        new = self._changed(node)
        if new is not None:
            self.left -= 1
            if self.left < 0:
                self.left = 1_000_000
                return ast.fix_missing_locations(ast.copy_location(new, node))
        return self.generic_visit(node)

    @staticmethod
    def _changed(node: ast.AST) -> ast.AST | None:  # noqa: C901
        match node:
            case ast.Constant(int() | float() as value) if not isinstance(value, bool):
                return ast.Constant(value + 1)
            case ast.Compare(left, [ast.Eq()], right):
                return ast.Compare(left, [ast.NotEq()], right)
            case ast.BoolOp(ast.And(), values):
                return ast.BoolOp(ast.Or(), values)
            case ast.UnaryOp(ast.Not(), operand):
                return operand
            case ast.If(test, body, orelse) if orelse:
                return ast.If(test, orelse, body)
            case ast.Return(value) if value is not None:
                return ast.Expr(value)
            case ast.Expr() | ast.Raise() | ast.Continue():
                return ast.Pass()
            case ast.Break():
                return ast.Continue()
            case ast.BinOp(left, ast.Add(), right):
                return ast.BinOp(right, ast.Add(), left)
            case ast.Try(body, handlers, [], finalbody) if handlers and finalbody:
                return ast.Try(body, [], [], finalbody)
        return None


def raw(code: CodeType) -> Iterator[object]:
    """All that Python executes of a program."""
    yield from (code.co_code, code.co_exceptiontable, code.co_names)
    for each in code.co_consts:
        yield from raw(each) if isinstance(each, CodeType) else [repr(each)]


@pytest.mark.parametrize("module", ["bdb", "enum", "functools"])
def test_changes_of_real_programs(module: str) -> None:
    """Whatever one change brings into the bytecode counts, laid out anew or not."""
    text = (LIBRARY / f"{module}.py").read_text("utf-8")
    before, chance, counted = compiled(text), random.Random(1), 0
    for place in chance.sample(range(200), 20):
        try:
            tree = Mutation(place).visit(ast.parse(text))
            after = compile(tree, "module.py", "exec", dont_inherit=True)
        except (SyntaxError, ValueError):  # `continue` outside of a loop, say
            continue
        if list(raw(before)) != list(raw(after)):
            counted += 1
            assert not is_same(before, after), (place, ast.unparse(tree))
            assert not is_same(before, compiled(ast.unparse(tree)))
    assert counted > 5


SAME = [  # pairs of which some Python compiles each to another bytecode
    ("def f(a, b):\n a, b = b, a\n return a", "def f(a, b):\n a, b = (\n  b,\n  a)\n return a"),
    ("def f(a, b):\n return a + b", "def f(a, b):\n return (a\n +\n b)"),
    ("x = a and (b and c) or d", "x = (a\n and (b\n  and c)\n or d)"),
    ("def f(a):\n return [b for b in a]", "def f(a):\n return [\n  b\n  for b\n  in a]"),
    ("class A:\n def f(self):\n  self.a = 1", "\n\nclass A:\n def f(self): self.a = 1"),
    ("class A:\n x: int = 1", "# why\n" * 300 + "class A:\n x: int = 1"),
    ("@a\n@b\nclass A:\n pass", "@a\n\n@b\n\nclass A: pass"),
    ("def f():\n  '''A.\n\n  B.\n  '''", "def f():\n      '''A.\n\n      B.\n      '''"),
    ("class A:\n  '''A.\n\n  B.\n  '''", "class A:\n      '''A.\n\n      B.\n      '''"),
    ("while True:\n pass", "while (\n True\n):\n\n pass"),
    ("if a:\n pass\nelse:\n pass\nb()", "if a: pass\nelse: pass\nb()"),
    ("for b in a:\n if b:\n  continue\n c()", "for b in a:\n if b: continue\n c()"),
    ("def f():\n try:\n  a()\n finally:\n  b()", "def f():\n try: a()\n\n finally: b()"),
    ("x = a in {'b', 'c', 'd'}", "x = (a in\n {'b', 'c', 'd'})"),
]  # fmt: skip
CHANGED = [
    ("def f(a, b):\n a, b = b, a\n return a", "def f(a, b):\n a, b = a, b\n return a"),
    ("def f(a, b):\n return a and b", "def f(a, b):\n return a or b"),
    ("def f(a):\n if a: b()\n else: c()", "def f(a):\n if not a: b()\n else: c()"),
    ("def f(a):\n if a is None: b()", "def f(a):\n if a is not None: b()"),
    ("def f():\n try: a()\n except E: b()", "def f():\n a()\n try: pass\n except E: b()"),
    ("def f():\n try: a(); c()\n finally: b()", "def f():\n try: a()\n finally: b()\n c()"),
    ("while True:\n pass", "while a:\n pass"),
    ("class A:\n __firstlineno__ = 7", "class A:\n __firstlineno__ = 8"),
    ("class A:\n '''A.'''", "class A:\n '''B.'''"),
    ("def f():\n '''A.\n B.'''", "def f():\n '''A.\n C.'''"),
    ("class A:\n x = '''A.\n  B.'''", "class A:\n x = '''A.\n B.'''"),
    ("x = 0.0", "x = -0.0"),
    ("x = (1, 2)", "x = (1, 2.0)"),
    ("x = a in {1, 2}", "x = a in {1, 2, 3}"),
    ("x = a in {1, 2}", "x = a in {1, True}"),
    ("x = 'a'", "x = b'a'"),
    ("x = 1", "x: int = 1"),
    ("def f(a=1): pass", "def f(a=2): pass"),
    ("def f(a): pass", "def f(b): pass"),
    ("def f(a): pass", "def f(*a): pass"),
    ("def f(): return 1", "def f(): yield 1"),
    ("def f(): return 1", "async def f(): return 1"),
    ("class A:\n def f(self): self.a = 1", "class A:\n def f(self): self.b = 1"),
    ("x = lambda: 1", "x = lambda: 2"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_layout(one: str, other: str) -> None:
    """What Python compiles for lines is no change."""
    assert is_same(compiled(one), compiled(other))


@pytest.mark.parametrize(("one", "other"), CHANGED)
def test_another_program(one: str, other: str) -> None:
    """What Python does is one, however alike the two look."""
    assert not is_same(compiled(one), compiled(other))
    assert not is_same(compiled(other), compiled("\n\n" + one))
