"""Watched: what is watched, and which of it differs from what this process loaded."""

from __future__ import annotations

import errno
import importlib.util
import os
import py_compile
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from wsgireload.detect.detector import NOTED_BYTES, Watched, note
from wsgireload.detect.digests import MISSING, SPECIAL, digest_of, marks_plainly
from wsgireload.detect.sweep import PAUSE, ROUND
from wsgireload.detect.tracked import Folders
from wsgireload.log import Log
from wsgireload.server import files as reading

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
    monkeypatch.setattr(reading, "os", real)
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


class Hearing:
    """Stands in for the events of an application, on a clock that we move: what is listened to,
    and which paths are looked at.
    """

    def __init__(self, app: Application, *ignore: str) -> None:
        self.now = 1000.0
        self.lost = False
        self.deaf: set[str] = set()  # folders of which no event tells
        self.files: list[str] = []
        self.folders: list[str] = []
        self.looked: list[str] = []
        self.watched = app.watched = Watched(
            ignore,
            app.log,
            app,  # type: ignore[arg-type]
            app,  # type: ignore[arg-type]
            modules=app.modules,
            marks=self.marks,
            clock=lambda: self.now,
        )
        self.watched.events = self  # type: ignore[assignment]

    def marks(self, paths: Sequence[str]) -> list[int]:
        self.looked += paths
        return marks_plainly(paths)

    def listen(self, path: str) -> bool:
        self.files.append(path)
        return str(Path(path).parent) not in self.deaf

    def listen_in(self, folder: str) -> bool:
        self.folders.append(folder)
        return folder not in self.deaf

    def knows(self, folder: str) -> bool:
        return folder in self.folders or folder in {str(Path(path).parent) for path in self.files}

    def listen_anew(self) -> None:
        self.files.clear()
        self.folders.clear()
        self.lost = False

    def look(self, *stirred: str | Path) -> tuple[set[str], list[str]]:
        """Look where something stirred: what differs, and what was looked at."""
        self.looked.clear()
        return set(self.watched.look(set(map(str, stirred)))), sorted(set(self.looked))


def test_a_look_where_nothing_stirred(app: Application) -> None:
    """Nothing is looked at, once everything was; a module that comes later is looked at once."""
    hearing = Hearing(app)
    paths = [app.load(f"m{number}.py") for number in range(20)]
    assert hearing.look() == (set(), sorted(paths))
    assert hearing.files == paths
    assert hearing.look() == (set(), [])
    later = app.load("later.py")
    assert hearing.look() == (set(), [later])
    assert hearing.look() == (set(), [])


def test_a_look_where_something_stirred(app: Application) -> None:
    """What stirred is looked at, and then what differs, until that is what was loaded."""
    hearing = Hearing(app)
    path, other = app.load("a.py"), app.load("b.py")
    hearing.look()
    assert hearing.look(path) == (set(), [path])
    app.write("a.py", AFTER)
    assert hearing.look(path) == ({path}, [path])
    assert hearing.look() == ({path}, [path])
    assert hearing.look(other) == ({path}, [path, other])
    app.write("a.py")
    assert hearing.look() == (set(), [path])
    assert hearing.look() == (set(), [])


