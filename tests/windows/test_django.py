"""The Django project of tests/e2e on a winnt Apache (under wine)."""

from __future__ import annotations

from pathlib import Path

import pytest
from library import copy_packages
from testsite import APPLICATION
from windows.lab import PYTHONS
from windows.testsite import WindowsSite, WindowsSites


@pytest.fixture(scope="session")
def django(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Django and what it needs, all of it pure Python."""
    return copy_packages(tmp_path_factory.mktemp("django"), "django", "asgiref", "sqlparse")


@pytest.fixture(params=PYTHONS)
def site(request: pytest.FixtureRequest, new_site: WindowsSites, django: Path) -> WindowsSite:
    """The project, started and asked once."""
    site: WindowsSite = new_site(
        request.param,
        application=APPLICATION.with_name("project"),
        more=(django,),
        scripts={"/": "shop/wsgi.py"},
        group="%{GLOBAL}",
    )
    site.start()
    assert site.get() == "old title: old view, old template\n"
    site.wait_for(lambda: site.said("watching: "), "the first look")
    return site


def test_edits(site: WindowsSite) -> None:
    """A view and the settings: each goes live with one restart."""
    site.edit("shop/views.py", "old", "new")
    site.wait_for(lambda: site.get() == "old title: new view, old template\n", "the new view")
    site.wait_for(lambda: len(site.said("watching: ")) == 2, "the next monitor")
    site.edit("shop/settings.py", "old", "new")
    site.wait_for(lambda: site.get() == "new title: new view, old template\n", "the new settings")
    assert site.restarts() == 2
    assert "views.py changed" in site.said("restarting: ")[0].text
    assert "settings.py changed" in site.said("restarting: ")[1].text
