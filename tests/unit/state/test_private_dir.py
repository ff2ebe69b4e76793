"""A folder of this user alone, and the files in it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from support.openfiles import open_files

from wsgireload.state.private_dir import Candidates, PrivateDir


def test_it_is_made_for_this_user_alone(folder: PrivateDir, path: Path) -> None:
    """Folder and files may be read and written by this user only, whatever the umask is."""
    before = os.umask(0)
    try:
        assert folder.create("created")
        folder.write("written", b"text")
        folder.open_file("kept").close()
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.iterdir()}
    assert modes == dict.fromkeys(("created", "written", "kept"), 0o600)
    assert folder.owner == os.geteuid()


def test_a_umask_that_takes_all(path: Path) -> None:
    """This user may use the folder and its files, also if the application's umask forbids it."""
    before = os.umask(0o777)
    try:
        folder = PrivateDir(str(path))
        folder.write("written", b"text")
        folder.open_file("kept").close()
        folder.close()
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in path.iterdir()} == {0o600}


def test_a_foreign_folder_is_not_made(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A foreign folder has to exist, may be another user's, and has to be that user's alone."""
    with pytest.raises(FileNotFoundError):
        PrivateDir(str(path), foreign=True)
    path.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    folder = PrivateDir(str(path), foreign=True)
    assert folder.owner == os.getuid()
    folder.close()
    with pytest.raises(PermissionError):
        PrivateDir(str(path))
    path.chmod(0o770)
    with pytest.raises(PermissionError):
        PrivateDir(str(path), foreign=True)


@pytest.mark.parametrize("mode", [0o701, 0o710, 0o720, 0o777])
def test_a_folder_that_others_may_enter_is_refused(path: Path, mode: int) -> None:
    """Any permission of another user is one too many, and no descriptor stays open."""
    path.mkdir()
    path.chmod(mode)
    before = open_files()
    with pytest.raises(PermissionError):
        PrivateDir(str(path))
    assert open_files() == before


def test_a_link_in_its_place_is_refused(path: Path, tmp_path: Path) -> None:
    """A link is not followed, whoever owns what it leads to."""
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    path.symlink_to("elsewhere")
    with pytest.raises(OSError, match=r"Not a directory|symbolic"):
        PrivateDir(str(path))


def test_a_link_that_takes_its_place_later_is_not_followed(
    folder: PrivateDir, path: Path, tmp_path: Path
) -> None:
    """A link that takes the folder's place later is not followed."""
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    path.rename(tmp_path / "moved")
    path.symlink_to("elsewhere")
    folder.write("file", b"text")
    folder.open_file("kept").close()
    folder.create("created")
    folder.rename("created", "renamed")
    assert folder.read("file", 9) == b"text"
    assert sorted(folder.names()) == ["file", "kept", "renamed"]
    folder.remove("kept")
    assert sorted(each.name for each in (tmp_path / "moved").iterdir()) == ["file", "renamed"]
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("planted", ["a folder", "a pipe", "a link"])
def test_only_regular_files_are_opened(folder: PrivateDir, path: Path, planted: str) -> None:
    """Anything else is an error at once, and no descriptor stays open."""
    if planted == "a folder":
        (path / "name").mkdir()
    elif planted == "a pipe":
        os.mkfifo(path / "name")
    else:
        (path / "name").symlink_to("/etc/passwd")
    before = open_files()
    for opening in (lambda: folder.open_file("name"), lambda: folder.read("name", 9)):
        with pytest.raises(OSError):  # noqa: PT011 (each has its own)
            opening()
    assert not folder.create("name")
    assert open_files() == before


def test_a_file_is_written_as_a_whole(
    folder: PrivateDir, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the disk is full the old content stays, and nothing is left over."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    folder.write("file", b"old")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        folder.write("file", b"new")
    assert [each.name for each in path.iterdir()] == ["file"]
    assert folder.read("file", 9) == b"old"


def test_a_killed_process_blocks_no_other(
    folder: PrivateDir, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was half written when its process was killed can be written again."""
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", lambda *_, **__: None)  # it came no further
        folder.write("file", b"half")
    assert [each.suffix for each in path.iterdir()] == [".new"]
    folder.write("file", b"all")
    assert folder.read("file", 9) == b"all"


def test_the_content_is_replaced(folder: PrivateDir) -> None:
    """A shorter content leaves nothing of the longer one."""
    file = folder.open_file("file")
    file.write(b"long")
    file.write(b"x")
    assert file.read(9) == b"x"
    file.close()


def test_one_lock_at_a_time(folder: PrivateDir) -> None:
    """Whoever has it open may lock it once the other has unlocked or closed it."""
    first, second = folder.open_file("file"), folder.open_file("file")
    assert first.lock()
    assert not second.lock()
    first.unlock()
    assert second.lock()
    assert not first.lock()
    second.close()
    assert first.lock()
    first.close()


def test_the_age_of_a_file(folder: PrivateDir, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds since it was written, or by which the clock was set back since then."""
    file = folder.open_file("file")
    os.utime(path / "file", (1000.0, 1000.0))
    for now in (1010.0, 990.0):
        monkeypatch.setattr("wsgireload.state.private_dir.time.time", lambda now=now: now)
        assert file.age() == 10.0
    file.close()


def test_the_first_that_serves_is_used(path: Path, tmp_path: Path) -> None:
    """A folder that cannot be had is reported, and the next one is used; or there is none."""
    path.write_text("a file")
    troubles: list[str] = []
    found = Candidates([str(path), str(tmp_path / "second")], troubles.append).open()
    assert found.create("file")
    assert (tmp_path / "second/file").exists()
    found.close()
    with pytest.raises(PermissionError, match=str(path)):
        Candidates([str(path)], troubles.append).open()
    assert len(troubles) == 2
    assert str(path) in troubles[0]
