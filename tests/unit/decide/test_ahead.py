"""The bytecode of changed sources is written before the restart, by the process that compiles."""

from __future__ import annotations

import os
import py_compile
import sys
import time
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from support.waiting import decision

from wsgireload.changes import Change, Changes
from wsgireload.decide import compile_sources
from wsgireload.decide.compiler import Compiler
from wsgireload.decide.syntax import Syntax
from wsgireload.decide.verdict import GO, Hold, Verdict
from wsgireload.detect import bytecode
from wsgireload.detect.bytecode import distrust, freshen
from wsgireload.detect.modules import cached

MODES = py_compile.PycInvalidationMode
SECOND = time.time() // 1 - 99.75  # of file times that a test sets: they are not whole seconds


class Deployment:
    """A package of which some modules are loaded; the bytecode of none is there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.compiler = Compiler(dict(os.environ), lambda: 0.0, lambda: self.kept)
        self.gate = Syntax(lambda: None, self.compiler)
        self.kept: dict[str, str] = {}

    def write(self, name: str, text: str, *, is_loaded: bool = True, at: float = SECOND) -> Path:
        path = self.folder / name
        path.write_text(text)
        os.utime(path, (at, at))
        if is_loaded:
            self.kept[str(path)] = cache_from_source(str(path))
        # Its ctime cannot be set: wait until the clock of the files has ticked, which is nothing.
        while time.time_ns() - path.stat().st_ctime_ns < 12_000_000:
            pass
        return path

    def tick(self) -> None:
        """Return once the clock of the files, which ticks seldom, is past this moment."""
        now, probe = time.time_ns(), self.folder / "probe"
        probe.touch()
        while probe.stat().st_ctime_ns <= now:
            probe.unlink()
            probe.touch()

    def verdict(self, *changed: Path) -> Verdict:
        """Check until the gate has decided; then no more process runs."""
        changes = Changes({str(each): Change(b"new", is_python=True) for each in changed})
        try:
            return decision(self.gate, changes)
        finally:
            self.gate.reset()


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """In a process that keeps its bytecode."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return Deployment(tmp_path)


def cache_of(path: Path) -> Path:
    """The bytecode of a source."""
    return Path(cache_from_source(str(path)))


def run(path: Path) -> int:
    """What a new process would run, which may not compile anything."""
    loader = bytecode.__spec__.loader.__class__("app", str(path))
    loader.source_to_code = None
    names: dict[str, int] = {}
    exec(loader.get_code("app"), names)
    return names["answer"]


def test_what_changed_is_compiled(deployment: Deployment) -> None:
    """The new process loads the bytecode of changed sources: no check of ours removes it."""
    path = deployment.write("app.py", "answer = 1\n")
    assert deployment.verdict(path) == GO
    assert freshen([str(path)]) == []
    distrust(str(path), str(cache_of(path)))
    assert run(path) == 1


def test_of_two_texts_of_one_second_the_second(deployment: Deployment) -> None:
    """Bytecode of an earlier text with the same size and second is replaced."""
    path = deployment.write("app.py", "answer = 1\n")
    assert deployment.verdict(path) == GO
    deployment.write("app.py", "answer = 2\n", at=SECOND + 0.5)
    assert run(path) == 1  # the trap is real
    assert deployment.verdict(path) == GO
    distrust(str(path), str(cache_of(path)))
    assert freshen([str(path)]) == []
    assert run(path) == 2


@pytest.mark.parametrize("later", [0.0, 0.5])
def test_a_later_text_makes_it_stale(deployment: Deployment, later: float) -> None:
    """Once the source is written again, even with its time preserved, the bytecode goes."""
    path = deployment.write("app.py", "answer = 1\n")
    assert deployment.verdict(path) == GO
    deployment.write("app.py", "answer = 2\n")
    os.utime(path, (SECOND + later, SECOND + later))
    assert freshen([str(path)]) == []
    assert not cache_of(path).exists()


