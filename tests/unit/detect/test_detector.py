"""Detector: all watched files, and which of them differ from what this process runs."""

from __future__ import annotations

import errno
import importlib.util
import os
import py_compile
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from support.standins import Lines

from wsgireload.detect import backlog, baseline, digests
from wsgireload.detect.baseline import Baseline
from wsgireload.detect.detector import Detector, Events
from wsgireload.detect.digest import MISSING, dated, digest_of, is_stand_in
from wsgireload.detect.digests import Digests
from wsgireload.detect.folders import Folders
from wsgireload.detect.imports import note
from wsgireload.detect.links import Links
from wsgireload.detect.modules import Modules
from wsgireload.detect.sweep import PAUSE, ROUND
from wsgireload.server import files, native
from wsgireload.settings import Settings
from wsgireload.watch.wakeup import NoEvents

BEFORE, AFTER = b"answer = 1\n", b"answer = 2\n"
MARKS = native.marks


class StopScan(BaseException):
    """Raised by a checkpoint to end a scan."""


class Application:
    """A folder, the modules that were loaded from it, and the imports that were seen.

    Stands in for the import hook, and for the times at which modules are known to be absent.
    """

    def __init__(self, root: Path, *ignore: str) -> None:
        self.root = root
        self.modules: dict[str, object] = {}
        self.imported: deque[tuple[str, bytes]] = deque()
        self.not_found: list[str] = []
        self.loaded_after = float("inf")  # every file on disk is older than the load
        self.log = Lines()
        self.links = Links()
        self.detector = self.make(NoEvents(), ignore=ignore)

    def make(
        self,
        events: Events,
        checkpoint: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        **settings: object,
    ) -> Detector:
        """A detector that has not scanned yet."""
        modules = Modules(self.modules, self.links)
        self.baseline = Baseline(self, self, modules)  # type: ignore[arg-type]
        return Detector(Settings.of(**settings), self.log, events, self.baseline, checkpoint, clock)

    def seen(self) -> Iterator[tuple[str, bytes]]:
        """As `Imports.seen`."""
        while self.imported:
            yield self.imported.popleft()

    def missing(self) -> Iterator[tuple[str, list[str]]]:
        """As `Imports.missing`."""
        while self.not_found:
            yield self.not_found.pop(), [str(self.root)]

    def until(self, module: str) -> float:
        """As `Absence.until`."""
        return self.loaded_after

    def was_there(self, module: str) -> bool:
        """As `Absence.was_there`."""
        return True

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
        """Scan: which files differ, and how."""
        found = self.detector.scan()
        assert all(digest_of(path) == change.digest for path, change in found.items())
        return {str(Path(path).relative_to(self.root)): each.kind for path, each in found.items()}


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Application:
    """An application that keeps its bytecode."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return Application(tmp_path)


def test_nothing_differs(app: Application) -> None:
    """What was loaded and has not changed since does not differ, however often we scan."""
    app.load("a.py")
    app.see("b.py")
    app.detector.track([app.write("c.html")])
    assert app.differs() == app.differs() == {}
    assert len(app.detector) == 3
    assert app.baseline.unproven == []


@pytest.mark.parametrize("how", ["load", "see"])
def test_an_edit(app: Application, how: str) -> None:
    """An edited module differs until it is what was loaded again."""
    path = getattr(app, how)("a.py")
    app.differs()
    app.write("a.py", AFTER)
    assert app.differs() == app.differs() == {"a.py": "modified"}
    app.write("a.py", b"answer = 333\n")
    assert app.differs() == {"a.py": "modified"}
    assert app.detector.scan()[path].is_python
    app.write("a.py")
    assert app.differs() == {}


def test_an_edit_before_the_first_scan(app: Application) -> None:
    """A module that changed between its import and the first scan differs at once."""
    app.see("a.py")
    app.write("a.py", AFTER)
    assert app.differs() == {"a.py": "modified"}
    app.write("a.py")
    assert app.differs() == {}


def test_a_file_of_which_time_and_size_were_seen(app: Application) -> None:
    """It does not differ while it has them, and later not for a touch; it does if edited."""
    for name in ("same.py", "edited.py", "gone.py"):
        path = Path(app.load(name))
        app.imported.append((str(path), dated(path.stat())))
    app.write("edited.py", b"answer = 333\n")
    (app.root / "gone.py").unlink()
    assert app.differs() == {"edited.py": "modified", "gone.py": "deleted"}
    os.utime(app.root / "same.py", (1, 1))
    assert app.differs() == {"edited.py": "modified", "gone.py": "deleted"}
    app.write("same.py", AFTER)
    assert "same.py" in app.differs()


def test_an_edit_before_the_start(app: Application) -> None:
    """A module that was imported before start() and edited since differs too, by its bytecode."""
    app.loaded_after = 0.0
    app.load("a.py")
    app.load("b.py")
    os.utime(app.write("a.py", AFTER), (1, 1))
    assert app.differs() == {"a.py": "modified"}
    assert app.baseline.unproven == []


def test_no_evidence_is_no_difference(app: Application) -> None:
    """Without evidence the file on disk is taken to be what was loaded, and is listed."""
    app.loaded_after = 0.0
    path = app.load("a.py")
    Path(importlib.util.cache_from_source(path)).unlink()
    assert app.differs() == {}
    assert app.baseline.unproven == [path]
    app.write("a.py", AFTER)
    assert app.differs() == {"a.py": "modified"}


def test_a_generated_module(app: Application) -> None:
    """A module that the application writes as it starts, and then imports, does not differ."""
    app.differs()
    app.loaded_after = 0.0
    app.see("seen.py")
    app.load("cached.py")
    assert app.differs() == {}
    assert app.baseline.unproven == []


@pytest.mark.parametrize("head", [b"SQLite format 3\0", b"\xcf\x9a\x57\x13", b"\xce\x9a\x57\x13"])
def test_a_database_of_any_name(app: Application, head: bytes) -> None:
    """One in a tracked folder does not differ when it is written, appears or goes."""
    app.write("data/service.storage", head + b"1")
    app.detector.track([str(app.root / "data")])
    assert app.differs() == {}
    app.write("data/service.storage", head + b"22")
    app.write("data/db", head + b"1")
    assert app.differs() == {}
    (app.root / "data/db").unlink()
    assert app.differs() == {}
    app.write("data/page.html", b"<p>" + head)
    assert app.differs() == {"data/page.html": "appeared"}


@pytest.mark.parametrize("tracked", ["data/geo", "data/g*"])
def test_a_database_that_is_named(app: Application, tracked: str) -> None:
    """One that a tracked path or glob names counts, as any litter that is named."""
    app.write("data/geo", b"SQLite format 3\0")
    app.detector.track([str(app.root / "data"), str(app.root / tracked)])
    app.differs()
    app.write("data/geo", b"SQLite format 3\0more")
    assert app.differs() == {"data/geo": "modified"}


def test_a_large_library(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large library of a module is not read in the first scan; later a touch is no change."""
    monkeypatch.setattr(digests, "LARGE", 99)
    monkeypatch.setattr(backlog, "FIRST", 0.0)
    monkeypatch.setattr(backlog, "SLICE", 0.0)
    monkeypatch.setattr(backlog, "REST", 0)
    paths = [app.write("large.so", b"x" * 100), app.write("small.so", b"x")]
    for path in paths:
        app.modules[path] = module = ModuleType(path)
        module.__file__ = path
    assert app.differs() == {}
    large, small = map(app.detector._digests.get, paths)
    assert is_stand_in(large or b"")
    assert small == digest_of(paths[1])
    monkeypatch.setattr(backlog, "SLICE", 60.0)
    assert app.differs() == {}
    assert app.detector._digests.get(paths[0]) == digest_of(paths[0])
    os.utime(paths[0], (0, 0))
    assert app.differs() == {}
    app.write("large.so", b"y" * 100)
    assert app.differs() == {"large.so": "modified"}


