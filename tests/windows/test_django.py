"""examples/django, with its app `wsgireload.django`, on a winnt Apache."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.examplesite import EXAMPLES
from support.windows.testsite import WindowsSite, WindowsSites

pytest.importorskip("django")


@pytest.fixture
def site(new_site: WindowsSites) -> WindowsSite:
    """The project, started and asked once."""
    site: WindowsSite = new_site(
        application=EXAMPLES / "django", scripts={"/": "mysite/wsgi.py"}, group="%{GLOBAL}"
    )
    site.start()
    assert site.get() == "My site says: Hello!\n"
    site.wait_for(lambda: site.said("watching: "), "the first look")
    return site


def test_edits(site: WindowsSite) -> None:
    """A view and a template: each goes live with one restart."""
    saves = (
        ("mysite/views.py", "Hello", "Goodbye", "My site says: Goodbye!\n"),
        ("mysite/templates/front.html", "says", "writes", "My site writes: Goodbye!\n"),
    )
    for number, (name, old, new, answer) in enumerate(saves, start=1):
        site.edit(name, old, new)
        site.wait_for(lambda answer=answer: site.get() == answer, answer)
        site.wait_for(lambda count=number: len(site.said("watching: ")) > count, "the next look")
        assert f"{Path(name).name} changed" in site.said("restarting: ")[-1].text
        assert site.restarts() == number
