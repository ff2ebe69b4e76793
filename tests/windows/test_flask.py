"""examples/flask, with `wsgireload.flask`, on a winnt Apache."""

from __future__ import annotations

import pytest
from support.examplesite import EXAMPLES
from support.windows.testsite import WindowsSites

pytest.importorskip("flask")


def test_a_template(new_site: WindowsSites) -> None:
    """A template goes live with one restart when it is saved."""
    site = new_site(application=EXAMPLES / "flask", group="%{GLOBAL}")
    site.start()
    assert site.get() == "Flask says: Hello!"
    site.wait_for(lambda: site.said("watching: "), "the first look")
    site.edit("templates/front.html", "says", "writes")
    site.wait_for(lambda: site.get() == "Flask writes: Hello!", "the new template")
    assert "front.html changed" in site.said("restarting: ")[0].text
    assert site.restarts() == 1
