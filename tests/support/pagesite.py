"""Sites that show pages, made of tests/browser/app."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from support.testsite import Site, Sites

PAGES = Path(__file__).parents[1] / "browser" / "app"
SCRIPT = "web.wsgi"


def page_site(new_site: Sites, **options: Any) -> Site:
    """A site of pages, not started yet; takes the options of `Application`."""
    site = new_site(scripts={"/": SCRIPT}, **options)
    shutil.copytree(PAGES, site.app, dirs_exist_ok=True)
    return site


def save(site: Site, text: str) -> None:
    """Save the view with another text."""
    (site.app / "views.next").write_text(
        (site.app / "views.py").read_text().replace(old_text(site), f'TEXT = "{text}"')
    )
    (site.app / "views.next").rename(site.app / "views.py")


def old_text(site: Site) -> str:
    """The line with the text of the page."""
    lines = (site.app / "views.py").read_text().splitlines()
    return next(line for line in lines if line.startswith("TEXT = "))
