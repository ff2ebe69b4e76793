"""Syntax as a gate: when files are compiled, and for how long a verdict counts."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from support.reloading import NoCompiler
from support.standins import Lines
from support.waiting import decision

from wsgireload.changes import DELETED, Change, Changes
from wsgireload.decide import syntax
from wsgireload.decide.compiler import Compiler, Judgement
from wsgireload.decide.syntax import StaleBytecode, Syntax
from wsgireload.decide.verdict import GO, Hold, Verdict, Wait


class World:
    """A gate, the sources in a folder, and what was compiled."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.gate = Syntax(lambda: self.checkpoints.append(1), NoCompiler())
        self.files: dict[str, Change] = {}
        self.checkpoints: list[int] = []
        self.compiled: list[str] = []
        self.broken: dict[str, bool] = {}  # path -> whether that lasts
        monkeypatch.setattr(syntax, "compiles", self.compiles)

    def compiles(self, path: str) -> tuple[Hold | None, bool]:
        self.compiled.append(path)
        return (Hold(path), self.broken[path]) if path in self.broken else (None, True)

    def edit(self, path: str, kind: str = "modified", *, python: bool = True) -> None:
        """One more file differs, or once more."""
        digest = bytes([len(self.compiled) + len(self.files)])
        self.files = {**self.files, path: Change(digest, kind, is_python=python)}

    def check(self) -> Verdict:
        return self.gate.check(Changes(self.files))

    def verdict(self) -> Verdict:
        """As the reloader has it, which scans once more in between."""
        assert self.check() == Wait(0.0)
        return self.check()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A gate and what it needs."""
    return World(tmp_path, monkeypatch)


def test_good_code(world: World) -> None:
    """Each source is compiled once for a set of changes, and other files are not."""
    for path in ("a.py", "b.py"):
        world.edit(path)
    world.edit("c.html", python=False)
    assert world.verdict() == GO
    assert world.check() == GO
    assert sorted(world.compiled) == ["a.py", "b.py"]
    assert len(world.checkpoints) == 2


@pytest.mark.parametrize("requested", [None, "a reason"])
def test_nothing_to_compile(world: World, requested: str | None) -> None:
    """Where no source differs the restart is not held up by a further scan."""
    world.edit("c.html", python=False)
    assert world.gate.check(Changes(world.files, requested)) == GO
    assert world.gate.check(Changes(requested="a reason")) == GO
    assert world.compiled == []


def test_broken_code_is_compiled_once(world: World) -> None:
    """The hold stays as long as the files do, at no cost; a repair is compiled."""
    world.edit("a.py")
    world.broken = {"a.py": True}
    assert world.verdict() == Hold("a.py")
    assert [world.check() for _ in range(5)] == [Hold("a.py")] * 5
    assert world.compiled == ["a.py"]
    world.broken = {}
    world.edit("a.py")
    assert world.verdict() == GO


def test_nothing_is_held_while_writing_may_go_on(tmp_path: Path) -> None:
    """Half a source need not compile: it is held once no more is expected; good code passes."""
    path, left = tmp_path / "a.py", [0.25]
    gate = Syntax(lambda: None, NoCompiler(), lambda: left[0])
    half = Changes({str(path): Change(b"1", is_python=True)})
    whole = Changes({str(path): Change(b"2", is_python=True)})
    path.write_text("x = (")
    assert [gate.check(half), gate.check(half), gate.check(half)] == [
        Wait(0.0),
        Wait(0.25),
        Wait(0.25),
    ]
    left[0] = 0.0
    assert isinstance(gate.check(half), Hold)
    path.write_text("x = ()")
    left[0] = 0.25
    assert [gate.check(whole), gate.check(whole)] == [Wait(0.0), GO]


def test_a_source_that_is_saved_again_meanwhile(world: World) -> None:
    """Unless writing goes on for ever, the verdict is on the text that is there."""
    world.gate = Syntax(lambda: None, NoCompiler(), is_endless=lambda: False)
    world.edit("a.py")
    assert world.check() == Wait(0.0)
    world.broken = {"a.py": True}
    world.edit("a.py")
    assert world.verdict() == Hold("a.py")
    assert world.compiled == ["a.py", "a.py"]


def test_a_text_alone(world: World) -> None:
    """While more may follow, the compiler has its turn; else nothing is to be waited for."""
    left = [0.25]
    world.gate = Syntax(lambda: None, NoCompiler(), lambda: left[0])
    world.edit("log.txt", python=False)
    assert [world.check(), world.check(), world.check()] == [Wait(0.0), GO, GO]
    world.gate.reset()
    left[0] = 0.0
    assert world.check() == GO
    assert world.compiled == []


def test_the_first_broken_file_is_reported(world: World) -> None:
    """One hold is enough: the files after it are not compiled."""
    for path in ("a.py", "b.py", "c.py"):
        world.edit(path)
    world.broken = {"b.py": True, "c.py": True}
    assert world.verdict() == Hold("b.py")
    assert world.compiled == ["a.py", "b.py"]


def test_a_passing_trouble_is_tried_again(world: World) -> None:
    """What could not be read now may be readable later, without a change."""
    world.edit("a.py")
    world.broken = {"a.py": False}
    assert world.verdict() == Hold("a.py")
    assert world.verdict() == Hold("a.py")
    world.broken = {}
    assert world.verdict() == GO


def test_another_text_beside_it(world: World) -> None:
    """Files that are no sources change no verdict on those that are."""
    world.edit("a.py")
    assert world.check() == Wait(0.0)
    world.edit("log.txt", python=False)
    assert world.check() == GO
    world.edit("log.txt", python=False)
    assert world.check() == GO
    assert world.compiled == ["a.py"]


def test_a_source_that_goes_on_changing(world: World) -> None:
    """It had its time before: the verdict counts once, and then the new text is compiled."""
    world.edit("a.py")
    assert world.check() == Wait(0.0)
    world.edit("a.py")
    assert world.check() == GO
    world.broken = {"a.py": True}
    assert world.verdict() == Hold("a.py")
    assert len(world.compiled) == 2


@pytest.mark.parametrize("is_beside", [True, False])
def test_a_source_that_a_hook_translates(tmp_path: Path, is_beside: bool) -> None:
    """What the application's own import hook accepts holds nothing; all others are compiled."""
    sources = [tmp_path / name for name in ("a.py", "b.py", "c.py")]
    for source in sources:
        source.write_text("@@ = 1\n" if source.name < "c" else "X = 1\n")
    compiler = Compiler(dict(os.environ), time.monotonic) if is_beside else NoCompiler()
    accepted = {str(sources[0]), str(sources[1])}
    gate = Syntax(lambda: None, compiler, by_hook=accepted.__contains__)
    changes = Changes({str(source): Change(b"1", is_python=True) for source in sources})
    assert decision(gate, changes) == GO
    sources[2].write_text("X = = 1\n")
    changes = Changes({str(source): Change(b"2", is_python=True) for source in sources})
    held = decision(gate, changes)
    assert isinstance(held, Hold)
    assert str(sources[2]) in held.reason
    gate.end()


