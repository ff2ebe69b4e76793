"""Which files a scan reads after events, after lost ones, and without any."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.watchedapp import AFTER, Application

from wsgireload.detect.baseline import Baseline
from wsgireload.detect.folders import Folders
from wsgireload.detect.sweep import PAUSE, ROUND
from wsgireload.server import files, native

MARKS = native.marks


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
