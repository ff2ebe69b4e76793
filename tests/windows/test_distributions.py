"""XAMPP's and WampServer's folders: a site in them, and each command there."""

from __future__ import annotations

from typing import Any

import pytest
from support.windows import installed
from support.windows.distributions import Distribution, WampServer, Xampp
from support.windows.testsite import WindowsSites


def well(*words: object) -> str:
    """What `python -m wsgireload` prints, where it finds nothing wrong."""
    done = installed.python("-m", "wsgireload", *map(str, words))
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("kind", [Xampp, WampServer])
def test_each_command(new_site: WindowsSites, kind: type[Distribution]) -> None:
    """Each needs no more than the path of httpd.exe, and finds the site that is served."""
    site: Any = new_site(kind=kind)
    site.start()
    site.wait_for_looks()
    apache = ("--httpd", site.httpd)
    said = well("doctor", site.app / "app.wsgi", *apache)
    assert "app.wsgi" in said
    assert "fail" not in said
    assert "WSGIScriptAlias" in well("config", site.app / "app.wsgi", *apache)
    assert str(site.child) in well("status")
    before = site.child
    well("restart", "--pid-file", site.pid_file, *apache)
    site.wait_for(lambda: site.child != before, "another child")
    site.wait_for_one_child()
    site.wait_for_looks()
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")
