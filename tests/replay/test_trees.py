"""Whole trees that change at once: git's checkout, releases, folders that are renamed and replaced,
and those of which no event tells. Monitors with real events, and what they ask of the server.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.waiting import wait_for

from wsgireload.detect import sweep
from wsgireload.detect.digest import digest_of
from wsgireload.errors import NativeError
from wsgireload.server.watcher import Watcher
from wsgireload.watch import events

SETTLE = 1.0
AT_ONCE = 15.0
"""Less than the 20 times SETTLE for a file that looks unfinished, and than the 30 s of a sweep."""
FILES = 1_000

Tree = dict[str, bytes]


def tree(version: int, files: int) -> Tree:
    """A tree of modules and templates: the even ones are the same in all versions."""
    names = [f"pkg{n % 25}/m{n}{'.py' if n % 3 else '.html'}" for n in range(files)]
    return {
        name: b"answer = %d\n" % (n if n % 2 == 0 else n + version * files)
        for n, name in enumerate(names)
    }


def digested(files: Tree, folder: Path) -> Tree:
    """The digests of a tree's files, which are written to a folder for that."""
    write(files, folder)
    found = {name: digest_of(str(folder / name)) for name in files}
    shutil.rmtree(folder)
    return found


def write(files: Tree, folder: Path) -> None:
    """Write a tree into a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def git(folder: Path, *arguments: str) -> None:
    """Run git in a folder, as nobody in particular."""
    who = ("-c", "user.name=n", "-c", "user.email=n@localhost", "-c", "core.autocrlf=false")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("watch", ["auto", "poll"])
def test_git_checkout(app: Any, tmp_path: Path, watch: str) -> None:
    """From one branch to another, of a thousand files each: one restart, at the end."""
    branches = [tree(version, FILES) for version in (1, 2)]
    for n in range(0, FILES, 30):  # templates: for a module that is gone we would wait 5 s longer
        branches[1][f"new{n}/added.py"] = b"answer = 1\n"
        del branches[1][f"pkg{n % 25}/m{n}.html"]
    git(app.root, "init", "-q")
    for name, files in zip("ab", branches, strict=True):
        git(app.root, "checkout", "-q", "--orphan", name)
        for old in [path for path in app.root.iterdir() if path.name != ".git"]:
            shutil.rmtree(old)
        write(files, app.root)
        git(app.root, "add", "-A")
        git(app.root, "commit", "-qm", name)
    git(app.root, "checkout", "-q", "a")
    # A program is run for each module that is written, so that it takes a while.
    (app.root / ".git/info/attributes").write_text("*.py filter=slow\n")
    git(app.root, "config", "filter.slow.smudge", "cat")
    monitor = app.begin(watch=watch, settle=2.0)
    git(app.root, "checkout", "-q", "b")
    app.restarted()
    assert app.asked == [digested(branches[1], tmp_path / "expected")]
    assert len(monitor.status().changed) > FILES / 2
    app.idle(app.begin(watch=watch))


def test_a_folder_that_comes_back(app: Any) -> None:
    """Renamed away, noticed, and renamed back: no restart; an edit in there is noticed then."""
    write({f"pkg/m{n}.py": b"answer = 1\n" for n in range(50)}, app.root)
    monitor = app.begin(settle=SETTLE)
    for folder in (app.root, app.root / "pkg"):
        folder.rename(app.root.parent / "away")
        wait_for(lambda: len(monitor.status().changed) == 50)
        (app.root.parent / "away").rename(folder)
        wait_for(lambda: monitor.status().changed == ())
        app.idle(monitor)
    assert app.asked == []
    edited = app.root / "pkg/m7.py"
    edited.write_bytes(b"answer = 2\n")
    assert app.restarted() < AT_ONCE
    assert monitor.status().changed == (str(edited),)


@pytest.mark.parametrize("how", ["renamed", "removed and copied"])
def test_a_tree_that_is_replaced(app: Any, tmp_path: Path, how: str) -> None:
    """One restart, when all of the other tree is there; and edits in that are noticed."""
    write(tree(1, 200), app.root)
    other = tree(2, 200)
    write(other, tmp_path / "next")
    app.begin(settle=SETTLE)
    if how == "renamed":
        app.root.rename(tmp_path / "old")
        (tmp_path / "next").rename(app.root)
    else:
        shutil.rmtree(app.root)
        shutil.copytree(tmp_path / "next", app.root)
    assert app.restarted() < AT_ONCE
    assert app.asked == [digested(other, tmp_path / "expected")]
    monitor = app.begin(settle=SETTLE)
    app.idle(monitor)
    (app.root / "pkg1/m1.py").write_bytes(b"answer = 0\n")
    assert app.restarted() < AT_ONCE
    assert len(app.asked) == 2


def test_a_release_that_is_swapped(app: Any, tmp_path: Path) -> None:
    """A link that leads to another release: one restart at once, and edits there are noticed."""
    for version in (1, 2):
        write(tree(version, 100), tmp_path / f"releases/{version}")
    app.root.rmdir()
    app.root.symlink_to("releases/1")
    monitor = app.begin(settle=SETTLE, interval=60.0)
    (tmp_path / "new").symlink_to("releases/2")
    (tmp_path / "new").replace(app.root)
    assert app.restarted() < AT_ONCE
    assert len(monitor.status().changed) == 50
    monitor = app.begin(settle=SETTLE, interval=60.0)
    (tmp_path / "releases/1/pkg1/m1.py").write_bytes(b"answer = 0\n")  # of no concern any more
    (tmp_path / "releases/2/pkg2/m2.py").write_bytes(b"answer = 0\n")
    assert app.restarted() < AT_ONCE
    assert monitor.status().changed == (str(app.root / "pkg2/m2.py"),)


def test_a_mount_without_events(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file system that does not tell everything nothing is asked: there an edit, and a file
    that comes, are noticed by polling; elsewhere by events as ever.
    """
    mount = app.root / "mount"
    write({"mount/pkg/a.html": b"1", "pkg/b.html": b"1"}, app.root)

    class Partly(Watcher):
        def directory(self, path: str, interest: int, *, trust: bool) -> int:
            if path.startswith(str(mount)) and not trust:
                raise NativeError("wsgireload_watch_directory", 0, "FUSE")
            return super().directory(path, interest, trust=trust)

    monkeypatch.setattr(events, "Watcher", Partly)
    monkeypatch.setattr(sweep, "ROUND", 1e9)  # it is not the sweep that finds it
    for name in ("mount/pkg/a.html", "pkg/b.html", "mount/new/c.html"):
        monitor = app.begin(settle=SETTLE)
        write({name: b"2"}, app.root)
        assert app.restarted() < AT_ONCE
        assert monitor.status().changed == (str(app.root / name),)
    assert len(app.asked) == 3