def test_a_module_imported_later(app: Application) -> None:
    """A module that is imported later is watched from then on."""
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
    """A module that the application has reloaded itself is compared with the new version."""
    app.see("a.py")
    app.differs()
    app.write("a.py", AFTER)
    assert app.differs() == {"a.py": "modified"}
    app.see("a.py", AFTER)
    assert app.differs() == {}
    app.write("a.py", BEFORE)
    assert app.differs() == {"a.py": "modified"}


def test_deleted_and_back(app: Application) -> None:
    """A missing file differs as deleted; once it is back as it was, it does not differ."""
    names = ("a.py", "b.html")
    paths = [app.load("a.py"), app.write("b.html")]
    app.detector.track(paths[1:])
    app.differs()
    for path in paths:
        Path(path).unlink()
    assert app.differs() == dict.fromkeys(names, "deleted")
    assert {change.digest for change in app.detector.scan().values()} == {MISSING}
    app.write("a.py")
    app.write("b.html", AFTER)
    assert app.differs() == {"b.html": "modified"}
    app.write("b.html")
    assert app.differs() == {}


@pytest.mark.parametrize("tracked", ["templates", "templates/*.html", "templates/**/*.html"])
@pytest.mark.parametrize("others", [(), ("templates/a.html",), ("templates/x.log",)])
def test_a_file_that_appears(app: Application, tracked: str, others: tuple[str, ...]) -> None:
    """A new file in a tracked folder or glob has appeared, even if it is the first one there."""
    (app.root / "templates").mkdir()
    for name in others:
        app.write(name)
    app.detector.track([str(app.root / tracked)])
    assert app.differs() == app.differs() == {}
    path = app.write("templates/new.html")
    assert app.differs() == {"templates/new.html": "appeared"}
    Path(path).unlink()
    assert app.differs() == {}


