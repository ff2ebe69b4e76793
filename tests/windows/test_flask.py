"""examples/flask, with `wsgireload.flask`, on a winnt Apache (under wine)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from support.examplesite import EXAMPLES
from support.windows.lab import PYTHONS
from support.windows.testsite import WindowsSites


def test_a_template(new_site: WindowsSites, frameworks: Callable[..., Path]) -> None:
    """A template goes live with one restart when it is saved."""
    site = new_site(
        PYTHONS[-1],
        application=EXAMPLES / "flask",
        more=(frameworks("flask==3.*"),),
        group="%{GLOBAL}",
    )
    site.start()
    assert site.get() == "Flask says: Hello!"
    site.wait_for(lambda: site.said("watching: "), "the first look")
    site.edit("templates/front.html", "says", "writes")
    site.wait_for(lambda: site.get() == "Flask writes: Hello!", "the new template")
    assert "front.html changed" in site.said("restarting: ")[0].text
    assert site.restarts() == 1
