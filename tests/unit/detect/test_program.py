"""compare="code": layout leaves a program the same; all else is a change."""

from __future__ import annotations

import io
import os
import random
import tokenize
from pathlib import Path

import pytest

from wsgireload.detect import program
from wsgireload.detect.digest import digest_of
from wsgireload.detect.program import Programs, is_same

LIBRARY = Path(os.__file__).parent
MODULES = ["asyncio/streams", "asyncio/taskgroups", "bdb", "email/message", "enum", "functools"]


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


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("module", MODULES)
def test_real_programs_laid_out_anew(module: str, seed: int) -> None:
    """Comments, blank lines and breaks anywhere are no change."""
    text = (LIBRARY / f"{module}.py").read_text("utf-8")
    other = relaid(text, random.Random(seed))
    assert other.count("\n") > text.count("\n") + 20
    assert is_same(text.encode(), other.encode())
    assert not is_same(text.encode(), f"{other}\nx = 1".encode())


SAME = [  # of many pairs, some Python compiles each to another bytecode
    ("def f(a, b):\n a, b = b, a\n return a", "def f(a, b):\n a, b = (\n  b,\n  a)\n return a"),
    ("def f(a, b):\n return a + b", "def f(a, b):\n return (a\n +\n b)"),
    ("x = a and (b and c) or d", "x = (a\n and (b\n  and c)\n or d)"),
    ("def f(a):\n return [b for b in a]", "def f(a):\n return [\n  b\n  for b\n  in a]"),
    ("class A:\n def f(self):\n  self.a = 1", "\n\nclass A:\n def f(self): self.a = 1"),
    ("class A:\n x: int = 1", "# why\n" * 300 + "class A:\n x: int = 1"),
    ("@a\n@b\nclass A:\n pass", "@a\n\n@b\n\nclass A: pass"),
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
    """Another layout is no change."""
    assert is_same(one.encode(), other.encode())


@pytest.mark.parametrize(("one", "other"), CHANGED)
def test_another_program(one: str, other: str) -> None:
    """What Python does is, however alike the two look."""
    assert not is_same(one.encode(), other.encode())
    assert not is_same(other.encode(), b"\n\n" + one.encode())


SOURCE = '''\
"""A module."""
LIMIT = 10


def double(number):
    """Twice as much."""
    return [n * 2 for n in range(number) if n < LIMIT]
'''


@pytest.fixture
def loaded(tmp_path: Path) -> Path:
    """A module that was loaded."""
    path = tmp_path / "module.py"
    path.write_text(SOURCE)
    return path


@pytest.fixture
def programs(loaded: Path) -> Programs:
    """What is known of it."""
    known = Programs()
    known.remember(str(loaded), digest_of(str(loaded)))
    return known


def same(programs: Programs, path: Path) -> bool:
    """Whether it is the same program now."""
    return programs.same(str(path), digest_of(str(path)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 10", "LIMIT = 10  # at most"),
        ("LIMIT = 10", "\n\n# the limit\nLIMIT   =   10"),
        ("LIMIT = 10", "LIMIT = (\n    10\n)"),
        ("n * 2 for n", "n * 2\n        for n"),
    ],
)
def test_layout_of_a_file(loaded: Path, programs: Programs, old: str, new: str) -> None:
    """Comments, blank lines and layout leave a program the same."""
    loaded.write_text(SOURCE.replace(old, new))
    assert same(programs, loaded)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 10", "LIMIT = 11"),
        ("LIMIT = 10", "LIMIT = 10.0"),
        ("LIMIT = 10", "LIMIT = 10\nMORE = 1"),
        ("Twice as much", "Two times"),
        ("A module", "The module"),
        ("n * 2", "n + 2"),
        ("double(number)", "double(number, /)"),
        ("LIMIT = 10", "LIMIT = (10"),
    ],
)
def test_another_program_in_a_file(loaded: Path, programs: Programs, old: str, new: str) -> None:
    """Values, docstrings, names and what does not compile are changes."""
    loaded.write_text(SOURCE.replace(old, new))
    assert not same(programs, loaded)


def test_a_large_source(loaded: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parsing it would stop the whole application: everything is a change."""
    monkeypatch.setattr(program, "is_same", pytest.fail)
    loaded.write_text(SOURCE + "#" * program.MOST + "\n")
    assert not same(programs, loaded)


def test_a_source_that_changes_meanwhile(loaded: Path) -> None:
    """A text with another digest is neither kept nor compared."""
    programs, digest = Programs(), digest_of(str(loaded))
    loaded.write_text(SOURCE + "# more\n")
    programs.remember(str(loaded), digest)
    assert not same(programs, loaded)
    programs.remember(str(loaded), digest_of(str(loaded)))
    assert not programs.same(str(loaded), digest)
    assert same(programs, loaded)


def test_installed_packages_are_not_kept(tmp_path: Path) -> None:
    """They are many, and nobody edits their comments: there any byte counts."""
    path = tmp_path / "site-packages" / "module.py"
    path.parent.mkdir()
    path.write_text(SOURCE)
    programs = Programs()
    programs.remember(str(path), digest_of(str(path)))
    assert not same(programs, path)


def test_what_was_never_loaded(loaded: Path) -> None:
    """Without knowing what was loaded everything is a change."""
    assert not same(Programs(), loaded)


def test_a_program_is_compared_once_for_each_digest(
    loaded: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a file differs it is scanned again and again; its text is parsed once."""
    loaded.write_text(SOURCE + "# more\n")
    assert same(programs, loaded)
    with monkeypatch.context() as patch:
        patch.setattr(program, "is_same", lambda *_: pytest.fail("it was parsed again"))
        assert same(programs, loaded)
    loaded.write_text(SOURCE + "MORE = 1\n")
    assert not same(programs, loaded)
