"""A path may come to lead elsewhere: links, releases, folders that are renamed or made anew."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.listener import (
    Listener,
    filled,
    linux,
    rename_over,
    write,
)


@linux
def test_a_linked_file(listener: Listener, tmp_path: Path) -> None:
    """A write to a link's target is reported; another link in its place leads elsewhere."""
    first, second = filled(tmp_path / "shared", "1.py", "2.py")
    filled(tmp_path / "site")
    path = tmp_path / "site/a.py"
    path.symlink_to("../shared/1.py")
    listener.listen(path)
    for change in (write, rename_over):
        change(first)
        assert listener.reported() is None
        listener.listen_again()
    write(second)
    assert listener.reported() == set()
    swapped = tmp_path / "site/new"
    swapped.symlink_to("../shared/2.py")
    swapped.replace(path)
    assert listener.reported() is None
    listener.listen_again()
    write(first)
    assert listener.reported() == set()
    write(second)
    assert listener.reported() is None


@linux
def test_a_chain_of_links(listener: Listener, tmp_path: Path) -> None:
    """Of a link to a link each is watched, and so is what the last one leads to."""
    (end,) = filled(tmp_path / "far", "end.py")
    filled(tmp_path / "site")
    (tmp_path / "middle").symlink_to(end)
    path = tmp_path / "site/a.py"
    path.symlink_to("../middle")
    listener.listen(path)
    write(end)
    assert listener.reported() is None
    listener.listen_again()
    (tmp_path / "middle").unlink()
    (tmp_path / "middle").symlink_to("far/other.py")
    assert listener.reported() is None
    listener.listen_again()
    write(tmp_path / "far/other.py")
    assert listener.reported() is None


@linux
def test_a_file_that_becomes_a_link(listener: Listener, tmp_path: Path) -> None:
    """Once a link took a file's place, its target is watched when it is listened to again."""
    (path,) = filled(tmp_path / "site", "a.py")
    (target,) = filled(tmp_path / "shared", "1.py")
    listener.listen(path)
    path.unlink()
    path.symlink_to(target)
    assert listener.reported() == {path}
    assert listener.events.listen(str(path))
    write(target)
    assert listener.reported() is None


@linux
def test_a_release_that_is_swapped(listener: Listener, tmp_path: Path) -> None:
    """Once `current` leads to another release, that one is listened to, and no more the other."""
    old, new = (filled(tmp_path / f"releases/{n}/pkg", "a.py")[0] for n in "12")
    current = tmp_path / "current"
    current.symlink_to("releases/1")
    path = current / "pkg/a.py"
    listener.listen(path)
    write(old)
    assert listener.reported() == {path}
    swapped = tmp_path / "new"
    swapped.symlink_to("releases/2")
    swapped.replace(current)
    assert listener.reported() is None
    listener.listen_again()
    write(old)
    assert listener.reported() == set()
    write(new)
    assert listener.reported() == {path}


@linux
def test_a_release_that_is_rebuilt(listener: Listener, tmp_path: Path) -> None:
    """Folders that go and come below a link are reported: nothing else would reveal them."""
    filled(tmp_path / "releases/1/pkg", "a.py")
    (tmp_path / "current").symlink_to("releases/1")
    path = tmp_path / "current/pkg/a.py"
    listener.listen(path)
    shutil.rmtree(tmp_path / "releases/1/pkg")
    assert listener.reported() is None
    listener.listen_again()
    (tmp_path / "releases/1/pkg").mkdir()
    assert listener.reported() is None
    listener.listen_again()
    write(tmp_path / "releases/1/pkg/a.py")
    assert listener.reported() == {path}


@linux
@pytest.mark.parametrize("moved", ["one", "one/two", "one/two/three"])
def test_a_folder_that_is_renamed(listener: Listener, tmp_path: Path, moved: str) -> None:
    """A folder on the way that goes, or comes back, leads elsewhere; then all is as it was."""
    (path,) = filled(tmp_path / "one/two/three", "a.py")
    listener.listen(path)
    (tmp_path / moved).rename(tmp_path / "away")
    assert listener.reported() is None
    listener.listen_again()
    write(tmp_path / "away" / path.relative_to(tmp_path / moved))
    assert listener.reported() == set()
    (tmp_path / "away").rename(tmp_path / moved)
    assert listener.reported() is None
    listener.listen_again()
    write(path)
    assert listener.reported() == {path}


@linux
def test_a_tree_that_is_made_anew(listener: Listener, tmp_path: Path) -> None:
    """Removed and made again, a tree is listened to as before."""
    (path,) = filled(tmp_path / "one/two", "a.py")
    listener.listen(path)
    shutil.rmtree(tmp_path / "one")
    filled(tmp_path / "one/two", "a.py")
    assert listener.reported() is None
    listener.listen_again()
    write(path)
    assert listener.reported() == {path}


@linux
@pytest.mark.parametrize("at_once", [True, False])
def test_a_tree_that_replaces_another(listener: Listener, tmp_path: Path, *, at_once: bool) -> None:
    """Another tree under the same name is listened to, whether or not its place was free before."""
    (path,) = filled(tmp_path / "site/pkg", "a.py")
    filled(tmp_path / "next/pkg", "a.py")
    listener.listen(path)
    if at_once:
        (tmp_path / "site/pkg").rename(tmp_path / "old")  # an empty folder may be renamed over
        (tmp_path / "next").rename(tmp_path / "site")
    else:
        (tmp_path / "site").rename(tmp_path / "old")
        (tmp_path / "next").rename(tmp_path / "site")
    assert listener.reported() is None
    listener.listen_again()
    write(path)
    assert listener.reported() == {path}