def test_a_tracked_file_that_does_not_exist_yet(app: Application) -> None:
    """A tracked path without a file is watched for its appearance."""
    app.detector.track([str(app.root / "no/a.html")])
    assert app.differs() == {}
    app.write("no/a.html")
    assert app.differs() == {"no/a.html": "appeared"}


def test_a_folder_that_appears_during_a_scan(app: Application, tmp_path: Path) -> None:
    """A tracked folder that appears during a scan is no change: its files are, in the next one."""
    ready, folder = tmp_path / "ready", tmp_path / "in"
    ready.mkdir()
    (ready / "a.html").touch()

    def rename() -> None:
        if ready.exists() and may_appear:
            ready.rename(folder)

    may_appear = False
    detector = app.make(NoEvents(), rename, track=folder)
    assert detector.scan() == {}
    may_appear = True
    assert detector.scan() == {}
    assert folder.is_dir()
    assert list(detector.scan()) == [str(folder / "a.html")]


def test_a_folder_that_is_replaced(app: Application) -> None:
    """A tracked folder that is moved away and back does not differ."""
    app.write("templates/a.html")
    app.detector.track([str(app.root / "templates")])
    assert app.differs() == {}
    (app.root / "templates").rename(app.root / "away")
    assert app.differs() == {"templates/a.html": "deleted"}
    (app.root / "away").rename(app.root / "templates")
    assert app.differs() == {}


def test_what_is_tracked_later_is_no_difference(app: Application) -> None:
    """The files there when a path is first tracked are the baseline."""
    app.differs()
    app.write("a.html")
    app.detector.track([str(app.root)])
    assert app.differs() == {}
    app.write("a.html", AFTER)
    assert app.differs() == {"a.html": "modified"}


def test_a_link_that_is_swapped(app: Application) -> None:
    """A module below `current` differs when that link points to another release."""
    for release, content in (("1", BEFORE), ("2", AFTER), ("3", BEFORE)):
        app.write(f"releases/{release}/a.py", content)
    current = app.root / "current"
    current.symlink_to("releases/1")
    app.load("current/a.py")
    found = []
    for release in "123":
        current.unlink()
        current.symlink_to(f"releases/{release}")
        found.append(app.differs())
    assert found == [{}, {"current/a.py": "modified"}, {}]


def test_what_is_ignored(tmp_path: Path) -> None:
    """Ignored files are not watched, whether imported or tracked."""
    app = Application(tmp_path, "vendor", str(tmp_path / "b.py"))
    app.load("vendor/a.py")
    app.see("vendor/c.py")
    app.load("b.py")
    app.detector.track([app.write("vendor/d.html"), str(tmp_path / "vendor")])
    assert app.differs() == {}
    assert len(app.detector) == 0


def test_python_is_what_has_to_compile(app: Application) -> None:
    """Python sources by their suffix, and a WSGI script whatever its suffix."""
    python = [app.load("a.py"), app.write("tracked.PY")]
    script = app.write("site.wsgi")
    module = ModuleType("script")
    module.__file__ = script
    app.modules["_mod_wsgi_0123"] = module
    others = [app.write("b.html"), app.write("c.pyc")]
    app.detector.track([python[1], *others])
    app.differs()
    for path in (*python, script, *others):
        Path(path).write_bytes(AFTER)
    found = app.detector.scan()
    assert all(found[path].is_python for path in (*python, script))
    assert not any(found[path].is_python for path in others)


