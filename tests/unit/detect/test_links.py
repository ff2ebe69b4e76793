"""Links: files by the link that leads to them, as with `current` and its releases."""

from __future__ import annotations

import ntpath
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from wsgireload.detect import links as module
from wsgireload.detect.links import Links


def release(folder: Path) -> Path:
    """Make a release, and the link `current` to it; returns its real folder."""
    (folder / "releases/1/web").mkdir(parents=True)
    (folder / "current").symlink_to("releases/1")
    return folder.resolve() / "releases/1"


def test_a_real_path_by_its_link(tmp_path: Path) -> None:
    """A file of the release is the one below the link, in whatever folder the script lies."""
    real, current = release(tmp_path), tmp_path / "current"
    links = Links([f"{current}/web/app.wsgi"])
    assert links(f"{real}/words.py") == f"{current}/words.py"
    assert links(f"{real}/web/*.html") == f"{current}/web/*.html"
    assert links(str(real)) == str(current)


def test_paths_without_one(tmp_path: Path) -> None:
    """Any other path stays as it is: of another release, of a similar name, by the link itself."""
    real, current = release(tmp_path), tmp_path / "current"
    links = Links([f"{current}/app.wsgi", "/no/such"])
    for path in (f"{real}0/words.py", f"{current}/words.py", "/no/such", "*.log", ""):
        assert links(path) == path
    assert Links()(f"{real}/words.py") == f"{real}/words.py"


def test_links_that_lead_to_links(tmp_path: Path) -> None:
    """A script that is a link into `current` counts, and of several links the first."""
    real = release(tmp_path)
    (tmp_path / "live").symlink_to("current")
    (tmp_path / "app.wsgi").symlink_to("live/app.wsgi")
    links = Links([f"{tmp_path}/app.wsgi"])
    assert links(f"{real}/words.py") == f"{tmp_path}/live/words.py"
    (tmp_path / "releases/10").mkdir()
    (tmp_path / "releases/10/other").symlink_to("../1")
    links = Links([f"{tmp_path}/releases/10/other/app.wsgi"])
    assert links(f"{real}/words.py") == f"{tmp_path}/releases/10/other/words.py"


def test_links_that_lead_nowhere(tmp_path: Path) -> None:
    """A circle and a link without a target are no folders, and no path is an error."""
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    (tmp_path / "gone").symlink_to("nothing")
    paths = [f"{tmp_path}/one/app.wsgi", f"{tmp_path}/gone/app.wsgi", "/a" * 2000, "a\0b", ""]
    links = Links(paths)
    assert links(f"{tmp_path}/one/a.py") == f"{tmp_path}/one/a.py"


def test_a_link_to_a_folder_around_it(tmp_path: Path) -> None:
    """It would lead on and on: such a link is never switched by a deployment."""
    (tmp_path / "self").symlink_to(".")
    links = Links([f"{tmp_path}/self/app.wsgi"])
    for path in (f"{tmp_path}/a.py", f"{tmp_path}/self/a.py"):
        assert links(path) == path


def test_a_junction(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, where a junction is no symbolic link, and a path may be in any case."""
    current, real = "C:\\srv\\current", "C:\\srv\\releases\\1"
    path = SimpleNamespace(
        **vars(ntpath)
        | {
            "realpath": lambda path: path.replace(current, real),
            "isdir": lambda _: True,
            "islink": lambda _: False,
        }
    )
    windows = {"path": path, "sep": "\\", "readlink": lambda _: f"\\\\?\\{real}"}
    monkeypatch.setattr(module, "os", SimpleNamespace(**vars(os) | windows))
    monkeypatch.setattr(module, "absolute", lambda paths: paths)
    monkeypatch.setattr(module, "is_link", current.__eq__)
    links = Links([f"{current}\\app.wsgi"])
    assert links(f"{real}\\words.py") == f"{current}\\words.py"
    assert links("c:\\SRV\\Releases\\1\\web") == f"{current}\\web"
    assert links(f"{real}0\\words.py") == f"{real}0\\words.py"
