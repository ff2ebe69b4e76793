"""When a process is replaced, and that no request is lost by it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from support.apacheserver import wait_for
from support.testsite import START, Site, Sites
from support.traffic import Traffic

LINE = "reload_required = wsgireload.reload_required"
SLOW = "import time\n\ndef answer():\n    time.sleep(7)\n    return 'done'\n"


@pytest.fixture
def asking(new_site: Sites) -> Sites:
    """Makes sites whose script has the line, so that mod_wsgi calls before each request."""

    def new(when: str, processes: int = 1, **options: object) -> Site:
        site = new_site(**options)
        site.edit("app.wsgi", f"{START})", f"{START}, when={when!r})\n{LINE}")
        site.start()
        if options.get("preload"):
            site.wait_for_line("watching: ", count=processes)
        else:
            site.wait_for_looks()
        return site

    return new  # type: ignore[return-value]


@pytest.mark.each_mod_wsgi
def test_next_request(asking) -> None:
    """Nothing restarts until a request comes; that one is answered by the new code, once."""
    site = asking("next-request")
    site.edit("words.py", "old", "new")
    assert "with the next request" in site.wait_for_line("restarting: ")[0].text
    assert site.started() == 1
    assert site.ask().value == "new"
    assert "words.py changed" in site.wait_for_line("reloaded: ")[0].text
    assert site.started() == 2


def test_next_request_with_an_edit_undone(asking) -> None:
    """An edit that is undone before a request comes restarts nothing."""
    site = asking("next-request")
    before = site.ask().pid
    site.edit("words.py", "old", "new")
    site.wait_for_line("restarting: ")
    site.edit("words.py", "new", "old")
    site.wait_for_line("changed back: ")
    assert (site.ask().pid, site.started()) == (before, 1)


def test_next_request_while_it_does_not_compile(asking) -> None:
    """A held change rejects no request."""
    site = asking("next-request")
    site.edit("words.py", 'WORD = "old"', 'WORD = "old')
    site.wait_for_line("holding: ")
    assert (site.ask().value, site.started()) == ("old", 1)


def test_next_request_without_the_line(new_site: Sites) -> None:
    """For a script without the line the log has what to add, and the old code keeps serving."""
    site = new_site()
    site.edit("app.wsgi", f"{START})", f"{START}, when='next-request')")
    site.start()
    site.wait_for_looks()
    site.edit("words.py", "old", "new")
    assert LINE in site.wait_for_line("holding: ")[0].text
    assert (site.ask().value, site.started()) == ("old", 1)


def test_next_request_preloaded(asking) -> None:
    """A preloaded application is not restarted at each save while no request comes."""
    site = asking("next-request", preload=True)
    for number in range(3):
        site.write("words.py", f"WORD = {number}\n")
        site.wait_for_line("restarting: ")
    assert site.started() == 1
    site.wait_for_value(2)  # the last save may not have been noticed yet
    assert site.started() == 2


def test_auto_while_idle(asking) -> None:
    """Without requests the new process is there before the next one."""
    site = asking("auto")
    site.edit("words.py", "old", "new")
    site.wait_for_start(2)
    assert site.ask().value == "new"
    assert site.started() == 2


@pytest.mark.each_mod_wsgi
def test_auto_with_a_long_request(asking) -> None:
    """A request that takes longer than mod_wsgi would wait ends first; then the new code serves."""
    site = asking("auto", daemon="threads=5 shutdown-timeout=4")
    site.write("slow.py", SLOW)
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(site.ask, "slow.answer")
        wait_for(lambda: "slow" in site.ask("words.loaded").value, "the slow request")
        site.edit("words.py", "old", "new")
        site.wait_for_line("restarting: ")
        assert slow.result().value == "done"
    assert site.wait_for_value("new").value == "new"


@pytest.mark.parametrize("when", ["auto", "next-request"])
def test_four_processes(asking, when: str) -> None:
    """Once all processes have noticed no request is answered by old code, and none is lost."""
    site = asking(when, 4, daemon="processes=4 threads=1", preload=True)
    site.write("slow.py", SLOW.replace("7", "2"))
    with ThreadPoolExecutor() as pool:  # four at once need all four, and so load them all
        assert len({answer.pid for answer in pool.map(site.ask, ["slow.answer"] * 4)}) == 4
    with Traffic(site) as traffic, ThreadPoolExecutor(8) as pool:
        site.edit("words.py", "old", "new")
        wait_for(lambda: len({line.pid for line in site.said("restarting: ")}) == 4, "all four")
        answers = {answer.value for answer in pool.map(site.ask, ["words.WORD"] * 200)}
    assert answers == {"new"}
    assert traffic.lost == []
