"""Watched: what is watched, and which of it differs from what this process loaded."""

from __future__ import annotations

import errno
import importlib.util
import os
import py_compile
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from wsgireload import checksums
from wsgireload.checksums import MISSING, SPECIAL, digest_of
from wsgireload.log import Log
from wsgireload.watched import NOTED_BYTES, Watched, note

BEFORE, AFTER = b"answer = 1\n", b"answer = 2\n"


class Enough(BaseException):
    """What a checkpoint raises that ends a look."""


class Said(Log):
    """Keeps what was said."""

    def __init__(self) -> None:
        super().__init__("app")
        self.lines: list[str] = []

    def say(self, word: str, text: str) -> None:
        self.lines.append(f"{word}: {text}")


class Application:
    """A folder, the modules that were loaded from it, and the imports that were seen."""

    def __init__(self, root: Path, *ignore: str) -> None:
        self.root = root
        self.modules: dict[str, object] = {}
        self.imported: deque[tuple[str, bytes]] = deque()
        self.loaded_after = float("inf")  # every file on disk is older than the load
        self.log = Said()
        self.watched = self.watch(*ignore)

    def watch(self, *ignore: str) -> Watched:
        """A first look is still to come."""
        return Watched(ignore, self.log, self, self, modules=self.modules)  # type: ignore[arg-type]

    def seen(self) -> Iterator[tuple[str, bytes]]:
        """Stands in for the finder that sees imports."""
        while self.imported:
            yield self.imported.popleft()

    def absent(self, module: str) -> float:
        """Stands in for the moments at which a module was known to be absent."""
        return self.loaded_after

    def write(self, name: str, content: bytes = BEFORE) -> str:
        """Write a file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return str(path)

    def load(self, name: str, content: bytes = BEFORE) -> str:
        """Write a module and load it, with its cache."""
        path = self.write(name, content)
        module = ModuleType(name)
        module.__file__ = path
        module.__spec__ = importlib.util.spec_from_file_location(name, path)
        self.modules[name] = module
        py_compile.compile(path, doraise=True)
        return path

    def see(self, name: str, content: bytes = BEFORE) -> str:
        """Load a module whose import is seen."""
        path = self.load(name, content)
        found = note(path)
        assert found is not None
        self.imported.append((path, found))
        return path

    def differs(self) -> dict[str, str]:
        """Look: which files differ, and how."""
        found = self.watched.look()
        assert all(digest_of(path) == digest for path, digest in found.items())
        return {str(Path(path).relative_to(self.root)): self.watched.kind(path) for path in found}


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Application:
    """An application that keeps its bytecode."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return Application(tmp_path)


def test_nothing_differs(app: Application) -> None:
    """What was loaded and did not change since does not differ, however often we look."""
    app.load("a.py")
    app.see("b.py")
    app.watched.track([app.write("c.html")])
    assert app.differs() == app.differs() == {}
    assert len(app.watched) == 3
    assert app.watched.unproven == []


@pytest.mark.parametrize("how", ["load", "see"])
def test_an_edit(app: Application, how: str) -> None:
    """An edited module differs until it is again what was loaded."""
    path = getattr(app, how)("a.py")
    app.differs()
    app.write("a.py", AFTER)
    assert app.differs() == app.differs() == {"a.py": "modified"}
    app.write("a.py", b"answer = 333\n")
    assert app.differs() == {"a.py": "modified"}
    app.write("a.py")
    assert app.differs() == {}
    assert app.watched.is_python(path)


def test_an_edit_before_the_first_look(app: Application) -> None:
    """A module that changed between its import and the first look differs at once."""
    app.see("a.py")
    app.write("a.py", AFTER)
    assert app.differs() == {"a.py": "modified"}
    app.write("a.py")
    assert app.differs() == {}


def test_an_edit_before_we_began(app: Application) -> None:
    """One that was imported before we began and edited since differs too, by its bytecode."""
    app.loaded_after = 0.0
    app.load("a.py")
    app.load("b.py")
    os.utime(app.write("a.py", AFTER), (1, 1))
    assert app.differs() == {"a.py": "modified"}
    assert app.watched.unproven == []


