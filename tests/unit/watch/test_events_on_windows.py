"""Events as they are on Windows: few handles, each with all that is below."""

from __future__ import annotations

import ntpath
import os
from types import SimpleNamespace

import pytest

from wsgireload.errors import NativeError
from wsgireload.watch import events, spelling
from wsgireload.watch import roots as above
from wsgireload.watch.events import Events
from wsgireload.watch.roots import _roots, watched_folder

SITE = "C:\\srv\\site"


class Roots:
    """Stands in for the native watcher: what it opened, the names it got, what it will report."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.missing: set[str] = set()
        self.names: list[str] = []
        self.changes: list[tuple[int, int, str]] = []

    def directory(self, path: str, interest: int, *, trust: bool) -> int:
        if path in self.missing:
            raise NativeError("CreateFileW", 2, "there is none")
        if path not in self.opened:
            self.opened.append(path)
        return self.opened.index(path)

    def name(self, directory: int, name: str) -> None:
        self.names.append(name)

    def wait(self, seconds: float) -> list[tuple[int, int, str]]:
        changes, self.changes = self.changes, []
        return changes


@pytest.fixture
def roots(monkeypatch: pytest.MonkeyPatch) -> Roots:
    """Paths are Windows', and Python finds its modules in the site and in its library."""
    windows = SimpleNamespace(**vars(os) | {"path": ntpath, "sep": "\\"})
    path = [SITE, f"{SITE}\\venv\\Lib", ""]
    for module in (events, above, spelling):
        monkeypatch.setattr(module, "os", windows)
    for module in (events, above):
        monkeypatch.setattr(module, "WINDOWS", True)
    monkeypatch.setattr(above, "sys", SimpleNamespace(path=path))
    return Roots()


@pytest.fixture
def listening(roots: Roots) -> Events:
    """Events that listen to nothing yet."""
    return Events(trust=False, trouble=print, watcher=roots)  # type: ignore[arg-type]


def test_few_handles(listening: Events, roots: Roots) -> None:
    """Entries of sys.path are opened, and no folder below; elsewhere each folder is."""
    for name in ("a.py", "pkg\\b.py", "pkg\\sub\\c.py", "venv\\Lib\\d.py"):
        assert listening.listen(f"{SITE}\\{name}")
    assert listening.listen("D:\\conf\\site.ini")
    assert roots.opened == [SITE, f"{SITE}\\venv\\Lib", "D:\\conf"]
    assert {"a.py", "pkg\\b.py", "pkg\\sub\\c.py", "d.py", "site.ini"} <= set(roots.names)


def test_the_case_of_a_name(listening: Events, roots: Roots) -> None:
    """A file is reported as we know it, however Windows spells it."""
    listening.listen(f"{SITE}\\pkg\\Views.py")
    roots.changes = [(0, False, "PKG\\views.PY")]
    assert listening.wait(0) == {f"{SITE}\\pkg\\Views.py"}


def test_a_folder_is_renamed(listening: Events, roots: Roots) -> None:
    """Windows reports the renamed folder's own name only: that was added too, and is known."""
    listening.listen(f"{SITE}\\pkg\\sub\\c.py")
    assert {"pkg", "pkg\\sub"} <= set(roots.names)
    roots.changes = [(0, False, "pkg")]
    assert listening.wait(0) == {f"{SITE}\\pkg"}
    assert listening.knows(f"{SITE}\\PKG")


def test_a_tracked_folder(listening: Events, roots: Roots) -> None:
    """One handle serves a folder and everything below."""
    for folder in ("templates", "templates\\mail", "Templates\\mail\\old", "templates2"):
        assert listening.listen_in(f"{SITE}\\{folder}")
    assert roots.opened == [f"{SITE}\\templates", f"{SITE}\\templates2"]


def test_a_missing_folder(listening: Events, roots: Roots) -> None:
    """A folder that is yet to come is not polled: its arrival is an event of the root above."""
    folder = f"{SITE}\\extra"
    roots.missing = {folder, "Q:\\"}
    assert listening.listen_in(folder)
    assert roots.opened == [SITE]
    roots.changes = [(0, False, "Extra")]
    assert listening.wait(0) == {folder}
    assert listening.knows(folder)
    roots.missing.clear()
    assert listening.listen_in(folder)
    assert roots.opened == [SITE, folder]


def test_a_missing_drive(listening: Events, roots: Roots) -> None:
    """Where there is nothing that could report it, it is polled."""
    roots.missing = {"Q:\\", "Q:\\extra"}
    assert not listening.listen_in("Q:\\extra")


