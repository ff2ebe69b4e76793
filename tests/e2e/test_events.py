"""With hours between two scans, only an event reports a change in time."""

from __future__ import annotations

import shutil

import pytest
from support.testsite import Site, Sites


@pytest.fixture
def site(new_site: Sites) -> Site:
    """A site that scans once an hour, with a release that a link leads to and a tracked folder."""
    site = new_site()
    for release in ("1", "2"):
        site.write(f"releases/{release}/shop.py", f"RELEASE = {release}\n")
    (site.app / "current").symlink_to("releases/1")
    site.write("templates/mail/hello.txt", "hello")
    site.edit("app.wsgi", "interval=0.1", "interval=3600, track=[f'{FOLDER}/templates']")
    site.edit("app.wsgi", "import wsgireload\n", "import os, sys, wsgireload\n" + PATHS)
    site.start()
    assert site.ask("shop.RELEASE").value == 1
    return site


PATHS = "FOLDER = os.path.dirname(__file__)\nsys.path.insert(0, f'{FOLDER}/current')\n"


def test_an_edit(site: Site) -> None:
    """A module that is edited, twice."""
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")
    site.edit("words.py", "new", "newer")
    site.wait_for_value("newer")
    assert site.started() == 3


def test_a_file_that_appears(site: Site) -> None:
    """A file that is new in a folder below a tracked one, and one in a folder that is new."""
    site.wait_for_line("watching: ")
    site.write("templates/mail/bye.txt", "bye")
    site.wait_for_line("restarting: ")
    site.wait_for_start(2)
    site.ask()
    site.wait_for_line("watching: ", count=2)
    site.write("templates/news/today.txt", "nothing")
    site.wait_for_line("restarting: ", count=2)


def test_another_release(site: Site) -> None:
    """The link is led to another release, and the old one is removed under us."""
    (site.app / "next").symlink_to("releases/2")
    (site.app / "next").rename(site.app / "current")
    shutil.rmtree(site.app / "releases/1")
    site.wait_for_value(2, "shop.RELEASE")
    assert site.started() == 2


def test_the_folder_is_replaced(site: Site) -> None:
    """A whole tree takes the place of another."""
    site.write("releases/1.new/shop.py", "RELEASE = 3\n")
    (site.app / "releases/1").rename(site.app / "releases/1.old")
    (site.app / "releases/1.new").rename(site.app / "releases/1")
    site.wait_for_value(3, "shop.RELEASE")
    assert site.started() == 2