def test_no_evidence_is_no_difference(app: Application) -> None:
    """Where nothing proves what was loaded, what lies there now is taken for it, and noted."""
    app.loaded_after = 0.0
    path = app.load("a.py")
    Path(importlib.util.cache_from_source(path)).unlink()
    assert app.differs() == {}
    assert app.watched.unproven == [path]
    app.write("a.py", AFTER)
    assert app.differs() == {"a.py": "modified"}


def test_a_generated_module(app: Application) -> None:
    """A module that the application writes as it starts, and then imports, does not differ."""
    app.differs()
    app.loaded_after = 0.0
    app.see("seen.py")
    app.load("cached.py")
    assert app.differs() == {}
    assert app.watched.unproven == []


def test_a_module_imported_later(app: Application) -> None:
    """A module that comes later is watched from then on."""
    app.load("a.py")
    app.differs()
    app.load("b.py")
    app.see("c.py")
    assert app.differs() == {}
    app.write("b.py", AFTER)
    app.write("c.py", AFTER)
    assert app.differs() == {"b.py": "modified", "c.py": "modified"}


def test_a_failed_import(app: Application) -> None:
    """A module whose import failed is watched: its repair is a change."""
    path = app.write("a.py", b"raise ValueError\n")
    app.imported.append((path, note(path) or b""))
    assert app.differs() == {}
    app.write("a.py")
    assert app.differs() == {"a.py": "modified"}


def test_loaded_again(app: Application) -> None:
    """A module that the application itself loaded again does not differ from what it runs now."""
    app.see("a.py")
    app.differs()
    app.write("a.py", AFTER)
    assert app.differs() == {"a.py": "modified"}
    app.see("a.py", AFTER)
    assert app.differs() == {}
    app.write("a.py", BEFORE)
    assert app.differs() == {"a.py": "modified"}


def test_deleted_and_back(app: Application) -> None:
    """A file that is gone differs as deleted; back again as it was, not at all."""
    names = ("a.py", "b.html")
    paths = [app.load("a.py"), app.write("b.html")]
    app.watched.track(paths[1:])
    app.differs()
    for path in paths:
        Path(path).unlink()
    assert app.differs() == dict.fromkeys(names, "deleted")
    assert set(app.watched.look().values()) == {MISSING}
    app.write("a.py")
    app.write("b.html", AFTER)
    assert app.differs() == {"b.html": "modified"}
    app.write("b.html")
    assert app.differs() == {}


@pytest.mark.parametrize("tracked", ["templates", "templates/*.html", "templates/**/*.html"])
@pytest.mark.parametrize("others", [(), ("templates/a.html",), ("templates/x.log",)])
def test_a_file_that_appears(app: Application, tracked: str, others: tuple[str, ...]) -> None:
    """A file that is put into a tracked folder or glob appeared, be it the first one there."""
    (app.root / "templates").mkdir()
    for name in others:
        app.write(name)
    app.watched.track([str(app.root / tracked)])
    assert app.differs() == app.differs() == {}
    path = app.write("templates/new.html")
    assert app.differs() == {"templates/new.html": "appeared"}
    Path(path).unlink()
    assert app.differs() == {}


def test_a_file_that_was_awaited(app: Application) -> None:
    """A tracked path that does not exist yet is watched for its appearance."""
    app.watched.track([str(app.root / "no/a.html")])
    assert app.differs() == {}
    app.write("no/a.html")
    assert app.differs() == {"no/a.html": "appeared"}


def test_a_folder_that_is_replaced(app: Application) -> None:
    """A tracked folder that goes and comes back with the same in it does not differ."""
    app.write("templates/a.html")
    app.watched.track([str(app.root / "templates")])
    assert app.differs() == {}
    (app.root / "templates").rename(app.root / "away")
    assert app.differs() == {"templates/a.html": "deleted"}
    (app.root / "away").rename(app.root / "templates")
    assert app.differs() == {}


def test_what_is_tracked_later_is_no_difference(app: Application) -> None:
    """What lies there when it is first tracked is where we start from."""
    app.differs()
    app.write("a.html")
    app.watched.track([str(app.root)])
    assert app.differs() == {}
    app.write("a.html", AFTER)
    assert app.differs() == {"a.html": "modified"}


