"""Missing: the files that a module would have which no finder found."""

from __future__ import annotations

import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from wsgireload.detect.links import Links
from wsgireload.detect.missing import path_files_now, places
from wsgireload.detect.tracked import path_files


def test_places(tmp_path: Path) -> None:
    """A source, a package and extension modules, in each folder; also in that of a package."""
    (tmp_path / "pkg").mkdir()
    for name, folder in (("local", tmp_path), ("pkg.local", tmp_path / "pkg")):
        found = list(places(name, [str(folder)]))
        assert found[:2] == [str(folder / "local.py"), str(folder / "local/__init__.py")]
        assert found[2:] == [str(folder / f"local{suffix}") for suffix in EXTENSION_SUFFIXES]


@pytest.mark.parametrize("name", ["", "a.", "a/b", "../a", "a b", "a\0", "*"])
def test_names_that_are_none(tmp_path: Path, name: str) -> None:
    """A name that no file can have is nowhere."""
    assert list(places(name, [str(tmp_path)])) == []


def test_names_that_have_no_encoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With LANG=C no file can have a name with an umlaut."""
    assert list(places("größe", [str(tmp_path)]))
    monkeypatch.setattr(os, "fsencode", lambda path: path.encode("ascii"))
    assert list(places("größe", [str(tmp_path)])) == []


@pytest.mark.skipif(os.name == "nt", reason="there no current folder can be deleted")
def test_a_current_folder_that_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an old release that a process was started in: entries of sys.path may be relative."""
    (tmp_path / "old").mkdir()
    monkeypatch.chdir(tmp_path / "old")
    (tmp_path / "old").rmdir()
    site_packages = str(tmp_path / "site-packages")
    monkeypatch.setattr(sys, "path", ["", "lib", ".", str(tmp_path), site_packages])
    assert next(places("local", sys.path)) == str(tmp_path / "local.py")
    assert path_files() == [f"{site_packages}/*.pth"]
    assert Links(sys.path)("/a/b.py") == "/a/b.py"


def test_folders_of_others(tmp_path: Path) -> None:
    """Neither the standard library, nor installed packages, nor an archive is the application's."""
    installed = tmp_path / "venv/lib/python3.11/site-packages/django"
    installed.mkdir(parents=True)
    archive = tmp_path / "lib.zip"
    archive.touch()
    library = str(Path(os.__file__).parent)
    folders = [str(installed), library, f"{library}/lib-dynload", str(archive), "/no/such"]
    assert list(places("local", folders)) == []
    first, *_ = places("local", [*folders, f"{library}s", str(tmp_path)])
    assert first == str(tmp_path / "local.py")


def test_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty entry of sys.path is the current folder."""
    monkeypatch.chdir(tmp_path)
    assert next(places("local", [""])) == str(tmp_path / "local.py")


def test_path_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The .pth files of each folder of installed packages are found, and no others."""
    folders = [str(tmp_path / name) for name in ("site-packages", "app", "[a]/dist-packages")]
    monkeypatch.setattr(sys, "path", [*folders, "", folders[0], None])
    assert path_files() == [str(tmp_path / "site-packages/*.pth")]


def test_path_files_of_python_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those .pth files that have added to sys.path are tracked, whatever their folder is called."""
    for name, content in (
        ("packages.pth", b"# eggs\n./one.egg\n"),
        ("other.pth", b"./two.egg\n"),
        ("model.pth", b"PK\3\4\x80\x02 a PyTorch model"),
        ("empty.pth", b"\n\n"),
        ("folder.pth/x", b""),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    monkeypatch.setattr(sys, "path", [str(tmp_path), f"{tmp_path}/one.egg", "/no/such", "a\0"])
    assert path_files() == [f"{tmp_path}/packages.pth"]
    assert list(path_files_now()) == [f"{tmp_path}/packages.pth"]
