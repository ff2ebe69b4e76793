"""A configuration that `httpd -t` accepts, and with which a restarted Apache would end."""

from __future__ import annotations

import socket

import pytest
from support.windows.testsite import WindowsSite


def test_a_port_that_is_taken(site: WindowsSite) -> None:
    """A new Listen for a port of another program is held; once that has ended, it goes on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with site.config.open("a", encoding="utf-8") as file:
            file.write(f"Listen 127.0.0.1:{port}\n")
        site.edit("words.py", "old", "new")
        assert f"127.0.0.1:{port}' is new" in site.wait_for_line("holding: ")[0].text
        assert (site.ask().value, site.restarts()) == ("old", 0)
    site.wait_for_value("new")
    site.wait_for_looks()
    assert site.restarts() == 1


def test_no_port_is_left(site: WindowsSite) -> None:
    """A configuration without any Listen is held, and its repair restarts."""
    good = site.config.read_text("utf-8")
    site.config.write_text(good.replace("\nListen ", "\n#Listen "), "utf-8")
    site.edit("words.py", "old", "new")
    assert "httpd.conf: no Listen is left" in site.wait_for_line("holding: ")[0].text
    assert (site.ask().value, site.restarts()) == ("old", 0)
    site.config.write_text(good, "utf-8")
    site.wait_for_value("new")


def test_a_port_that_is_free(site: WindowsSite) -> None:
    """A new Listen for a free port holds nothing, and the next save finds it known."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
    with site.config.open("a", encoding="utf-8") as file:
        file.write(f"Listen 127.0.0.1:{port}\n")
    for old, new in [("old", "new"), ("new", "newer")]:
        site.edit("words.py", old, new)
        site.wait_for_value(new)
        site.wait_for_one_child()
        site.wait_for_looks()
    assert (site.restarts(), site.said("holding: ")) == (2, [])


@pytest.mark.parametrize(
    ("log", "why"), [("|bin/x.exe error.log", "there is no program"), ("bin", "bin is a folder")]
)
def test_a_log_that_cannot_be_opened(site: WindowsSite, log: str, why: str) -> None:
    """A new log that would end Apache is held, and its repair restarts."""
    good = site.config.read_text("utf-8")
    section = f'<VirtualHost *:1>\n  ErrorLog "{log}"\n</VirtualHost>\n'
    site.config.write_text(f"{good}\n{section}", "utf-8")
    site.edit("words.py", "old", "new")
    line = site.wait_for_line("holding: ")[0].text
    assert f"'ErrorLog \"{log}\"' is new, and Apache would end: " in line
    assert why in line
    assert (site.ask().value, site.restarts()) == ("old", 0)
    site.config.write_text(good, "utf-8")
    site.wait_for_value("new")
