"""Where no restart is possible or wanted: inactive, one log line says why, and no harm."""

from __future__ import annotations

import pytest
from support.testsite import START, Site, Sites


def assert_inactive(site: Site, why: str) -> None:
    """The site is up, logs once why it does not reload, and has no thread that could."""
    site.start()
    before = site.ask()
    assert before.value == "old"
    assert before.status["active"] is False
    assert why in str(before.status["reason"])
    assert "wsgireload" not in str(site.ask("threading.enumerate").value)
    site.edit("words.py", "old", "new")
    after = site.ask()
    assert (after.value, after.pid, after.parent) == ("old", before.pid, site.pid)
    [said] = site.said()
    assert said.text.startswith("wsgireload: inactive: ")
    assert why in said.text


def test_embedded_mode(new_site: Sites) -> None:
    """In a child of Apache itself no process is ever signalled."""
    # In a sub-interpreter, 4.9.4 would take until Apache kills it to end.
    site = new_site(daemon=None, group="%{GLOBAL}")
    assert_inactive(site, "embedded mode")
    assert "SIG" not in site.log.text()
    assert site.ask().status["server"] == "embedded"


def test_one_process(new_site: Sites) -> None:
    """With -X Apache replaces no daemon process that ends, so none is ended."""
    site = new_site()
    site.arguments = ["-X"]
    assert_inactive(site, "httpd -X")


def test_switched_off_in_the_environment(new_site: Sites) -> None:
    """WSGIRELOAD=off in Apache's environment switches it off."""
    assert_inactive(new_site(environment={"WSGIRELOAD": "off"}), "WSGIRELOAD=off")


def test_switched_off_in_the_script(new_site: Sites) -> None:
    """enabled=False switches it off."""
    site = new_site()
    site.edit("app.wsgi", START, f"{START}, enabled=False")
    assert_inactive(site, "enabled=False")


@pytest.mark.each_mod_wsgi
@pytest.mark.parametrize("group", [None, "%{GLOBAL}"])
def test_interpreters(new_site: Sites, group: str | None) -> None:
    """Sub-interpreter or main interpreter: the monitor is active in both."""
    site = new_site(group=group)
    site.start()
    assert site.ask().status["active"] is True
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")
