"""Compiler: sources are compiled in a process beside this one, as a fresh Python would."""

from __future__ import annotations

import _frozen_importlib_external as bootstrap
import codecs
import gc
import os
import py_compile
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.openfiles import open_files
from support.waiting import decision

from wsgireload.changes import Change, Changes
from wsgireload.decide import compile_sources, compiler, syntax
from wsgireload.decide.compiler import LIMIT, MOST, REPEAT, REST, Compiler
from wsgireload.decide.syntax import MOST_HERE, Syntax, compiles
from wsgireload.decide.verdict import GO, Go, Hold, Verdict, Wait
from wsgireload.server.files import content

ESCAPE = b'DIGITS = "\\d+"\n'  # an invalid escape sequence: a mere warning
READ = "import os\nos.read(0, 1)\nos.lseek(1, 0, os.SEEK_END)\n"  # a program waits for its sources
SOURCES = {
    "plain": b"x = 1\n",
    "empty": b"",
    "latin-1": b"# -*- coding: latin-1 -*-\nx = '\xe4'\n",
    "a long line": b"x = " + b"1 + " * 5_000 + b"\n",
    "syntax": b"x = 1\nif '\xc3\xa4' = = x:\n    pass\n",
    "indentation": b"if True:\nx = 1\n",
    "not utf-8": b"x = '\xe4'\n",
    "a NUL byte": b"x = 1\0\n",
    "nested too deep": b"(" * 10_000 + b")" * 10_000,
    "operators": b"x = " + b"-" * 50_000 + b"1\n",
    "return outside a function": b"\n\nreturn 1\n",
    "digits": b"x = " + b"9" * 5_000 + b"\n",
}


class World:
    """A gate with a compiler; the changed sources lie in a folder."""

    def __init__(self, folder: Path) -> None:
        self.now = 0.0
        self.compiler = Compiler(dict(os.environ), lambda: self.now)
        self.gate = Syntax(lambda: None, self.compiler)
        self.folder = folder
        self.changes = Changes({})

    def write(self, **sources: bytes) -> None:
        """These sources, and no others, have changed."""
        for name, source in sources.items():
            (self.folder / f"{name}.py").write_bytes(source)
        paths = [str(self.folder / f"{name}.py") for name in sources]
        digest = str(sources).encode()
        self.changes = Changes({path: Change(digest, is_python=True) for path in paths})

    def verdict(self, *, begun: bool = False) -> Verdict:
        """Check until the gate has decided."""
        assert begun or self.gate.check(self.changes) == Wait(0.0)
        return decision(self.gate, self.changes, 60.0)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A gate with a compiler."""
    made = World(tmp_path)
    yield made
    made.gate.end()


@pytest.fixture
def beside(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The same, and nothing may be compiled in this process."""
    monkeypatch.setattr(syntax, "compiles", lambda path: pytest.fail(f"{path} compiled here"))
    return world


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_the_hold_is_that_of_this_python(beside: World, source: bytes) -> None:
    """Compiled beside this process the same sources hold, for the same reason and place."""
    beside.write(code=source)
    hold, lasting = compiles(str(beside.folder / "code.py"))
    assert beside.verdict() == (hold or GO)
    again = beside.gate.check(beside.changes)
    assert again == ((hold or GO) if lasting else Wait(0.0))


def test_the_first_that_is_broken_holds(beside: World) -> None:
    """All sources are compiled by one program, and missing ones are skipped."""
    beside.write(a=b"x = 1\n", b=b"", c=b"(\n", d=b")\n")
    (beside.folder / "a.py").unlink()
    verdict = beside.verdict()
    assert isinstance(verdict, Hold)
    assert verdict.place is not None
    assert verdict.place[:3] == (str(beside.folder / "c.py"), 1, 1)


@pytest.mark.parametrize("name", ["a b", "a\nb", "ä", "a\udcff"], ids=ascii)
def test_odd_names(beside: World, name: str) -> None:
    """A path may have any characters."""
    beside.write(**{name: b"(\n"})
    verdict = beside.verdict()
    assert isinstance(verdict, Hold)
    assert verdict.place is not None
    assert verdict.place.path == str(beside.folder / f"{name}.py")


