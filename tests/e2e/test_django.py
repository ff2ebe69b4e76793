"""A Django project as people have it: settings, a view, a template that a loader caches."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from apache import Apache
from httpdconf import Application
from library import copy_packages
from server import Server, wait_for

PROJECT = Path(__file__).parent / "project"


@pytest.fixture(scope="session")
def library(library: Path) -> Path:
    """Django and what it needs, beside wsgireload."""
    return copy_packages(library, "django", "asgiref", "sqlparse")


@pytest.fixture
def server(apache: Apache, library: Path) -> Iterator[Server]:
    """The project, started and asked once."""
    served = Application(scripts={"/": "shop/wsgi.py"}, python_path=[library])
    with Server(apache, served) as server:
        shutil.copytree(PROJECT, server.app, dirs_exist_ok=True)
        server.start()
        assert server.get() == "old title: old view, old template\n"
        wait_for(lambda: server.log.lines("wsgireload: watching: "), "the first look")
        yield server
        print(server.log.text())  # noqa: T201 - pytest shows it where a test fails


@pytest.mark.parametrize(
    ("name", "after"),
    [
        ("shop/views.py", "old title: new view, old template\n"),
        ("shop/settings.py", "new title: old view, old template\n"),
        ("shop/templates/front.html", "old title: old view, new template\n"),
    ],
)
def test_an_edit(server: Server, name: str, after: str) -> None:
    """A view, the settings, a template: each goes live with one restart."""
    path = server.app / name
    path.write_text(path.read_text().replace("old", "new"))
    wait_for(lambda: server.get() == after, after)
    [asked] = server.log.lines("wsgireload: restarting: ")
    assert f"{path} changed" in asked.text
