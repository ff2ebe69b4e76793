"""Directories and links that go, come or lead elsewhere, as a watcher of the core reports it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from support.watching import LONG, Watching, watches

from wsgireload.server.watcher import ALL, ITSELF, NAMES


def test_the_directory_is_renamed(watching):
    """A directory that is renamed is gone: its path does not lead there any more."""
    number = watching.watch(watching.folder, ITSELF)
    moved = watching.folder.with_name("moved")
    assert watching.reported(lambda: watching.folder.rename(moved)) == [(number, True, "")]
    assert watches() == 1  # of the fences
    assert watching.reported((moved / "a.py").touch) == []
    assert watching.watch(moved, ALL) != number


def test_the_directory_is_deleted(watching):
    """A directory that is deleted is gone; one in its place has another number."""
    number = watching.watch(watching.folder, NAMES, "a.py")
    reported = watching.reported(lambda: shutil.rmtree(watching.folder))
    assert reported == [(number, False, "a.py"), (number, True, "")]
    watching.folder.mkdir()
    assert watching.watch(watching.folder, NAMES) != number
    assert watching.reported(watching.file.touch) == []  # names are of the directory that was


def test_the_mode_of_the_directory(watching):
    """The mode of a directory decides what can be read in it: the change may concern any file."""
    number = watching.watch(watching.folder, NAMES)
    assert watching.reported(lambda: watching.folder.chmod(0o700)) == [(number, False, "")]


@pytest.fixture
def link(watching: Watching) -> Path:
    """A symbolic link to the folder."""
    made = watching.folder.with_name("current")
    made.symlink_to(watching.folder)
    return made


def replace_link(link: Path) -> None:
    """As a deploy does: another link, renamed over it."""
    new = link.with_name("new")
    new.symlink_to("fences")
    new.rename(link)


@pytest.mark.parametrize(
    "deed", [replace_link, Path.unlink, lambda link: link.rename(link.with_name("moved"))]
)
def test_a_link_itself(watching, link, deed):
    """A link that is replaced, deleted or renamed is gone; its target's changes do not count."""
    number = watching.watch(link, ITSELF)
    assert watching.reported(watching.file.touch, lambda: watching.folder.chmod(0o700)) == []
    reported = watching.reported(lambda: deed(link))
    assert reported[-1] == (number, True, "")
    assert set(reported[:-1]) <= {(number, False, "")}
    assert watches() == 1


def test_a_link_with_two_names(watching, link):
    """If a link with two names is replaced under one of them, a change is reported."""
    os.link(link, link.with_name("second"), follow_symlinks=False)
    number = watching.watch(link, ITSELF)
    assert set(watching.reported(lambda: replace_link(link))) == {(number, False, "")}


def test_a_link_to_a_directory(watching, link):
    """For what a directory holds the link is followed, to the directory's own number."""
    number = watching.watch(link, NAMES, "a.py")
    assert watching.watch(watching.folder, ITSELF) == number
    assert set(watching.reported((link / "a.py").touch)) == {(number, False, "a.py")}
    assert watching.watch(link, ITSELF) != number


def test_two_paths(watching):
    """Two paths to one directory give one number, and the interest grows and never shrinks."""
    number = watching.watch(watching.folder, ITSELF)
    assert watching.reported(watching.file.touch) == []
    assert watching.watch(watching.folder / ".." / watching.folder.name, NAMES, "a.py") == number
    assert set(watching.reported(watching.file.touch)) == {(number, False, "a.py")}
    assert watching.watch(watching.folder, ALL) == number
    assert watching.watch(watching.folder, ITSELF) == number
    assert (number, False, "other") in watching.reported((watching.folder / "other").touch)
    assert watches() == 2


def test_forget(watching):
    """A forgotten directory is not reported any more, while another watcher still reports it."""
    number = watching.watch(watching.folder, ALL)
    other = watching.another()
    in_other = other.directory(str(watching.folder), ALL, trust=False)
    assert watches() == 3
    watching.watcher.forget(number)
    assert watching.reported(watching.file.touch) == []
    assert other.wait(LONG)
    assert watches() == 2
    other.forget(in_other)
    assert watches() == 1
    other.forget(in_other)
    watching.watcher.forget(-1)
    assert watching.watch(watching.folder, ALL) != number


def test_a_path_that_leads_elsewhere(watching, link):
    """A path that is watched again, and leads elsewhere by now, does not end the first watch."""
    first = watching.watch(link, NAMES, "a.py")
    link.unlink()
    link.symlink_to("other")
    (link.parent / "other").mkdir()
    second = watching.watch(link, NAMES, "a.py")
    assert second != first
    assert set(watching.reported(watching.file.touch)) == {(first, False, "a.py")}
    assert set(watching.reported((link / "a.py").touch)) == {(second, False, "a.py")}


def test_no_watch_is_left_behind(watching):
    """After 100,000 times of watch, rename and forget (or report it as gone) none is left."""
    names = [[watching.folder / f"{name}{number}" for name in "ab"] for number in range(50)]
    for path, _ in names:
        path.mkdir()
    for number in range(100_000):
        paths = names[number % 50]
        watched = watching.watcher.directory(str(paths[0]), number % 3, trust=True)
        paths[0].rename(paths[1])
        paths.reverse()
        if number % 4:
            watching.watcher.forget(watched)
        if number % 1000 == 999:
            watching.reported()
    assert watches() == 1  # of the fence
