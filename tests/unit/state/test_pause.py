"""The file of a pause."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wsgireload.state import pause
from wsgireload.state.pause import PAUSE, Pause, application_name
from wsgireload.state.private_dir import PrivateDir

NEW = Pause(1_700_000_000.0, 1_700_000_600.0)


def test_begin_and_end(folder: PrivateDir, path: Path) -> None:
    """A pause is read as it was begun, and removed with its file."""
    assert pause.read(folder, "0123") is None
    NEW.begin(folder, "0123")
    assert pause.read(folder, "0123") == NEW
    assert pause.read(folder, "4567") is None
    assert [each.name for each in path.iterdir()] == ["0123.pause"]
    assert pause.end(folder, "0123")
    assert not pause.end(folder, "0123")
    assert pause.read(folder, "0123") is None


def test_it_is_begun_anew(folder: PrivateDir) -> None:
    """A second pause takes the place of the first."""
    NEW.begin(folder, "0123")
    Pause(1.0, 2.0).begin(folder, "0123")
    assert pause.read(folder, "0123") == Pause(1.0, 2.0)


def test_whoever_made_it(folder: PrivateDir, path: Path) -> None:
    """A file that this user may not read, as root's, is a pause all the same."""
    NEW.begin(folder, "0123")
    (path / "0123.pause").chmod(0)
    assert pause.read(folder, "0123") == NEW


def test_no_other_file_is_touched(folder: PrivateDir, path: Path, tmp_path: Path) -> None:
    """A link in place of the file is replaced, and what it leads to keeps its times."""
    other = tmp_path / "other"
    other.write_text("text")
    before = other.stat()
    (path / "0123.pause").symlink_to(other)
    NEW.begin(folder, "0123")
    assert not (path / "0123.pause").is_symlink()
    assert (other.stat().st_mtime, other.read_text()) == (before.st_mtime, "text")


def test_what_cannot_be_removed(folder: PrivateDir, path: Path) -> None:
    """What is no file stays, and that is an error: it would still hold."""
    (path / f"0123{PAUSE}").mkdir()
    with pytest.raises(PermissionError):
        pause.end(folder, "0123")


def test_names() -> None:
    """An application is its process group, or else its script; on any kind of server."""
    assert application_name("daemon", "site", "/a.wsgi") == application_name("daemon", "site", None)
    names = {
        application_name("daemon", "site", None),
        application_name("daemon", "shop", None),
        application_name("daemon", "shop", None, "of one Apache"),
        application_name("daemon", "shop", None, "of another"),
        application_name("windows", "", "/a.wsgi"),
        application_name("windows", "", "/b.wsgi"),
        application_name("windows", "", None),
    }
    assert len(names) == 7
    assert all(len(name) == 16 and name.isalnum() for name in names)


def test_of_a_full_disk(folder: PrivateDir, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause that cannot be begun is an error, and leaves nothing behind."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "utime", fail)
    with pytest.raises(OSError, match="No space"):
        NEW.begin(folder, "0123")
    assert list(path.iterdir()) == []
