"""New code that fails while it is loaded: saving the repair brings the site back."""

from __future__ import annotations

import re

import pytest
from support.apacheserver import ServerError
from support.testsite import Site, fails

SHAPES = {
    "a module": ("words.py", "WORD =", "raise RuntimeError('no good')\nWORD ="),
    "the script": ("app.wsgi", "import words ", "raise RuntimeError('no good')\nimport words "),
    "a missing import": ("words.py", "WORD =", "import no_such_module\nWORD ="),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_failed_start(site: Site, shape: str) -> None:
    """The site answers 500 and Apache's log has the reason; repaired code serves without a hand."""
    site.noisy = True
    name, good, bad = SHAPES[shape]
    site.edit(name, good, bad)
    site.wait_for(lambda: fails(site), "an answer of 500")
    assert any("no good" in x.text or "no_such_module" in x.text for x in site.log.lines())
    expected = re.compile(r"not be loaded: \w+Error: .*(no good|no_such_module)")
    site.wait_for(lambda: any(expected.search(x.text) for x in site.log.lines()), "the reason")
    site.edit("words.py", '"old"', '"new"')
    with pytest.raises(ServerError, match="500"):
        site.ask()
    site.edit(name, bad, good)
    site.wait_for(lambda: not fails(site), "an answer")
    assert site.wait_for_value("new").value == "new"
