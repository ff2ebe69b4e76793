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