def test_unfinished_is_python_that_is_missing_or_empty(app: Application) -> None:
    """As in the middle of a save; an empty template is as good as any other."""
    paths = [app.load("a.py"), app.load("b.py"), app.load("c.py"), app.write("d.html")]
    app.detector.track(paths[3:])
    app.detector.scan()
    Path(paths[0]).unlink()
    for path, content in zip(paths[1:], (b"", AFTER, b""), strict=True):
        Path(path).write_bytes(content)
    found = app.detector.scan()
    assert [found[path].unfinished for path in paths] == [True, True, False, False]


def test_unfinished_is_also_a_native_module(app: Application) -> None:
    """Linkers empty or delete it before they write it."""
    paths = [app.load("e.so"), app.load("f.so")]
    app.detector.scan()
    Path(paths[0]).unlink()
    Path(paths[1]).write_bytes(b"")
    assert [each.unfinished for each in app.detector.scan().values()] == [True, True]


def test_what_was_noted_is_compared_at_once(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a second of a scan files are put off. One whose digest is known by then is not.

    Else each process would be replaced at once: a file that was not read matches no digest.
    """
    folder = app.root / "site-packages"
    app.write("site-packages/a.pth")
    monkeypatch.setattr(sys, "path", [str(folder)])
    monkeypatch.setitem(Digests.scan.__kwdefaults__, "eager", -1.0)
    monkeypatch.setattr(backlog, "FIRST", 0.0)
    app.detector = app.make(NoEvents(), track=[str(folder / "*.pth"), app.write("a.html")])
    app.see("a.so")
    assert app.detector.scan() == {}
    library = app.see("b.so")
    Path(library).write_bytes(AFTER)
    assert app.differs() == {"b.so": "modified"}


def test_a_slice_for_each_scan(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan without new files reads what was put off once."""
    app.load("a.py", BEFORE)
    app.detector.scan()
    slices, work = list[object](), backlog.Backlog.work
    monkeypatch.setattr(backlog.Backlog, "work", lambda self: slices.append(self) or work(self))
    app.detector.scan()
    assert len(slices) == 1


def test_what_is_code(app: Application) -> None:
    """All files of modules are, whenever imported, and tracked sources; other tracked files not."""
    paths = [app.load("a.py"), app.load("b.so"), app.see("e.so"), app.write("c.py")]
    paths.append(app.write("d.html"))
    app.detector.track(paths[3:])
    app.detector.scan()
    for path in paths:
        Path(path).write_bytes(AFTER)
    found = app.detector.scan()
    assert [found[path].is_code for path in paths] == [True, True, True, True, False]


def test_a_trigger(app: Application) -> None:
    """With a trigger nothing differs until it does; then everything counts. It is tracked."""
    path, trigger = app.load("a.py"), app.write("deployed")
    app.detector = app.make(NoEvents(), trigger=trigger)
    app.differs()
    app.write("a.py", AFTER)
    assert app.differs() == {}
    assert list(app.detector.scan(requested=True)) == [path]  # by hand: what it would load counts
    assert app.differs() == {}
    app.write("deployed", AFTER)
    assert app.differs() == {"a.py": "modified", "deployed": "modified"}
    app.write("deployed")
    assert app.differs() == {}
    assert app.detector.paths() == [path, trigger]


@pytest.mark.parametrize("compare", ["bytes", "code"])
def test_what_is_compared(app: Application, compare: str) -> None:
    """A comment in a module is a change of its bytes, and none of its code; templates have none."""
    app.load("a.py")
    app.detector = app.make(NoEvents(), compare=compare, track=app.write("b.html"))
    app.differs()
    app.write("a.py", BEFORE + b"# more\n")
    assert app.differs() == ({"a.py": "modified"} if compare == "bytes" else {})
    app.write("a.py", AFTER)
    app.write("b.html", BEFORE + b"# more\n")
    assert app.differs() == {"a.py": "modified", "b.html": "modified"}
    (app.root / "a.py").unlink()
    assert app.differs() == {"a.py": "deleted", "b.html": "modified"}


def test_importing(app: Application) -> None:
    """While imports are seen, or new modules come, more may follow."""
    app.load("a.py")
    assert app.detector.importing
    found = []
    nothing = lambda: ""  # noqa: E731
    reload, load = lambda: app.see("a.py"), lambda: app.load("b.py")
    for step in (nothing, nothing, reload, nothing, load, nothing):
        step()
        app.detector.scan()
        found.append(app.detector.importing)
    assert found == [True, False, True, False, True, False]


def test_what_cannot_be_read_is_logged_once(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that cannot be read is logged once; it is watched as soon as it can be read."""
    path, other = app.load("odd\nname.py"), app.load("b.py")
    real = SimpleNamespace(**vars(os))

    def open_(name: str, flags: int) -> int:
        if name == path:
            raise PermissionError(errno.EACCES, "Permission denied", name)
        return os.open(name, flags)

    real.open = open_
    monkeypatch.setattr(files, "os", real)
    assert app.differs() == app.differs() == {}
    assert app.log.lines == [
        f"watching: cannot read {path!r}: Permission denied; assuming that it has not changed"
    ]
    app.write("b.py", AFTER)
    assert app.differs() == {"b.py": "modified"}
    monkeypatch.undo()
    assert app.differs() == {"b.py": "modified"}
    app.write("odd\nname.py", AFTER)
    assert set(app.detector.scan()) == {path, other}


@pytest.mark.parametrize(
    "path", ["/nowhere/a.py", "/srv/\udcff.py", "/dev/null", "/tmp"], ids=ascii
)
def test_a_module_that_lies(app: Application, path: str) -> None:
    """A module with a false `__file__` does not differ, and those after it are watched."""
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
    assert len(app.detector) == 1


def test_a_checkpoint_ends_the_scan(app: Application) -> None:
    """A scan can be ended in the middle."""

    def checkpoint() -> None:
        raise StopScan

    app.load("a.py")
    with pytest.raises(StopScan):
        app.make(NoEvents(), checkpoint).scan()


def test_a_checkpoint_ends_the_search_for_evidence(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two modules: the evidence of a few hundred takes seconds on a busy machine."""
    examined: list[str] = []

    def checkpoint() -> None:
        if examined:
            raise StopScan

    for number in range(10):
        app.load(f"a{number}.py")
    monkeypatch.setattr(baseline, "still_on_disk", lambda source, _: examined.append(source.path))
    with pytest.raises(StopScan):
        app.make(NoEvents(), checkpoint).scan()
    assert len(examined) == 1


def test_a_scan_that_breaks_off_loses_nothing(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a scan had digested before it failed is found by the next one."""
    path = app.load("views")
    app.detector.scan()
    Path(path).write_bytes(AFTER)
    with monkeypatch.context() as patch:
        patch.setattr(Detector, "_compare", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            app.detector.scan()
    assert set(app.detector.scan()) == {path}


class Heard:
    """Stands in for the events of an application, on a clock that the test sets; keeps what is
    registered, and which paths are scanned.
    """

    def __init__(self, app: Application, patch: pytest.MonkeyPatch, *ignore: str) -> None:
        self.now = 1000.0
        self.lost = False
        self.hears = True
        self.polled: set[str] = set()  # folders without events
        self.files: list[str] = []
        self.folders: list[str] = []
        self.scanned: list[str] = []
        patch.setattr(native, "marks", self.marks)
        self.detector = app.detector = app.make(self, clock=lambda: self.now, ignore=ignore)

    def marks(self, paths: Sequence[str]) -> Sequence[int]:
        self.scanned += paths
        return MARKS(paths)

    def listen(self, path: str) -> bool:
        self.files.append(path)
        return str(Path(path).parent) not in self.polled

    def listen_in(self, folder: str) -> bool:
        self.folders.append(folder)
        return folder not in self.polled

    def knows(self, folder: str) -> bool:
        return folder in self.folders or folder in {str(Path(path).parent) for path in self.files}

    def listen_for_requests(self) -> None:
        self.hears = True

    def listen_anew(self) -> None:
        self.files.clear()
        self.folders.clear()
        self.lost = self.hears = False

    def scan(self, *paths: str | Path) -> tuple[set[str], list[str]]:
        """Scan after events at these paths: what differs, and what was scanned."""
        self.scanned.clear()
        return set(self.detector.scan(set(map(str, paths)))), sorted(set(self.scanned))


@pytest.fixture
def heard(app: Application, monkeypatch: pytest.MonkeyPatch) -> Heard:
    """The events of the application."""
    return Heard(app, monkeypatch)


def test_a_scan_without_events(app: Application, heard: Heard) -> None:
    """Nothing is scanned a second time; a module that is imported later is scanned once."""
    paths = [app.load(f"m{number}.py") for number in range(20)]
    assert heard.scan() == (set(), sorted(paths))
    assert heard.files == paths
    assert heard.scan() == (set(), [])
    later = app.load("later.py")
    assert heard.scan() == (set(), [later])
    assert heard.scan() == (set(), [])


def test_a_scan_after_events(app: Application, heard: Heard) -> None:
    """What events named is scanned, and then what differs, until that is what was loaded."""
    path, other = app.load("a.py"), app.load("b.py")
    heard.scan()
    assert heard.scan(path) == (set(), [path])
    app.write("a.py", AFTER)
    assert heard.scan(path) == ({path}, [path])
    assert heard.scan() == ({path}, [path])
    assert heard.scan(other) == ({path}, [path, other])
    app.write("a.py")
    assert heard.scan() == (set(), [path])
    assert heard.scan() == (set(), [])


def test_what_events_named_is_read(
    app: Application, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that an event named is read, even if its stat has not changed."""
    path = app.load("a.py")
    monkeypatch.setattr(native, "marks", lambda paths: [7] * len(paths))
    monkeypatch.setattr(heard.detector._digests, "_wall_ns", lambda: 0)  # nothing is young
    heard.scan()
    app.write("a.py", AFTER)
    assert heard.scan()[0] == set()
    assert heard.scan(path)[0] == {path}


def test_an_event_of_a_folder(app: Application, heard: Heard) -> None:
    """An event without a name has all files below its folder scanned, and no others."""
    paths = [app.load(name) for name in ("pkg/a.py", "pkg/deep/b.py", "pkg2/c.py", "d.py")]
    heard.scan()
    app.write("pkg/deep/b.py", AFTER)
    assert heard.detector.is_watched(str(app.root / "pkg"))
    assert heard.scan(app.root / "pkg") == ({paths[1]}, paths[:2])


def test_what_is_watched(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """Watched files, folders registered for events, and whatever may be tracked."""
    heard = Heard(app, monkeypatch, "vendor")
    path = app.load("pkg/a.py")
    app.write("templates/a.html")
    app.detector.track([str(app.root / "templates")])
    heard.scan()
    names = ("pkg", "templates", "templates/new.html", "templates/new", "templates/new/a.html")
    for concern in (path, *(str(app.root / name) for name in names)):
        assert app.detector.is_watched(concern), concern
    others = ("pkg/b.py", "", "templates2", "templates/a.log", "templates/vendor/a.html")
    for other in others:
        assert not app.detector.is_watched(str(app.root / other)), other


def test_polled_files(app: Application, heard: Heard) -> None:
    """Files without events are scanned each time; the others are not."""
    heard.polled = {str(app.root / "net")}
    app.load("a.py")
    polled = [app.load("net/b.py"), app.load("net/c.py")]
    heard.scan()
    assert heard.scan() == (set(), polled)
    app.write("net/c.py", AFTER)
    assert heard.scan() == ({polled[1]}, polled)


@pytest.mark.parametrize("polled", ["file", "folder", "requests", "nothing"])
def test_a_calm(
    app: Application, heard: Heard, monkeypatch: pytest.MonkeyPatch, polled: str
) -> None:
    """There is none while modules are imported, or while anything causes no event."""
    if polled == "requests":
        heard.hears = False
        monkeypatch.setattr(heard, "listen_for_requests", lambda: None)
    heard.polled = {str(app.root / "net")} if polled in {"file", "folder"} else set()
    (app.root / "net").mkdir()
    heard.detector.track([str(app.root / "net")] if polled == "folder" else [])
    app.load("net/a.py" if polled == "file" else "a.py")
    heard.detector.scan()
    assert not heard.detector.is_calm
    heard.scan()
    assert heard.detector.is_calm == (polled == "nothing")
    heard.lost = True
    assert not heard.detector.is_calm


def test_requests_that_are_not_heard(app: Application, heard: Heard) -> None:
    """Their folder may come later: it is tried again with each round of the sweep."""
    heard.hears = False
    heard.detector.scan()
    assert heard.hears
    heard.hears = False
    heard.scan()
    assert not heard.hears
    heard.now += ROUND
    heard.scan()
    assert heard.hears
    heard.lost = True
    heard.scan()
    assert heard.hears


def test_a_file_that_becomes_a_link_is_registered_again(app: Application, heard: Heard) -> None:
    """It leads elsewhere then, and may have to be polled there."""
    path = app.load("a.py")
    heard.scan()
    heard.polled = {str(app.root)}
    heard.scan(path)
    assert heard.files == [path, path]
    assert heard.scan() == (set(), [path])


def test_a_change_without_an_event(app: Application, heard: Heard) -> None:
    """A change without an event is found within a round, of which each scan does its share."""
    paths = [app.load(f"m{number}.py") for number in range(60)]
    heard.scan()
    Path(paths[41]).write_bytes(AFTER)
    scanned: list[str] = []
    began = heard.now
    while not (found := heard.scan())[0]:
        scanned += found[1]
        heard.now += PAUSE
        assert len(found[1]) <= 60 * PAUSE / ROUND + 1
        assert heard.now - began <= ROUND + PAUSE
    assert found[0] == {paths[41]}
    assert len(scanned) == len(set(scanned))


def too_many(path: str, flags: int) -> int:
    """As open() fails in a process that has no descriptor left."""
    raise OSError(errno.EMFILE, "Too many open files", path)


def test_what_cannot_be_read_is_scanned_until_it_can(
    app: Application, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without descriptors a file is scanned until it can be read; that is logged once."""
    paths = [app.load("a.py"), app.load("b.py")]
    heard.scan()
    app.write("a.py", AFTER)
    with monkeypatch.context() as used_up:
        used_up.setattr(files, "os", SimpleNamespace(**vars(os) | {"open": too_many}))
        assert heard.scan(*paths) == (set(), paths)
        assert heard.scan() == (set(), paths)
    assert heard.scan() == ({paths[0]}, paths)
    assert heard.scan() == ({paths[0]}, [paths[0]])
    assert app.log.lines == ["watching: cannot open any file: Too many open files; retrying"]


def test_lost_events(app: Application, heard: Heard) -> None:
    """After lost events everything is registered again and scanned, whatever the events named."""
    heard.polled = {str(app.root / "pkg")}
    paths = [app.load("a.py"), app.load("pkg/b.py"), app.write("templates/c.html")]
    app.detector.track([str(app.root / "templates")])
    heard.scan()
    heard.polled = set()
    app.write("pkg/b.py", AFTER)
    for named in ((), (paths[0],)):
        heard.lost = True
        assert heard.scan(*named) == ({paths[1]}, paths)
        assert sorted(heard.files) == paths
        assert heard.folders == [str(app.root / "templates")]
        assert not heard.lost
    app.write("pkg/b.py")
    heard.scan(paths[1])
    assert heard.scan() == (set(), [])  # nothing is polled any more


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that were listed."""
    folders: list[str] = []
    real = Folders.listing

    def listing(self: Folders, folder: str) -> object:
        folders.append(folder)
        return real(self, folder)

    monkeypatch.setattr(Folders, "listing", listing)
    return folders


def test_tracked_folders_are_listed_after_events_there(
    app: Application, heard: Heard, listed: list[str]
) -> None:
    """A tracked folder is listed after events there, once in a round, and when more is tracked."""
    module, folder = app.load("a.py"), app.root / "templates"
    path = app.write("templates/deep/a.html")
    app.detector.track([str(folder)])
    heard.scan()
    assert listed == heard.folders == [str(folder), str(folder / "deep")]

    def lists(*named: str | Path) -> bool:
        listed.clear()
        heard.scan(*named)
        return bool(listed)

    assert not lists()
    assert not lists(module)
    assert not lists(folder / "a.log")
    assert lists(path)
    new = app.write("templates/deep/new.html")
    assert heard.scan(new)[0] == {new}
    Path(new).unlink()
    times = 0
    for _ in range(60):
        heard.now += 1.0
        times += lists()
    assert times in (1, 2)
    app.detector.track([app.write("more.html")])
    assert lists()
    assert not lists()


def test_a_loaded_module_is_no_litter(app: Application) -> None:
    """A module is watched wherever it was loaded from, also in a tracked folder."""
    names = ["venv/lib/site-packages/a.py", "node_modules/b.py", ".cache/c.py", "flycheck_d.py"]
    app.detector.track([str(app.root)])
    for name in names:
        app.load(name)
    app.write("venv/lib/site-packages/other.py")
    assert app.differs() == {}
    for name in names:
        app.write(name, AFTER)
    app.write("venv/lib/site-packages/other.py", AFTER)
    assert app.differs() == dict.fromkeys(names, "modified")


def test_a_tracked_folder_without_events(app: Application, heard: Heard) -> None:
    """A tracked folder without events is listed at each scan."""
    heard.polled = {str(app.root / "templates")}
    app.write("templates/a.html")
    app.detector.track([str(app.root / "templates")])
    heard.scan()
    new = app.write("templates/new.html")
    assert heard.scan()[0] == {new}


def test_a_missing_tracked_folder_is_registered(app: Application, heard: Heard) -> None:
    """A missing tracked folder is registered, even if it was empty: its later files are changes."""
    folder = app.root / "templates"
    folder.mkdir()
    app.detector.track([str(folder)])
    heard.scan()
    folder.rmdir()
    heard.lost = True
    heard.scan()
    assert heard.folders == [str(folder)]
    new = app.write("templates/new.html")
    assert heard.scan(folder)[0] == {new}


def test_the_scan_after_a_failed_one_is_full(
    app: Application, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of events before a scan that failed are scanned by the next one."""
    paths = [app.load("a.py"), app.load("b.py")]
    app.write("templates/c.html")
    app.detector.track([str(app.root / "templates")])
    heard.scan()
    app.write("b.py", AFTER)
    new = app.write("templates/new.html")
    with monkeypatch.context() as patch:
        patch.setattr(Baseline, "imported", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            heard.scan(paths[1], new)
    assert heard.scan()[0] == {paths[1], new}


@pytest.mark.parametrize("name", ["local.py", "local/__init__.py"])
def test_a_missing_module_that_appears(app: Application, name: str) -> None:
    """A module that was to be imported is a change once it is there, and none once it is gone."""
    app.load("a.py")
    app.not_found = ["local"]
    assert app.differs() == {}
    path = app.write(name)
    assert app.differs() == {name: "appeared"}
    Path(path).unlink()
    assert app.differs() == {}


def test_a_missing_package_without_its_own_file(app: Application) -> None:
    """A folder of sources is a package too; one without a source is none yet."""
    app.not_found = ["[local]", "local"]
    assert app.differs() == {}
    app.write("local/readme.txt")
    assert app.differs() == {}
    app.write("local/conf.py")
    assert app.differs() == {"local/conf.py": "appeared"}


def test_a_release_by_its_real_path(app: Application) -> None:
    """Modules, tracked files and ignored ones below a link's target are those below the link."""
    for release, content in (("1", BEFORE), ("2", AFTER)):
        for name in ("seen.py", "a.py", "b.html", "c.html"):
            app.write(f"releases/{release}/{name}", content)
    current, real = app.root / "current", app.root / "releases/1"
    current.symlink_to("releases/1")
    app.links = Links([f"{current}/app.wsgi"])
    app.detector = app.make(NoEvents(), track=f"{real}/*.html", ignore=f"{real}/c.html")
    app.load("releases/1/a.py")
    assert app.differs() == {}
    current.unlink()
    current.symlink_to("releases/2")
    assert app.differs() == {"current/a.py": "modified", "current/b.html": "modified"}


def test_a_missing_module_that_appears_before_the_next_scan(app: Application) -> None:
    """A missing module that appears before the next scan is a change too."""
    app.not_found = ["local"]
    app.write("local.py")
    assert app.differs() == {"local.py": "appeared"}


def test_a_missing_module_that_is_imported_after_all(app: Application) -> None:
    """A missing module that the application writes itself and then imports is no change."""
    app.not_found = ["local"]
    app.see("local.py")
    assert app.differs() == {}
    app.not_found = ["later"]
    assert app.differs() == {}
    path = app.see("later.py")
    assert app.differs() == {}
    assert path in app.detector.paths()
    app.write("later.py", AFTER)
    assert app.differs() == {"later.py": "modified"}


def test_a_missing_module_is_no_file(app: Application) -> None:
    """It is watched by events, but not among the paths; one that is ignored is not watched."""
    loaded = app.load("a.py")
    app.detector = app.make(NoEvents(), ignore=["other.py"])
    app.not_found = ["local", "other"]
    assert app.differs() == {}
    assert app.detector.paths() == [loaded]
    assert len(app.detector) == 1
    assert app.detector.is_watched(str(app.root / "local.py"))
    app.write("other.py")
    assert app.differs() == {}
