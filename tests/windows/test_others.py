"""Beside others: a restart by hand, a second service, an Apache that has much to say."""

from __future__ import annotations

import pytest
from support.windows import installed, processes
from support.windows.testsite import WindowsServiceSite, WindowsSite, WindowsSites

WARNING = """\
<VirtualHost 127.0.0.1:1>
  DocumentRoot "C:/there is no folder of this name for site {}"
</VirtualHost>
"""
WARNINGS = 60
"""So many are more than 5 KB of text."""


def test_warnings_of_apache(new_site: WindowsSites) -> None:
    """5 KB of warnings by `httpd -t` hold nothing up, and hide no error that follows them."""
    site: WindowsSite = new_site(directives="".join(map(WARNING.format, range(WARNINGS))))
    site.start()
    checked = installed.run(site.httpd, "-d", site.root, "-f", site.config, "-t")
    assert len(checked.stderr) > 5000
    site.wait_for_looks()
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")
    site.wait_for_one_child()
    site.wait_for_looks()
    with site.broken():
        site.edit("words.py", "new", "newer")
        assert "NoSuchDirective" in site.wait_for_line("holding: ")[0].text
    site.wait_for_value("newer")
    assert site.restarts() == 2


def test_a_restart_by_hand_beside_ours(site: WindowsSite) -> None:
    """Whoever restarts Apache as we do: the new code serves, and nothing restarts for ever."""
    site.edit("words.py", "old", "new")
    site.restart()
    site.wait_for_value("new")
    site.wait_for_one_child()
    site.wait_for_looks()
    assert site.restarts() <= 2
    site.edit("words.py", "new", "newer")
    site.wait_for_value("newer")


@pytest.mark.skipif(not processes.administrator(), reason="it takes an administrator")
def test_two_services(new_site: WindowsSites) -> None:
    """Of two services, the one restarts whose code has changed."""
    sites = [new_site(kind=WindowsServiceSite) for _ in range(2)]
    for site in sites:
        site.start()
    for site in sites:
        site.wait_for_looks()
    ours, other = sites
    ours.edit("words.py", "old", "new")
    ours.wait_for_value("new")
    ours.wait_for_one_child()
    other.wait_for_looks()
    assert (ours.restarts(), other.restarts()) == (1, 0)