def test_a_source_that_was_just_written(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a tick of the clock a time does not name a text: that bytecode is not kept."""
    path = deployment.write("app.py", "answer = 1\n")
    text = path.read_bytes()
    sources = {str(path): (text, compile(text, path, "exec"))}
    monkeypatch.setattr(compile_sources, "TICK", 1 << 62)
    compile_sources.write(deployment.kept, 0, sources)
    assert run(path) == 1
    assert freshen([str(path)]) == []
    assert not cache_of(path).exists()


def test_replaced_and_new_ones(deployment: Deployment) -> None:
    """So are loaded modules that a deployment replaced by the same text, and new ones beside."""
    old = deployment.write("old.py", "answer = 1\n")
    deployment.compiler = Compiler(dict(os.environ), lambda: 0.0, lambda: deployment.kept)
    deployment.gate = Syntax(lambda: None, deployment.compiler)
    deployment.tick()
    same, changed = (deployment.write(name, "answer = 2\n") for name in ("same.py", "changed.py"))
    new = deployment.write("new.py", "answer = 3\n", is_loaded=False)
    broken = deployment.write("broken.py", "answer = = 3\n", is_loaded=False)
    assert deployment.verdict(changed) == GO
    assert (run(same), run(changed), run(new)) == (2, 2, 3)
    assert not cache_of(broken).exists()
    assert not cache_of(old).exists()  # Python has had its reason


def test_nothing_is_written_while_a_source_is_at_fault(deployment: Deployment) -> None:
    """The restart is held then, and the next texts are others."""
    good = deployment.write("good.py", "answer = 1\n")
    bad = deployment.write("bad.py", "answer = = 1\n")
    assert isinstance(deployment.verdict(good, bad), Hold)
    assert not cache_of(good).exists()


def test_what_python_keeps_no_bytecode_of(deployment: Deployment) -> None:
    """No bytecode of a WSGI script, nor of a module in another place than Python would use."""
    script = deployment.write("wsgi.py", "answer = 1\n", is_loaded=False)
    module = deployment.write("app.py", "answer = 1\n")
    other = deployment.write("other.py", "answer = 1\n")
    deployment.kept[str(other)] = str(deployment.folder / "elsewhere" / "other.pyc")
    assert deployment.verdict(script, module, other) == GO
    assert cache_of(module).exists()
    assert not cache_of(script).exists()
    assert not cache_of(other).exists()


@pytest.mark.parametrize("mode", list(MODES))
def test_the_kind_stays(deployment: Deployment, mode: MODES) -> None:
    """Bytecode that goes by a hash is replaced by such; what is never compared stays."""
    path = deployment.write("app.py", "answer = 1\n")
    py_compile.compile(str(path), invalidation_mode=mode, doraise=True)
    deployment.write("app.py", "answer = 2\n")
    os.utime(path, (SECOND + 5, SECOND + 5))
    before = cache_of(path).read_bytes()[:8]
    assert deployment.verdict(path) == GO
    assert cache_of(path).read_bytes()[:8] == before
    assert run(path) == (1 if mode is MODES.UNCHECKED_HASH else 2)


def test_a_folder_that_may_not_be_written(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Python could not write, nothing is written; a stale cache there stays distrusted."""
    path = deployment.write("app.py", "answer = 1\n")
    py_compile.compile(str(path), doraise=True)
    text = deployment.write("app.py", "answer = 2\n").read_bytes()
    sources = {str(path): (text, compile(text, path, "exec"))}
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    compile_sources.write(deployment.kept, 0, sources)
    assert run(path) == 1
    assert freshen([str(path)]) == []
    assert not cache_of(path).exists()


@pytest.mark.parametrize("level", [0, 1, 2])
def test_optimised(deployment: Deployment, monkeypatch: pytest.MonkeyPatch, level: int) -> None:
    """The bytecode is of the process's own level of optimisation, and in its own prefix."""
    prefix = str(deployment.folder / "kept")
    monkeypatch.setattr(sys, "pycache_prefix", prefix)
    flags = type("Flags", (), {"optimize": level, "int_max_str_digits": -1})
    monkeypatch.setattr("wsgireload.decide.compiler.sys.flags", flags)
    path = deployment.write("app.py", "answer = 1\n")
    cache = Path(cache_from_source(str(path), optimization=level or ""))
    deployment.kept[str(path)] = str(cache)
    deployment.compiler = Compiler(dict(os.environ), lambda: 0.0, lambda: deployment.kept)
    deployment.gate = Syntax(lambda: None, deployment.compiler)
    assert deployment.verdict(path) == GO
    assert cache.exists()
    assert str(cache).startswith(prefix)


def test_the_loaded_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python keeps bytecode of modules that its own loader has loaded, unless that is off."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert cached()[bytecode.__file__] == cache_from_source(bytecode.__file__)
    assert all(path.endswith(".py") for path in cached())
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert cached() == {}
