"""Detector: all watched files, and which of them differ from what this process runs."""

from __future__ import annotations

import errno
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from support.watchedapp import AFTER, BEFORE, Application

from wsgireload.detect import backlog, baseline, digests
from wsgireload.detect.detector import Detector
from wsgireload.detect.digest import MISSING, dated, digest_of, is_stand_in
from wsgireload.detect.digests import Digests
from wsgireload.detect.imports import note
from wsgireload.server import files
from wsgireload.watch.wakeup import NoEvents


class StopScan(BaseException):
    """Raised by a checkpoint to end a scan."""


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


def test_loaded_code_that_cannot_be_read_any_more(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named while it cannot; no tracked file is, nor code that could never be read.

    A module that was missing is named as well: the new process would load it.
    """
    tracked = [app.write("a.html"), app.write("tool.py")]
    closed = [app.load("a.py"), *tracked, str(app.root / "local.py"), app.load("never.py")]
    app.detector.track(tracked)
    app.not_found = ["local"]
    real = SimpleNamespace(**vars(os))

    def open_(name: str, flags: int) -> int:
        if name in closed:
            raise PermissionError(errno.EACCES, "Permission denied", name)
        return os.open(name, flags)

    real.open = open_
    with monkeypatch.context() as patch:
        readable, closed[:] = closed[:4], closed[4:]
        patch.setattr(files, "os", real)
        assert app.differs() == {}
        assert app.detector.unread() == []
        closed += readable
        app.write("local.py")
        for path in readable:
            os.utime(path, (1, 1))
        assert app.differs() == {}
        assert app.detector.unread() == [readable[0], readable[3]]
    assert app.differs() == {"local.py": "appeared"}
    assert app.detector.unread() == []


def test_a_missing_module_that_can_be_no_file(app: Application) -> None:
    """A path that cannot be examined, as in a folder that is closed to us, is no unread module."""
    app.not_found = ["n" * 300]
    assert app.differs() == {}
    assert app.detector.unread() == []