def test_what_stirred_is_read(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file at which something happened is read, though its stat says that nothing did."""
    hearing = Hearing(app)
    path = app.load("a.py")
    monkeypatch.setattr(hearing.watched._checksums, "_marks", lambda paths: [7] * len(paths))
    monkeypatch.setattr(hearing.watched._checksums, "_wall_ns", lambda: 0)  # nothing is young
    hearing.look()
    app.write("a.py", AFTER)
    assert hearing.look()[0] == set()
    assert hearing.look(path)[0] == {path}


def test_a_folder_that_stirred(app: Application) -> None:
    """Where no name was told, all the files of a folder are looked at, and not its neighbours'."""
    hearing = Hearing(app)
    paths = [app.load(name) for name in ("pkg/a.py", "pkg/deep/b.py", "pkg2/c.py", "d.py")]
    hearing.look()
    app.write("pkg/deep/b.py", AFTER)
    assert hearing.watched.concerns(str(app.root / "pkg"))
    assert hearing.look(app.root / "pkg") == ({paths[1]}, paths[:2])


def test_what_concerns_us(app: Application) -> None:
    """Files that are watched, folders that are listened to, and whatever may be tracked."""
    hearing = Hearing(app, "vendor")
    path = app.load("pkg/a.py")
    app.write("templates/a.html")
    app.watched.track([str(app.root / "templates")])
    hearing.look()
    names = ("pkg", "templates", "templates/new.html", "templates/new", "templates/new/a.html")
    for concern in (path, *(str(app.root / name) for name in names)):
        assert app.watched.concerns(concern), concern
    others = ("pkg/b.py", "", "templates2", "templates/a.log", "templates/vendor/a.html")
    for other in others:
        assert not app.watched.concerns(str(app.root / other)), other


def test_what_no_event_tells_of(app: Application) -> None:
    """It is looked at each time; the rest is not."""
    hearing = Hearing(app)
    hearing.deaf = {str(app.root / "net")}
    app.load("a.py")
    polled = [app.load("net/b.py"), app.load("net/c.py")]
    hearing.look()
    assert hearing.look() == (set(), polled)
    app.write("net/c.py", AFTER)
    assert hearing.look() == ({polled[1]}, polled)


def test_a_file_that_becomes_a_link_is_listened_to_again(app: Application) -> None:
    """It leads elsewhere then, where it may have to be polled."""
    hearing = Hearing(app)
    path = app.load("a.py")
    hearing.look()
    hearing.deaf = {str(app.root)}
    hearing.look(path)
    assert hearing.files == [path, path]
    assert hearing.look() == (set(), [path])


def test_a_change_that_no_event_told_of(app: Application) -> None:
    """It is found within a round, of which each look does its share."""
    hearing = Hearing(app)
    paths = [app.load(f"m{number}.py") for number in range(60)]
    hearing.look()
    Path(paths[41]).write_bytes(AFTER)
    looked: list[str] = []
    began = hearing.now
    while not (found := hearing.look())[0]:
        looked += found[1]
        hearing.now += PAUSE
        assert len(found[1]) <= 60 * PAUSE / ROUND + 1
        assert hearing.now - began <= ROUND + PAUSE
    assert found[0] == {paths[41]}
    assert len(looked) == len(set(looked))


def too_many(path: str, flags: int) -> int:
    """What open() says to a process that has all its descriptors in use."""
    raise OSError(errno.EMFILE, "Too many open files", path)


def test_what_cannot_be_read_is_looked_at_until_it_can(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No event tells that a process may open files again; while it may not, that is said once."""
    hearing = Hearing(app)
    paths = [app.load("a.py"), app.load("b.py")]
    hearing.look()
    app.write("a.py", AFTER)
    with monkeypatch.context() as used_up:
        used_up.setattr(reading, "os", SimpleNamespace(**vars(os) | {"open": too_many}))
        assert hearing.look(*paths) == (set(), paths)
        assert hearing.look() == (set(), paths)
    assert hearing.look() == ({paths[0]}, paths)
    assert hearing.look() == ({paths[0]}, [paths[0]])
    assert app.log.lines == ["watching: nothing can be read for now: Too many open files"]


def test_lost_events_are_made_up_for(app: Application) -> None:
    """Once something leads elsewhere all is listened to again, and looked at, whatever stirred."""
    hearing = Hearing(app)
    hearing.deaf = {str(app.root / "pkg")}
    paths = [app.load("a.py"), app.load("pkg/b.py"), app.write("templates/c.html")]
    app.watched.track([str(app.root / "templates")])
    hearing.look()
    hearing.deaf = set()
    app.write("pkg/b.py", AFTER)
    for stirred in ((), (paths[0],)):
        hearing.lost = True
        assert hearing.look(*stirred) == ({paths[1]}, paths)
        assert sorted(hearing.files) == paths
        assert hearing.folders == [str(app.root / "templates")]
        assert not hearing.lost
    app.write("pkg/b.py")
    hearing.look(paths[1])
    assert hearing.look() == (set(), [])  # nothing is polled any more


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that were asked for what they hold."""
    folders: list[str] = []
    real = Folders.listing

    def listing(self: Folders, folder: str) -> object:
        folders.append(folder)
        return real(self, folder)

    monkeypatch.setattr(Folders, "listing", listing)
    return folders


def test_tracked_folders_are_listed_when_something_stirs_there(
    app: Application, listed: list[str]
) -> None:
    """Else once in a round; and when more is tracked."""
    hearing = Hearing(app)
    module, folder = app.load("a.py"), app.root / "templates"
    path = app.write("templates/deep/a.html")
    app.watched.track([str(folder)])
    hearing.look()
    assert listed == hearing.folders == [str(folder), str(folder / "deep")]

    def lists(*stirred: str | Path) -> bool:
        listed.clear()
        hearing.look(*stirred)
        return bool(listed)

    assert not lists()
    assert not lists(module)
    assert not lists(folder / "a.log")
    assert lists(path)
    new = app.write("templates/deep/new.html")
    assert hearing.look(new)[0] == {new}
    Path(new).unlink()
    times = 0
    for _ in range(60):
        hearing.now += 1.0
        times += lists()
    assert times in (1, 2)
    app.watched.track([app.write("more.html")])
    assert lists()
    assert not lists()


def test_a_tracked_folder_of_which_no_event_tells(app: Application, listed: list[str]) -> None:
    """It is listed each time."""
    hearing = Hearing(app)
    hearing.deaf = {str(app.root / "templates")}
    app.write("templates/a.html")
    app.watched.track([str(app.root / "templates")])
    hearing.look()
    new = app.write("templates/new.html")
    assert hearing.look()[0] == {new}


def test_a_tracked_folder_that_is_away_is_listened_for(app: Application) -> None:
    """Also where nothing was in it: what will be in it when it comes back is a change."""
    hearing = Hearing(app)
    folder = app.root / "templates"
    folder.mkdir()
    app.watched.track([str(folder)])
    hearing.look()
    folder.rmdir()
    hearing.lost = True
    hearing.look()
    assert hearing.folders == [str(folder)]
    new = app.write("templates/new.html")
    assert hearing.look(folder)[0] == {new}


def test_a_look_that_breaks_off_looks_everywhere_then(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stirred before a look that failed is looked at by the next one."""
    hearing = Hearing(app)
    paths = [app.load("a.py"), app.load("b.py")]
    app.write("templates/c.html")
    app.watched.track([str(app.root / "templates")])
    hearing.look()
    app.write("b.py", AFTER)
    new = app.write("templates/new.html")
    with monkeypatch.context() as patch:
        patch.setattr(Watched, "_imported", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            hearing.look(paths[1], new)
    assert hearing.look()[0] == {paths[1], new}
