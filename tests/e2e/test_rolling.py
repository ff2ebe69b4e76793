"""rolling=True: one process at a time, and a version that does not start stops the roll."""

from __future__ import annotations

import pytest
from support.testsite import START, Site, Sites
from support.traffic import Traffic


@pytest.fixture
def rolling(new_site: Sites) -> Sites:
    """Makes a preloaded site of four processes that roll, with each `when`."""

    def new(when: str) -> Site:
        site = new_site(daemon="processes=4 threads=2", preload=True)
        line = "\nreload_required = wsgireload.reload_required" if when != "now" else ""
        settings = f"rolling=True, when={when!r}"
        site.edit("app.wsgi", f"{START})", f"{START}, {settings}){line}\nimport words")
        site.start()
        site.wait_for_line("watching: ", count=4)
        return site

    return new  # type: ignore[return-value]


@pytest.mark.parametrize("when", ["now", "auto", "next-request"])
def test_one_by_one(rolling, when: str) -> None:
    """Each process goes when the successor of the last is up, and no request is lost."""
    site = rolling(when)
    with Traffic(site) as traffic:
        site.edit("words.py", "old", "new")
        site.wait_for_line("reloaded: ", count=4)
    said = [(line.pid, line.text.split(":")[1].strip()) for line in site.said("re")]
    # With auto a process may say twice that it goes: with the next request, and as it is idle.
    ours = [word for number, (pid, word) in enumerate(said) if said[number - 1] != (pid, word)]
    assert ours == ["restarting", "reloaded"] * 4
    assert {site.ask().value for _ in range(20)} == {"new"}
    assert traffic.lost == []


def test_a_version_that_does_not_start(rolling) -> None:
    """Three processes keep the old code and log why; after the repair all four run the new code."""
    site = rolling("now")
    site.noisy, site.patience = True, 100.0
    site.edit("words.py", 'WORD = "old"', 'raise RuntimeError("broken")')
    assert "stopped" in site.wait_for_line("holding: ", count=3)[0].text
    assert len(site.said("restarting: ")) == 1
    site.edit("words.py", 'raise RuntimeError("broken")', 'WORD = "new"')
    site.wait_for_line("restarting: ", count=5)
    site.wait_for_line("reloaded: ", count=4)
    assert {site.ask().value for _ in range(20)} == {"new"}