def test_a_link_that_is_swapped(app: Application) -> None:
    """A module below `current` differs when that leads to another release."""
    for release, content in (("1", BEFORE), ("2", AFTER), ("3", BEFORE)):
        app.write(f"releases/{release}/a.py", content)
    current = app.root / "current"
    current.symlink_to("releases/1")
    app.load("current/a.py")
    told = []
    for release in "123":
        current.unlink()
        current.symlink_to(f"releases/{release}")
        told.append(app.differs())
    assert told == [{}, {"current/a.py": "modified"}, {}]


def test_what_is_ignored(tmp_path: Path) -> None:
    """What is ignored is not watched, however it came to us."""
    app = Application(tmp_path, "vendor", str(tmp_path / "b.py"))
    app.load("vendor/a.py")
    app.see("vendor/c.py")
    app.load("b.py")
    app.watched.track([app.write("vendor/d.html"), str(tmp_path / "vendor")])
    assert app.differs() == {}
    assert len(app.watched) == 0


def test_python_is_what_has_to_compile(app: Application) -> None:
    """Python sources by their suffix, and a WSGI script whatever its suffix."""
    python = [app.load("a.py"), app.write("tracked.PY")]
    script = app.write("site.wsgi")
    module = ModuleType("script")
    module.__file__ = script
    app.modules["_mod_wsgi_0123"] = module
    others = [app.write("b.html"), app.write("c.pyc")]
    app.watched.track([python[1], *others])
    app.differs()
    assert all(map(app.watched.is_python, [*python, script]))
    assert not any(map(app.watched.is_python, others))


def test_what_cannot_be_read_is_said_once(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that cannot be read is told once; it is watched as soon as it can be."""
    path, other = app.load("odd\nname.py"), app.load("b.py")
    real = SimpleNamespace(**vars(os))

    def open_(name: str, flags: int) -> int:
        if name == path:
            raise PermissionError(errno.EACCES, "Permission denied", name)
        return os.open(name, flags)

    real.open = open_
    monkeypatch.setattr(checksums, "os", real)
    assert app.differs() == app.differs() == {}
    assert app.log.lines == [
        f"watching: {path!r} cannot be read and is left out: Permission denied"
    ]
    app.write("b.py", AFTER)
    assert app.differs() == {"b.py": "modified"}
    monkeypatch.undo()
    assert app.differs() == {"b.py": "modified"}
    app.write("odd\nname.py", AFTER)
    assert set(app.watched.look()) == {path, other}


@pytest.mark.parametrize(
    "path", ["/nowhere/a.py", "/srv/\udcff.py", "/dev/null", "/tmp"], ids=ascii
)
def test_a_module_that_lies(app: Application, path: str) -> None:
    """A module whose file is none does not differ, and those after it are watched."""
    liar = ModuleType("liar")
    liar.__file__ = path
    app.modules["liar"] = liar
    app.load("a.py")
    assert app.differs() == {}
    app.write("a.py", AFTER)
    assert app.differs() == {"a.py": "modified"}


def test_one_module_under_many_names(app: Application) -> None:
    """A file that several modules came from is watched once."""
    app.load("a.py")
    app.modules["again"] = app.modules["a.py"]
    app.differs()
    assert len(app.watched) == 1


def test_a_checkpoint_ends_the_look(app: Application) -> None:
    """A look can be ended in the middle."""

    def checkpoint() -> None:
        raise Enough

    app.load("a.py")
    watched = Watched((), app.log, app, app, checkpoint, app.modules)  # type: ignore[arg-type]
    with pytest.raises(Enough):
        watched.look()


def test_noting_an_import(app: Application) -> None:
    """A file is noted as it is; a large one, one that is gone and an impossible one are not."""
    path = app.write("a.py")
    assert note(path) == digest_of(path)
    assert note(app.write("large.py", bytes(NOTED_BYTES + 1))) is None
    assert note("/nowhere/a.py") is None
    assert note("a\0b") is None
    assert note(str(app.root)) == SPECIAL


def test_a_look_that_breaks_off_loses_nothing(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a look had digested before it failed is found by the next one."""
    path = app.load("views")
    app.watched.look()
    Path(path).write_bytes(AFTER)
    with monkeypatch.context() as patch:
        patch.setattr(Watched, "_compare", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            app.watched.look()
    assert set(app.watched.look()) == {path}