def test_a_drive_as_root(listening: Events, roots: Roots, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its backslash a drive would be the current folder there."""
    monkeypatch.setattr(above, "sys", SimpleNamespace(path=[object(), "D:\\"]))
    assert watched_folder("D:\\site\\a.py") == ("D:\\", "site\\a.py")
    assert listening.listen("D:\\site\\a.py")
    assert roots.opened == ["D:\\"]


def test_the_roots_are_found_once(roots: Roots, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file costs no work for each entry of sys.path."""
    calls = []
    monkeypatch.setattr(ntpath, "abspath", lambda path: calls.append(path) or path)
    _roots.cache_clear()
    for number in range(100):
        assert watched_folder(f"{SITE}\\{number}.py")[0] == SITE
    assert len(calls) == 2


def leads(patch: pytest.MonkeyPatch, start: str, real: str, *, link: str = "") -> None:
    """Make paths that begin so lead elsewhere; `link` is the junction among them."""

    def realpath(path: str) -> str:
        return real + path[len(start) :] if path.startswith(start) else path

    patch.setattr(ntpath, "realpath", realpath)
    patch.setattr(spelling, "is_link", lambda path: path == link)


def test_a_short_name(listening: Events, roots: Roots, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows reports the long name of a file that is tracked by its short one."""
    short, long = f"{SITE}\\PAGES~1\\INDEX~1.HTM", f"{SITE}\\pages of the site\\index page.html"
    leads(monkeypatch, short, long)
    assert listening.listen(short)
    assert roots.opened == [SITE]
    roots.changes = [(0, False, "Pages of the site\\index page.html")]
    assert short in (listening.wait(0) or ())
    roots.changes = [(0, False, "pages of the site")]
    assert short in (listening.wait(0) or ())


def test_a_root_by_its_short_name(
    listening: Events, roots: Roots, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is below a root has one name there, however the root itself is called."""
    leads(monkeypatch, SITE, "C:\\srv\\site of all")
    assert listening.listen(f"{SITE}\\a.py")
    assert (roots.opened, roots.names) == ([SITE], ["a.py", "a.py"])


def test_a_junction(listening: Events, roots: Roots, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows reports what changes where it leads, and not that it is switched: that is polled."""
    logged: list[str] = []
    listening = Events(trust=False, trouble=logged.append, watcher=roots)  # type: ignore[arg-type]
    path = f"{SITE}\\current\\pkg\\a.py"
    leads(monkeypatch, f"{SITE}\\current", "D:\\releases\\1", link=f"{SITE}\\current")
    assert not listening.listen(path)
    assert not listening.listen(f"{SITE}\\current\\pkg\\b.py")
    assert listening.listen(f"{SITE}\\a.py")
    assert roots.opened == [SITE, "D:\\releases\\1\\pkg"]
    roots.changes = [(1, False, "a.py")]
    assert path in (listening.wait(0) or ())
    why = "a junction or symbolic link on the way may be switched without an event"
    folder = path.rpartition("\\")[0]
    assert logged == [f"{folder} and others like it are polled: {why}"]


def test_a_tracked_junction(
    listening: Events, roots: Roots, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The handle of the folder around a junction reports nothing from where it leads."""
    media = f"{SITE}\\media"
    leads(monkeypatch, media, "D:\\media", link=media)
    assert listening.listen_in(SITE)
    assert not listening.listen_in(media)
    assert not listening.listen_in(f"{media}\\photos")
    assert listening.listen_in(f"{SITE}\\static")
    assert roots.opened == [SITE, media]


def test_a_link_to_a_file(listening: Events, roots: Roots, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is watched where it leads."""
    path = f"{SITE}\\a.py"
    leads(monkeypatch, path, "D:\\b.py", link=path)
    assert not listening.listen(path)
    assert roots.opened == [SITE, "D:\\"]
    roots.changes = [(1, False, "B.PY")]
    assert path in (listening.wait(0) or ())


def test_a_path_that_cannot_be_resolved(
    listening: Events, roots: Roots, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is taken as it is."""

    def realpath(path: str) -> str:
        raise OSError(22, "More data available", path, 234)

    monkeypatch.setattr(ntpath, "realpath", realpath)
    assert listening.listen(f"{SITE}\\pages~1\\a.html")
    assert listening.listen_in(f"{SITE}\\pages~1")
    assert roots.opened == [SITE, f"{SITE}\\pages~1"]
