"""The examples, with their own apache.conf: each edit that a README suggests goes live."""

from __future__ import annotations

import pytest
from support.examplesite import EXAMPLES, ExampleSites
from support.packages import DJANGO

SAVES = {
    "bottle": ["mysite.py", "views/front.tpl"],
    "django": ["mysite/views.py", "mysite/templates/front.html", "mysite/settings.py"],
    "flask": ["mysite.py", "templates/front.html"],
    "pyramid": ["mysite.py"],
    "wsgi": ["greeting.py"],
}
CASES = [
    ("bottle", "bottle==0.13.*"),
    *(("django", version) for version in DJANGO),
    ("flask", "flask==2.3.*"),
    ("flask", "flask==3.*"),
    ("pyramid", "pyramid==2.*"),
    ("wsgi", None),
]
WORDS = {"Hello": "Goodbye", "says": "writes", "My site": "Your site"}


def test_all_are_here() -> None:
    """No example goes untested."""
    names = {path.name for path in EXAMPLES.iterdir()}
    assert names == SAVES.keys() == {name for name, _ in CASES}


@pytest.mark.parametrize(("name", "required"), CASES)
def test_saving(new_example: ExampleSites, name: str, required: str | None) -> None:
    """Each file that one may edit goes live with one restart when it is saved."""
    site = new_example(name, *([required] if required else []))
    before = site.begin()
    for number, saved in enumerate(SAVES[name]):
        text = (site.app / saved).read_text("utf-8")
        old = next(word for word in WORDS if word in text)
        after = site.save(saved, old, WORDS[old])
        assert after == before.replace(old, WORDS[old])
        assert f"{saved} changed" in site.restarts()[number]
        before = after
    assert len(site.restarts()) == len(SAVES[name])