@pytest.mark.parametrize(("text", "ends"), [("x", True), ("@@ = 1\n" + "#" * 200_000, False)])
def test_a_hook_is_not_asked_in_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, ends: bool
) -> None:
    """About a source that may end Python, or stop it for long."""
    source = tmp_path / "a.py"
    source.write_text(text)
    asked: list[str] = []
    compiler = Compiler(dict(os.environ), time.monotonic)
    if ends:
        fault = None, None, None, "compiling it ends Python with exit code -11", True
        monkeypatch.setattr(compiler, "poll", lambda: Judgement(str(source), fault))
    gate = Syntax(lambda: None, compiler, by_hook=lambda path: not asked.append(path))
    changes = Changes({str(source): Change(b"1", is_python=True)})
    assert isinstance(decision(gate, changes), Hold)
    assert asked == []
    gate.end()


def test_a_reset(world: World) -> None:
    """What was undone is compiled again when it comes back."""
    world.edit("a.py")
    assert world.verdict() == GO
    world.gate.reset()
    assert world.verdict() == GO
    assert len(world.compiled) == 2


def test_a_checkpoint_that_raises(world: World) -> None:
    """The check ends there, and is made anew."""

    class Stop(BaseException):
        pass

    def stop() -> None:
        raise Stop

    world.edit("a.py")
    stopped = Syntax(stop, NoCompiler())
    for _ in range(2):
        with pytest.raises(Stop):
            stopped.check(Changes(world.files))
    assert world.compiled == []


def test_code_that_is_missing_with_its_folder(world: World) -> None:
    """Unmounted code holds until it is back, or something else has changed."""
    path = str(world.folder / "package/code.py")
    world.edit(path, DELETED)
    held = world.verdict()
    assert isinstance(held, Hold)
    assert "is gone or empty" in held.reason
    assert world.compiled == []
    assert world.check() == held
    world.edit(str(world.folder / "other.txt"), python=False)
    assert world.verdict() == GO


def test_code_that_is_deleted_alone(world: World) -> None:
    """A deleted module whose folder holds others is a change like others."""
    (world.folder / "other.py").touch()
    world.edit(str(world.folder / "code.py"), DELETED)
    assert world.verdict() == GO


def test_sources_are_freshened() -> None:
    """All changed sources are handed on in one call, and nothing else."""
    calls: list[list[str]] = []

    def freshen(sources: Iterable[str]) -> list[str]:
        calls.append(list(sources))
        return []

    gate, log = StaleBytecode(freshen, Lines()), Lines()
    changes = {"a.py": Change(b"2"), "b.html": Change(b"2"), "c.py": Change(b"", DELETED)}
    assert gate.check(Changes(changes)) == GO
    assert gate.check(Changes(requested="a reason")) == GO
    assert calls == [["a.py", "c.py"], []]
    assert log.lines == []


STALE = (
    "Python would load this bytecode of an earlier text instead of the changed source; "
    "remove it or compile it again: 'a\\n.pyc'"
)


def test_a_cache_that_cannot_be_removed() -> None:
    """It holds, escaped: the new process would run old code, and log that it was reloaded."""
    stale = ["a\n.pyc"]
    gate = StaleBytecode(lambda _: stale, Lines())
    for _ in range(2):
        assert gate.check(Changes({"a.py": Change(b"2")})) == Hold(STALE)
    stale.clear()
    assert gate.check(Changes({"a.py": Change(b"2")})) == GO


def test_a_cache_that_cannot_be_removed_and_a_restart_by_hand() -> None:
    """A restart by hand passes, with one warning."""
    log = Lines()
    gate = StaleBytecode(lambda _: ["a\n.pyc"], log)
    for _ in range(2):
        assert gate.check(Changes({"a.py": Change(b"2")}, "a reason")) == GO
    assert log.lines == [f"holding: {STALE}"]
