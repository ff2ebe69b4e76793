"""Modules that were missing, and appear: how the detector finds them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.watchedapp import AFTER, BEFORE, Application

from wsgireload.detect.links import Links
from wsgireload.watch.wakeup import NoEvents


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