def test_nothing_is_there(beside: World) -> None:
    """Where all sources are missing no program is run."""
    beside.write(a=b"x = 1\n")
    (beside.folder / "a.py").unlink()
    assert beside.verdict() == GO


def test_one_that_cannot_be_read(beside: World) -> None:
    """A source that cannot be read holds, and is tried again."""
    beside.write(a=b"x = 1\n")
    (beside.folder / "a.py").unlink()
    (beside.folder / "a.py").mkdir()
    for _ in range(2):
        verdict = beside.verdict()
        assert isinstance(verdict, Hold)
        assert "a.py: cannot be read: not a regular file" in verdict.reason


@pytest.mark.parametrize("action", ["error", "always"])
def test_the_applications_filters_do_not_count(
    beside: World, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    """A warning holds nothing and is not shown, whatever filters the application has set."""
    shown: list[object] = []
    monkeypatch.setattr(warnings, "showwarning", lambda *given, **_: shown.append(given))
    beside.write(a=ESCAPE)
    with warnings.catch_warnings():
        warnings.simplefilter(action)  # type: ignore[arg-type]
        assert beside.verdict() == GO
    assert shown == []


@pytest.mark.parametrize(
    ("options", "holds"),
    [
        (["error"], True),
        (["default", "error"], True),
        (["error", "ignore"], False),
        (["error::ResourceWarning"], False),
    ],
)
def test_the_servers_filters_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], *, holds: bool
) -> None:
    """-W, PYTHONWARNINGS and WSGIPythonWarnings are those of a new process, too."""
    monkeypatch.setattr(sys, "warnoptions", options)
    world = World(tmp_path)
    world.write(a=ESCAPE)
    verdict = world.verdict()
    assert isinstance(verdict, Hold) == holds
    assert not holds or "invalid escape sequence" in str(verdict)


def test_a_large_source(beside: World) -> None:
    """A megabyte is compiled beside this process; a larger source is not, which is reported."""
    beside.write(a=b"x = 1\n" * 170_000 + b"(\n")
    assert "line 170001" in str(beside.verdict())
    beside.write(a=b"#" * MOST + b"\n(\n", b=b"x = 1\n")
    assert beside.verdict() == Go(
        f"; too large to compile before the restart: {beside.folder / 'a.py'}"
    )


@pytest.mark.parametrize(("size", "holds"), [(20 << 20, False), (2 << 30, True)])
def test_a_huge_source(beside: World, size: int, *, holds: bool) -> None:
    """A large source passes without being read; a file that Python could not load holds."""
    beside.write(a=b"")
    with (beside.folder / "a.py").open("r+b") as file:
        file.truncate(size)
    verdict = beside.verdict()
    assert isinstance(verdict, Hold) == holds
    assert ("larger than" if holds else "too large to compile") in str(verdict)


def test_an_encoding_of_the_applications(world: World) -> None:
    """A source in a codec that only this process knows is compiled here."""

    def search(name: str) -> codecs.CodecInfo | None:
        return codecs.lookup("latin-1") if name == "wsgireload_test" else None

    world.write(a=b"# coding: wsgireload_test\nx = '\xe4'\n")
    codecs.register(search)
    try:
        assert world.verdict() == GO
    finally:
        codecs.unregister(search)
    world.write(a=b"# coding: wsgireload_none\n")
    assert "unknown encoding" in str(world.verdict())


