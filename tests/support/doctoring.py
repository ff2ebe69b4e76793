"""What the tests of the doctor share: a site's configuration, and what was found wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from support.httpdconf import httpd_conf
from support.testsite import Site

Doctor = Callable[..., dict[str, dict[str, str]]]


def configure(site: Site, old: str = "", new: str = "") -> Path:
    """Write the configuration of the site, with one text replaced by another."""
    text = httpd_conf(site.apache, site.served, site.root, 65000, site.user)
    assert old in text
    path = site.root / "httpd.conf"
    path.write_text(text.replace(old, new) if old else text + new)
    return path


def bad(found: dict[str, dict[str, str]]) -> dict[str, str]:
    """The levels of the findings that are not ok."""
    return {what: each["level"] for what, each in found.items() if each["level"] != "ok"}
