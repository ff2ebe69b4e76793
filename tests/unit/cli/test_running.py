"""What the monitors of a site report, and what the error log says of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.published import publish

from wsgireload.cli.apache.directives import Directive
from wsgireload.cli.apache.sites import Site
from wsgireload.cli.doctor import running
from wsgireload.cli.running import monitors, processes

SCRIPT = "/srv/app.wsgi"
SLOW = "the WSGI script is still being loaded: /srv/hello.py, line 9"
LINE = "wsgireload: inactive: {} [pid 7, application '']"
EMBEDDED = LINE.format("mod_wsgi runs in embedded mode here, where a child may not restart it")


@pytest.mark.parametrize("name", ["wsgiimportscript", "wsgiauthuserscript", "wsgiaccessscript"])
def test_a_script_that_apache_loads_as_well(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Apache's own processes load it too, they are no processes of the site."""
    monkeypatch.setattr(processes, "parent", lambda _pid: 1)
    monkeypatch.setattr(processes, "command_line", lambda _pid: "/usr/sbin/apache2")
    alias = Directive("wsgiscriptalias", ("/", SCRIPT))
    site = Site(SCRIPT, "/", alias, "site", "", None)
    loads = Directive(name, (SCRIPT,))
    assert len(list(running.inactive(site, [alias], [EMBEDDED], 1))) == 1
    assert list(running.inactive(site, [alias, loads], [EMBEDDED], 1)) == []
    other = LINE.format("WSGIRELOAD=off")
    assert len(list(running.inactive(site, [alias, loads], [other], 1))) == 1


def test_a_script_that_hangs(folder: Path) -> None:
    """A monitor watches while its script is being loaded, but nothing is served: it is named."""
    publish(folder, loading=SLOW)
    [found] = running.examine(monitors.find().monitors)
    assert found.level == "warn"
    assert found.text.endswith(SLOW)
