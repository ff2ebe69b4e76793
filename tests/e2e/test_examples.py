"""The examples, with their own apache.conf: what their READMEs tell to save goes live."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from apache import Apache
from examplesite import DJANGO, EXAMPLES, FLASK, ExampleSite
from library import copy_packages, install_packages

SAVES = {
    "bottle": ["mysite.py", "views/front.tpl"],
    "django": ["mysite/views.py", "mysite/templates/front.html", "mysite/settings.py"],
    "flask": ["mysite.py", "templates/front.html"],
    "pyramid": ["mysite.py"],
    "wsgi": ["greeting.py"],
}
WORDS = {"Hello": "Goodbye", "says": "writes", "My site": "Your site"}


@pytest.fixture(scope="module")
def packages(new_folder: Callable[[], Path]) -> Path:
    """All frameworks: those that the unit tests have as well, and the others from PyPI."""
    return copy_packages(install_packages(new_folder(), "pyramid", "bottle"), *DJANGO, *FLASK)


def test_all_are_here() -> None:
    """No example goes untested."""
    assert {path.name for path in EXAMPLES.iterdir()} == SAVES.keys()


@pytest.mark.parametrize("name", SAVES)
def test_saving(apache: Apache, library: Path, packages: Path, name: str) -> None:
    """Each file that one may edit goes live with one restart when it is saved."""
    with ExampleSite(apache, name, [library, packages]) as site:
        try:
            before = site.begin()
            for number, saved in enumerate(SAVES[name]):
                text = (site.app / saved).read_text("utf-8")
                old = next(word for word in WORDS if word in text)
                after = site.save(saved, old, WORDS[old])
                assert after == before.replace(old, WORDS[old])
                assert f"{saved} changed" in site.restarts()[number]
                before = after
            assert len(site.restarts()) == len(SAVES[name])
        finally:
            print(site.log.text())  # noqa: T201 - pytest shows it where a test fails
