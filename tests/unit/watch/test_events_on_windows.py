"""Events as they are on Windows: few handles, each with all that is below."""

from __future__ import annotations

import ntpath
import os
from types import SimpleNamespace

import pytest

from wsgireload.watch import events
from wsgireload.watch.events import Events

SITE = "C:\\srv\\site"


class Roots:
    """Stands in for the native watcher: what is opened, which names are told, what happens."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.names: list[str] = []
        self.happens: list[tuple[int, bool, str]] = []

    def directory(self, path: str, interest: int, *, trust: bool) -> int:
        if path not in self.opened:
            self.opened.append(path)
        return self.opened.index(path)

    def name(self, directory: int, name: str) -> None:
        self.names.append(name)

    def wait(self, seconds: float) -> list[tuple[int, bool, str]]:
        told, self.happens = self.happens, []
        return told


@pytest.fixture
def roots(monkeypatch: pytest.MonkeyPatch) -> Roots:
    """Paths are Windows', and Python finds its modules in the site and in its library."""
    windows = SimpleNamespace(**vars(os) | {"path": ntpath, "sep": "\\"})
    path = [SITE, f"{SITE}\\venv\\Lib", ""]
    monkeypatch.setattr(events, "os", windows)
    monkeypatch.setattr(events, "sys", SimpleNamespace(path=path))
    monkeypatch.setattr(events, "WINDOWS", True)
    return Roots()


@pytest.fixture
def heard(roots: Roots) -> Events:
    """Events that listen to nothing yet."""
    return Events(trust=False, trouble=print, watcher=roots)  # type: ignore[arg-type]


def test_few_handles(heard: Events, roots: Roots) -> None:
    """What Python finds its modules in is opened, and no folder below; what lies elsewhere is."""
    for name in ("a.py", "pkg\\b.py", "pkg\\sub\\c.py", "venv\\Lib\\d.py"):
        assert heard.listen(f"{SITE}\\{name}")
    assert heard.listen("D:\\conf\\site.ini")
    assert roots.opened == [SITE, f"{SITE}\\venv\\Lib", "D:\\conf"]
    assert {"a.py", "pkg\\b.py", "pkg\\sub\\c.py", "d.py", "site.ini"} <= set(roots.names)


def test_the_case_of_a_name(heard: Events, roots: Roots) -> None:
    """A file is told as we know it, however Windows spells it."""
    heard.listen(f"{SITE}\\pkg\\Views.py")
    roots.happens = [(0, False, "PKG\\views.PY")]
    assert heard.wait(0) == {f"{SITE}\\pkg\\Views.py"}


def test_a_folder_is_renamed(heard: Events, roots: Roots) -> None:
    """Of which Windows tells the folder's name alone: we asked for that too, and know it."""
    heard.listen(f"{SITE}\\pkg\\sub\\c.py")
    assert {"pkg", "pkg\\sub"} <= set(roots.names)
    roots.happens = [(0, False, "pkg")]
    assert heard.wait(0) == {f"{SITE}\\pkg"}
    assert heard.knows(f"{SITE}\\PKG")


def test_a_tracked_folder(heard: Events, roots: Roots) -> None:
    """One handle hears of a folder and all that is below."""
    for folder in ("templates", "templates\\mail", "Templates\\mail\\old", "templates2"):
        assert heard.listen_in(f"{SITE}\\{folder}")
    assert roots.opened == [f"{SITE}\\templates", f"{SITE}\\templates2"]
