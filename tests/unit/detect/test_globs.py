"""Globs: which paths a pattern means, and what is excluded."""

from __future__ import annotations

import ntpath
import os
from types import SimpleNamespace

import pytest

from wsgireload.detect import globs
from wsgireload.detect.globs import Ignored, Pattern, fixed_part, is_glob, split


@pytest.mark.parametrize(
    ("ignore", "left"),
    [
        ([], {"a.py", "app/a.py", "app/x.log", "app2/a.py", "app/.h/x.log"}),
        (["*.log"], {"a.py", "app/a.py", "app2/a.py"}),
        (["app"], {"a.py", "app2/a.py"}),
        (["a.py"], {"app/x.log", "app/.h/x.log"}),
        (["APP"], {"a.py", "app/a.py", "app/x.log", "app2/a.py", "app/.h/x.log"}),
        (["{root}/app"], {"a.py", "app2/a.py"}),
        (["{root}/app/a.py"], {"a.py", "app/x.log", "app2/a.py", "app/.h/x.log"}),
        (["{root}/app*"], {"a.py"}),
        (["{root}/*/a.py"], {"a.py", "app/x.log", "app/.h/x.log"}),
        (["{root}/**/*.log"], {"a.py", "app/a.py", "app2/a.py"}),
        (["{root}/ap"], {"a.py", "app/a.py", "app/x.log", "app2/a.py", "app/.h/x.log"}),
    ],
)
def test_what_is_ignored(ignore: list[str], left: set[str]) -> None:
    """A bare name excludes anywhere, a path or glob at its place, each with everything below."""
    names = ["a.py", "app/a.py", "app/x.log", "app2/a.py", "app/.h/x.log"]
    ignored = Ignored([pattern.format(root="/srv") for pattern in ignore])
    assert {name for name in names if not ignored(f"/srv/{name}")} == left


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/srv/app", "/srv/app", True),
        ("/srv/app", "/srv/app/in/a.py", True),
        ("/srv/app", "/srv/app2", False),
        ("/srv/app", "/srv/app2/a.py", False),
        ("/srv/app", "/srv", False),
        ("/srv/*", "/srv/app/a.py", True),
        ("/srv/*.py", "/srv/a.pyc", False),
        ("/srv/**/x", "/srv/x", True),
        ("/srv/**/x", "/srv/a/b/x/y", True),
        ("/srv/**/x", "/srv/a/b/y", False),
        ("/**", "/srv/a", True),
        ("/srv/*", "/srv/.env", False),
        ("/srv/**", "/srv/.git/x", True),
        ("/srv/**/*", "/srv/.git/x", False),
        ("/srv/a\nb*", "/srv/a\nbc", True),
        ("/srv/*", "/srv/\udcff\n", True),
    ],
)
def test_patterns_match_by_component(pattern: str, path: str, matches: bool) -> None:
    """Paths are compared component by component, never letter by letter."""
    assert Pattern(pattern).matches(path) is matches


def test_splitting() -> None:
    """A path is its root and its components; a glob has wildcards, from some component on."""
    assert split("/srv//app/") == ["/", "srv", "app"]
    assert [is_glob(text) for text in ("/srv/app", "*.py", "a?", "[a]", "{a}")] == [
        *(False, True, True, True, False)
    ]
    paths = ("/srv/app", "/srv/**/x", "/srv/a[b]/c", "/*")
    assert [fixed_part(path) for path in paths] == ["/srv/app", "/srv", "/srv", "/"]


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are Windows'."""
    paths = SimpleNamespace(**vars(os) | {"path": ntpath, "sep": "\\"})
    monkeypatch.setattr(globs, "os", paths)


@pytest.mark.usefixtures("windows")
@pytest.mark.parametrize(
    "drive", ["C:\\", "\\\\?\\C:\\", "\\\\server\\share\\", "\\\\?\\Volume{1}\\"]
)
def test_drives(drive: str) -> None:
    """The prefix of a long path is no wildcard, and a glob in a drive begins at its root."""
    assert not is_glob(f"{drive}srv\\a.py")
    assert [fixed_part(drive + rest) for rest in ("srv\\*.py", "*.py")] == [f"{drive}srv", drive]
    assert Pattern(f"{drive}srv\\*.py").matches(f"{drive}srv\\a.py")


@pytest.mark.usefixtures("windows")
@pytest.mark.parametrize("pattern", ["c:\\SRV\\static", "C:\\srv\\*\\A.CSS", "a.CSS", "STATIC"])
def test_case_on_windows(pattern: str) -> None:
    """A path means the same in any case, as everywhere on Windows."""
    assert Ignored([pattern])("C:\\Srv\\Static\\a.css")