def test_a_compiler_that_crashes(beside: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that crashes Python holds: it would crash the new process too."""
    program = beside.folder / "program"
    program.write_text(f"{READ}os.write(1, b'0\\n1\\n')\nos.abort()\n")
    monkeypatch.setattr(compile_sources, "__file__", str(program))
    world = World(beside.folder)
    world.write(a=b"x = 1\n", b=b"y = 1\n")
    verdict = world.verdict()
    assert isinstance(verdict, Hold)
    path = world.folder / "b.py"
    assert verdict.reason == f"{path}: compiling it ends Python with exit code -6"
    assert world.gate.check(world.changes) == verdict


@pytest.mark.parametrize("keeps_none", [True, False])
def test_bytecode_of_the_program(
    beside: World, monkeypatch: pytest.MonkeyPatch, *, keeps_none: bool
) -> None:
    """It is written where Python lacks it, unless the application's Python keeps none."""
    monkeypatch.setattr(sys, "dont_write_bytecode", keeps_none)
    program = beside.folder / "program.py"
    program.write_bytes(content(compile_sources.__file__))
    monkeypatch.setattr(compile_sources, "__file__", str(program))
    world = World(beside.folder)
    world.write(a=b"x = 1\n")
    assert world.verdict() == GO
    assert (beside.folder / "__pycache__").exists() is not keeps_none


def test_the_program_is_not_compiled_each_time(
    beside: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs by its bytecode where there is some: that takes 2 ms less of each save."""
    program = beside.folder / "program.py"
    program.write_text(f"{READ}os.write(1, b'0\\n')\nos._exit(7)\n")
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(program), invalidation_mode=unchecked)
    program.write_text("raise SystemExit\n")
    monkeypatch.setattr(compile_sources, "__file__", str(program))
    world = World(beside.folder)
    world.write(a=b"x = 1\n")
    assert "compiling it ends Python with exit code 7" in str(world.verdict())


def test_bytecode_alone(beside: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program runs also where wsgireload is installed as bytecode without sources."""
    program = str(beside.folder / "compile_sources.pyc")
    py_compile.compile(compile_sources.__file__, program)
    monkeypatch.setattr(compile_sources, "__file__", program)
    world = World(beside.folder)
    world.write(a=b"x = 1\n")
    assert world.verdict() == GO


def test_a_compiler_that_takes_too_long(beside: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler that takes too long is ended, and runs again for a tenth of the time."""
    program = beside.folder / "program"
    program.write_text(f"{READ}os.write(1, b'0\\n')\nimport time\ntime.sleep(99)\n")
    monkeypatch.setattr(compile_sources, "__file__", str(program))
    world = World(beside.folder)
    world.write(a=b"x = 1\n")
    for _ in range(2):
        assert world.gate.check(world.changes) == Wait(0.0)
        assert world.compiler._exchange is not None
        handle = world.compiler._exchange.fileno()
        while os.fstat(handle).st_size == world.compiler._size:
            pass
        assert isinstance(world.gate.check(world.changes), Wait)
        world.now += LIMIT
        for wait in (0, REPEAT * LIMIT - 1):
            world.now += wait
            assert "takes more than 60 s" in str(world.gate.check(world.changes))
            assert not world.compiler._command.running
        world.now += 1


@pytest.mark.parametrize("program", ["/no/such/python", "/bin/false", "/bin/cat", ""])
def test_no_python_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Without a Python to run, sources are compiled here, unless that would stop this process."""
    monkeypatch.setattr(compiler, "interpreter", lambda: program)
    world = World(tmp_path)
    world.write(a=b"x = 1\n", b=b"(\n")
    assert "b.py, line 1" in str(world.verdict())
    world.write(a=b"x = 1\n", b=b"#" * MOST_HERE + b"\n(\n")
    assert world.verdict() == Go(f"; too large to compile before the restart: {tmp_path / 'b.py'}")


def test_another_python(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python of another version judges nothing."""
    other = World(world.folder)
    monkeypatch.setattr(
        other.compiler._command,
        "arguments",
        [
            *other.compiler._command.arguments[:-1],
            "3.5",
        ],
    )
    other.write(a=b"(\n")
    compiled: list[str] = []

    def here(path: str) -> tuple[None, bool]:
        compiled.append(path)
        return None, True

    monkeypatch.setattr(syntax, "compiles", here)
    assert other.verdict() == GO
    assert compiled == [str(world.folder / "a.py")]


def test_a_reset_ends_it(beside: World) -> None:
    """A reset leaves no process and no open file."""
    gc.collect()
    before = open_files()
    beside.write(a=b"x = 1\n")
    assert beside.gate.check(beside.changes) == Wait(0.0)
    assert beside.compiler._command._running is not None
    process = beside.compiler._command._running[0]
    beside.gate.reset()
    assert process.returncode is not None
    assert open_files() == before
    assert beside.verdict() == GO
    assert open_files() == before


def test_a_process_waits_for_sources(beside: World) -> None:
    """The process is started at the first event, so that it is up when the writing is over."""
    beside.gate.prefetch()
    beside.gate.prefetch()
    assert beside.compiler._command._running is not None
    process = beside.compiler._command._running[0]
    beside.write(a=b"(\n")
    assert beside.gate.check(beside.changes) == Wait(0.0)
    beside.gate.prefetch()
    assert beside.compiler._command._running[0] is process
    assert "a.py, line 1" in str(beside.verdict(begun=True))
    assert process.returncode == 0


def test_a_process_waited_in_vain(beside: World) -> None:
    """If nothing has changed, or nothing that can be compiled, the process ends at once."""
    beside.gate.prefetch()
    assert beside.compiler._command._running is not None
    process = beside.compiler._command._running[0]
    beside.gate.reset()
    assert process.returncode is not None
    beside.now = REST
    beside.gate.prefetch()
    beside.write(a=b"#" * MOST + b"\n(\n")
    assert isinstance(beside.verdict(), Go)
    assert beside.compiler._command._running is None


def test_a_file_is_touched_for_ever(beside: World) -> None:
    """After a process that waited in vain the next one is for a change, or comes after a while."""
    beside.gate.prefetch()
    beside.gate.reset()
    beside.now = REST / 2
    beside.gate.prefetch()
    assert beside.compiler._command._running is None
    beside.write(a=b"(\n")
    assert "a.py, line 1" in str(beside.verdict())


def test_a_process_dies_waiting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then sources are compiled here."""
    monkeypatch.setattr(compiler, "interpreter", lambda: "/bin/false")
    other = World(world.folder)
    other.gate.prefetch()
    assert other.compiler._command._running is not None
    other.compiler._command._running[0].wait()
    other.write(a=b"(\n")
    assert "a.py, line 1" in str(other.verdict())


def test_the_program_imports_nothing_of_ours() -> None:
    """With -I and -S the program finds nothing but the standard library, and needs no more."""
    text = content(compile_sources.__file__).decode()
    assert "import wsgireload" not in text
    assert "from wsgireload" not in text


def test_a_cache_that_is_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytecode of which a full disk takes only the beginning does not stay: it does not load."""
    source, cache = tmp_path / "code.py", tmp_path / "code.pyc"
    source.write_text("x = 1\n")
    monkeypatch.setattr(compile_sources, "cache_from_source", lambda _path: str(cache))
    monkeypatch.setattr(bootstrap, "cache_from_source", lambda _path: str(cache))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)

    def write(path: str, data: bytes, _mode: int) -> None:
        Path(path).write_bytes(data[:20])

    monkeypatch.setattr(bootstrap, "_write_atomic", write)
    compile_sources._write(str(source), str(cache))
    assert not cache.exists()


@pytest.mark.parametrize("is_begun", [False, True])
def test_another_release_of_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_begun: bool
) -> None:
    """Once an upgrade has replaced the program, sources are compiled here: it may answer anything.

    That is so too if it is replaced after it was started, and if it is gone.
    """
    program = tmp_path / "compile_sources.py"
    program.write_bytes(content(compile_sources.__file__))
    monkeypatch.setattr(compile_sources, "__file__", str(program))
    world = World(tmp_path)
    world.write(code=b"x = 1\n")
    if is_begun:
        assert world.gate.check(world.changes) == Wait(0.0)
    program.write_text(f"{READ}os.write(1, b'0\\n')\nraise SystemExit(1)\n")
    assert world.verdict(begun=is_begun) == GO
    program.unlink()
    world.write(code=b"(\n")
    assert "code.py, line 1" in str(world.verdict())
