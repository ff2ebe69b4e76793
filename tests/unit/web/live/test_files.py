"""Files beside the code that reload the page."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from support.livepage import PAGE, answering, asked, inserted, news
from support.wsgicall import BROWSER, call

from wsgireload.web import files as module
from wsgireload.web import middleware
from wsgireload.web.files import Files


class World:
    """Some files, and a clock that stands still."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 0.0
        for name in ("static/a.css", "templates/b/c.html", "other.txt"):
            self.write(name, "one")

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def files(self, *patterns: str) -> Files:
        return Files(patterns, lambda: self.now)

    def later(self, files: Files) -> str:
        self.now += 1.0
        return files.digest(str(self.folder))


@pytest.fixture
def world(tmp_path: Path) -> World:
    """The files of an application."""
    return World(tmp_path)


def test_files_that_reload_the_page(world: World) -> None:
    """A changed, new or deleted file changes the digest; a touch does not."""
    files = world.files("static/*.css", "templates")
    first = world.later(files)
    os.utime(world.folder / "static/a.css", (1, 1))
    world.write("other.txt", "two")
    world.write("templates/b/c.html~", "an editor's")
    assert world.later(files) == first
    world.write("templates/b/c.html", "two")
    second = world.later(files)
    world.write("static/z.css", "new")
    third = world.later(files)
    (world.folder / "static/z.css").unlink()
    assert world.later(files) == second
    assert len({first, second, third}) == 3
    assert world.files().digest(str(world.folder)) == ""


def test_two_processes_see_the_same_files(world: World) -> None:
    """The digest is that of the content: every process gets the same."""
    one, other = world.files("**"), world.files("**")
    assert world.later(one) == world.later(other)


def test_files_are_looked_at_a_few_times_a_second(world: World) -> None:
    """For any number of pages the files are scanned at most four times a second."""
    files = world.files("static/*")
    before = world.later(files)
    world.write("static/a.css", "two!")
    world.now += 0.2
    assert files.digest(str(world.folder)) == before
    world.now += 0.1
    assert files.digest(str(world.folder)) != before


PACKAGES = ("one", "two", "three")


@pytest.mark.parametrize("pattern", [".", "**", "**/*.css", "one"])
def test_folders_that_are_linked_to_each_other(world: World, pattern: str) -> None:
    """Three packages, each with links to all: every file is found, and in no time."""
    for package in PACKAGES:
        world.write(f"{package}/style.css", "one")
        (world.folder / package / "links").mkdir()
        for other in PACKAGES:
            (world.folder / package / "links" / other).symlink_to(world.folder / other)
    files, read = world.files(pattern), set()
    for package in PACKAGES:
        before = world.later(files)
        world.write(f"{package}/style.css", "other")
        assert world.later(files) != before
        read.add(before)
    assert len(read) == len(PACKAGES)
    assert len(files._known) < 60


def test_what_tools_leave_in_a_folder(world: World) -> None:
    """As with `track`: what version control, caches and editors write there reloads no page."""
    files = world.files("templates")
    before = world.later(files)
    for name in (".git/index", "__pycache__/x.pyc", ".a.html.swp", "a.html~", ".#a.html"):
        world.write(f"templates/{name}", "x")
    assert world.later(files) == before


def test_a_large_file_is_not_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than 1 MiB counts by its size and times: a request does not wait for its content."""
    large = world.folder / "static" / "film.css"
    with large.open("wb") as file:
        file.truncate((1 << 20) + 1)
    read: list[str] = []
    real = module.digest_of
    monkeypatch.setattr(
        module, "digest_of", lambda path, found: read.append(path) or real(path, found=found)
    )
    files = world.files("static")
    before = world.later(files)
    os.utime(large, (1, 1))
    assert world.later(files) != before
    assert read == [str(world.folder / "static/a.css")]


def test_what_is_no_file_is_not_opened(world: World) -> None:
    """A pipe in the place of a template neither blocks nor ends the scan."""
    os.mkfifo(world.folder / "templates" / "pipe.html")
    files = world.files("templates")
    before = world.later(files)
    world.write("templates/b/c.html", "two")
    assert world.later(files) != before


def test_one_thread_scans(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that comes while another one scans has the last digest at once."""
    files = world.files("static")
    before = world.later(files)
    world.write("static/a.css", "two!")
    inner: list[str] = []
    real = files._scan

    def scan(folder: str) -> str:
        inner.append(files.digest(folder))
        return real(folder)

    monkeypatch.setattr(files, "_scan", scan)
    assert world.later(files) != before
    assert inner == [before]


def test_relative_ones_start_from_the_script(world: World) -> None:
    """The page reloads for files beside the WSGI script."""
    script = str(world.folder / "app.wsgi")
    served = middleware(answering([PAGE]), live=True, reload_on="static/*.css")
    page = call(served, **BROWSER, SCRIPT_FILENAME=script)
    world.write("static/a.css", "two!")
    path = re.search(rb'data-wsgireload="([^"]*)"', inserted(page))[1].decode()  # type: ignore[index]
    late = middleware(answering([]), live=True, reload_on=["static/*.css"])
    told = json.loads(call(late, path, SCRIPT_FILENAME=script).body)
    assert re.fullmatch(r"\w+\.\w+\.\w*\.\w{16}", told.pop("styles"))
    assert told == {"reload": True, "files": True, "held": None}


def test_where_nothing_restarts_files_still_reload_the_page(say, world: World) -> None:
    """All pages of an inactive monitor have one version, whichever process made them."""
    say(active=False, reason="embedded", generation=None, pid=7)
    page = asked(answering([PAGE]))
    say(active=False, reason="embedded", generation=None, pid=8)
    assert not news(page)["reload"]
