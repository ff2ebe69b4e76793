"""Events: which paths may have changed, with real folders."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.listener import (
    DEADLINE,
    Listener,
    backup,
    filled,
    link_over,
    linux,
    recreate,
    rename_over,
    write,
)


@linux
@pytest.mark.parametrize("change", [write, rename_over, link_over, recreate, backup])
def test_a_complete_save(
    listener: Listener, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    """However a file is saved, it counts as saved after its last event, and not before."""
    path, other = filled(tmp_path / "site", "a.py", "b.py")
    listener.listen(path, other)
    with other.open("w"):
        change(path)
        saved: set[str] = set()
        while paths := listener.events.wait(0.0):
            saved = saved - paths | listener.events.saved
        assert saved == {str(path)}


@linux
@pytest.mark.parametrize(
    "change",
    [write, rename_over, link_over, recreate, backup, Path.unlink, Path.touch],
    ids=lambda change: change.__name__,
)
def test_a_file_is_reported(
    listener: Listener, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    """However a file is changed, its path is reported, and not that of its neighbour."""
    path, _ = filled(tmp_path / "site", "a.py", "b.py")
    listener.listen(path)
    change(path)
    assert listener.reported() == {path}
    write(path)
    assert listener.reported() == {path}


@linux
def test_a_neighbour_is_not_reported(listener: Listener, tmp_path: Path) -> None:
    """Changes of other files in the folder are not reported, nor what Python writes there."""
    path, other = filled(tmp_path / "site", "a.py", "b.py")
    listener.listen(path)
    for change in (write, recreate, rename_over, Path.unlink):
        change(other)
    filled(tmp_path / "site/__pycache__", "a.cpython-311.pyc")
    assert listener.reported() == set()


@linux
def test_reading_is_not_reported(listener: Listener, tmp_path: Path) -> None:
    """Reading a file, or listing its folder, is no change."""
    (path,) = filled(tmp_path / "site", "a.py")
    listener.listen(path, folders=[path.parent])
    assert path.read_text() == "before"
    assert list(path.parent.iterdir()) == [path]
    assert listener.reported() == set()


@linux
def test_a_file_that_is_to_come(listener: Listener, tmp_path: Path) -> None:
    """A file may be listened to before it is there."""
    filled(tmp_path / "site")
    path = tmp_path / "site/a.py"
    listener.listen(path)
    write(path)
    assert listener.reported() == {path}


@linux
def test_a_folder_that_is_to_come(listener: Listener, tmp_path: Path) -> None:
    """Where the folder does not exist either, each step on the way to it is reported."""
    path = tmp_path / "to/come/a.py"
    assert listener.events.listen(str(path))
    listener.listen(path)
    for folder in (tmp_path / "to", tmp_path / "to/come"):
        folder.mkdir()
        assert listener.reported() is None
        listener.listen_again()
    write(path)
    assert listener.reported() == {path}
    assert listener.troubles == []


@linux
def test_two_names_for_one_folder(listener: Listener, tmp_path: Path) -> None:
    """A change is reported under each of the names under which the folder is listened to."""
    (path,) = filled(tmp_path / "site", "a.py")
    (tmp_path / "also").symlink_to("site")
    listener.listen(path, tmp_path / "also/a.py")
    write(path)
    assert listener.reported() == {path, tmp_path / "also/a.py"}


@linux
def test_a_whole_folder(listener: Listener, tmp_path: Path) -> None:
    """In a folder that is listened to as a whole each change is reported, but none below that."""
    folder = tmp_path / "templates"
    filled(folder / "deep", "a.html")
    listener.listen(folders=[folder])
    assert listener.events.knows(str(folder))
    assert not listener.events.knows(str(folder / "deep"))
    filled(folder, "b.html")
    write(folder / "deep/a.html")
    assert listener.reported() == {folder / "b.html"}


@linux
def test_a_folder_with_watched_files_is_taken_whole(listener: Listener, tmp_path: Path) -> None:
    """The interest in a folder grows: first a file of it, then all of it."""
    (path,) = filled(tmp_path / "site", "a.py")
    listener.listen(path, folders=[path.parent])
    (other,) = filled(tmp_path / "site", "b.py")
    write(path)
    assert listener.reported() == {path, other}


@linux
def test_what_is_forgotten_is_not_reported(listener: Listener, tmp_path: Path) -> None:
    """After listen_anew only what was listened to again is reported."""
    path, other = filled(tmp_path / "site", "a.py", "b.py")
    listener.listen(path)
    listener.files = [other]
    listener.listen()
    write(path)
    assert listener.reported() == set()
    write(other)
    assert listener.reported() == {other}


@linux
def test_a_loss_is_reported_once(listener: Listener, tmp_path: Path) -> None:
    """That a path leads elsewhere is reported once, and later waits report nothing more."""
    (path,) = filled(tmp_path / "site/pkg", "a.py")
    listener.listen(path)
    (tmp_path / "site").rename(tmp_path / "away")
    assert listener.reported() is None
    end = time.monotonic() + DEADLINE
    while listener.events.wait(0.01) != set():
        assert time.monotonic() < end
    assert listener.events.lost


@linux
def test_a_wake_ends_the_wait(listener: Listener) -> None:
    """A wake ends the wait and reports nothing."""
    listener.events.wake()
    began = time.monotonic()
    assert listener.events.wait(DEADLINE) == set()
    assert time.monotonic() - began < DEADLINE / 2


@linux
@pytest.mark.parametrize("change", [Path.touch, rename_over, Path.unlink])
def test_a_request_ends_the_wait(
    listener: Listener, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    """Also beside an event that is irrelevant; and still after everything was listened to anew."""
    request, sentinel = tmp_path / "state/one.restart", listener.sentinels[0]
    filled(request.parent, *([] if change is Path.touch else [request.name]))
    listener.events.listen_for([str(request), str(request.with_suffix(".scan"))])
    listener.events.listen_for_requests()
    assert listener.events.hears
    listener.listen()
    assert not listener.events.hears
    listener.events.listen_for_requests()
    sentinel.touch()
    change(request)
    reported: list[set[str] | None] = []
    began = time.monotonic()
    while (paths := listener.events.wait(DEADLINE)) != set():
        reported.append(paths)
    assert {str(sentinel), str(request)} <= set().union(*filter(None, reported))
    assert time.monotonic() - began < DEADLINE / 2


@linux
def test_a_folder_of_requests_that_comes_late(listener: Listener, tmp_path: Path) -> None:
    """As long as it is missing, requests are not heard."""
    request = tmp_path / "state/one.restart"
    listener.listen()
    listener.events.listen_for([str(request)])
    listener.events.listen_for_requests()
    assert not listener.events.hears
    request.parent.mkdir()
    assert listener.reported() == set()  # what is above it may be /tmp, too busy to watch
    listener.events.listen_for_requests()
    assert listener.events.hears
    request.parent.rmdir()
    assert listener.reported() is None
    listener.listen_again()
    assert not listener.events.hears


@linux
def test_a_name_that_no_file_can_have(listener: Listener, tmp_path: Path) -> None:
    """A module may have any path: an impossible one does no harm."""
    for path in ("/\ud800/pkg/a.py", f"{tmp_path}/\ud800.py", f"{tmp_path}/\udcff.py"):
        listener.events.listen(path)
        listener.events.listen_in(path)
    (path,) = filled(tmp_path / "site", "a.py")
    listener.listen(path)
    write(path)
    assert listener.reported() == {path}
