"""More than one interpreter, process, thread or start()."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from support.apacheserver import wait_for
from support.testsite import START, Answer, Site, Sites

SLOW = """\
import time


def answer():
    time.sleep(2)
    return "done"
"""


@contextmanager
def slow_request(site: Site) -> Iterator[Future[Answer]]:
    """A request that is inside the application while the block runs, and ends a bit later."""
    site.write("slow.py", SLOW)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(site.ask, "slow.answer")
        # Once the request is inside, slow.py is loaded: another one sees that.
        wait_for(lambda: "slow" in site.ask("words.loaded").value, "the slow request")
        yield answer


def test_two_interpreters_of_one_process(new_site: Sites) -> None:
    """Both notice the change of a file they share, one requests, and the process restarts once."""
    site = new_site(scripts={"/": "app.wsgi", "/b": "b.wsgi"})
    shutil.copy(site.app / "app.wsgi", site.app / "b.wsgi")
    site.start()
    assert site.ask().pid == site.ask(at="/b").pid
    site.wait_for_looks()
    site.wait_for_looks(at="/b")
    site.edit("words.py", "old", "new")
    assert site.wait_for_value("new").pid == site.wait_for_value("new", at="/b").pid
    site.wait_for_looks()
    site.wait_for_looks(at="/b")
    assert site.started() == 2
    # The other one is ended before it can request, or logs that the restart is requested already.
    late = [line for line in site.said("restarting: ") if "is being replaced already" in line.text]
    assert len(site.said("restarting: ")) == 1 + 2 * len(late)


def test_the_other_interpreters_file(new_site: Sites) -> None:
    """A file that only one application of a process uses restarts that process, once."""
    site = new_site(scripts={"/": "app.wsgi", "/b": "b.wsgi"})
    shutil.copy(site.app / "app.wsgi", site.app / "b.wsgi")
    site.write("only_b.py", 'WORD = "old"\n')
    site.start()
    site.ask()
    site.ask("only_b.WORD", at="/b")
    site.wait_for_looks(at="/b")
    site.write("only_b.py", 'WORD = "new"\n')
    site.wait_for_value("new", "only_b.WORD", at="/b")
    assert site.started() == 2


@pytest.mark.parametrize("is_first", [True, False])
def test_the_other_interpreter_is_broken(new_site: Sites, is_first: bool) -> None:
    """Of two applications in one process, none is restarted while the other's code is rejected."""
    site = new_site(scripts={"/": "app.wsgi", "/b": "b.wsgi"})
    shutil.copy(site.app / "app.wsgi", site.app / "b.wsgi")
    broken, good = ("only_a", "only_b") if is_first else ("only_b", "only_a")
    at = {"only_a": "/", "only_b": "/b"}
    for name in at:
        site.write(f"{name}.py", 'WORD = "old"\n')
    site.noisy = True
    site.start()
    for name, url in at.items():
        assert site.ask(f"{name}.WORD", at=url).value == "old"
        site.wait_for_looks(at=url)
    site.write(f"{broken}.py", "WORD = = 1\n")  # at once, as by `git pull`
    site.write(f"{good}.py", 'WORD = "new"\n')
    site.wait_for_line("holding: this process also serves ")
    assert {site.ask(f"{name}.WORD", at=url).value for name, url in at.items()} == {"old"}
    assert site.started() == 1
    site.write(f"{broken}.py", 'WORD = "new"\n')
    for name, url in at.items():
        site.wait_for_value("new", f"{name}.WORD", at=url)


@pytest.mark.each_mod_wsgi
def test_three_processes(new_site: Sites) -> None:
    """All processes of a group are replaced, each once, and none stays behind with old code."""
    site = new_site(daemon="processes=3 threads=1", preload=True)
    site.write("slow.py", SLOW)
    site.start()
    # One thread in each process: three requests at once need all three, and so load them all.
    with ThreadPoolExecutor() as pool:
        before = {answer.pid for answer in pool.map(site.ask, ["slow.answer"] * 3)}
    assert before == site.daemons()
    site.edit("words.py", "old", "new")
    wait_for(lambda: len(site.daemons() - before) == 3, "three new processes")
    assert site.daemons() & before == set()
    assert {site.ask().value for _ in range(30)} == {"new"}
    assert (site.started(), len(site.said("restarting: "))) == (6, 3)


def test_preloaded(new_site: Sites) -> None:
    """A preloaded application restarts without a request, and is loaded before the next one."""
    site = new_site(preload=True)
    site.start()
    site.ask()
    site.edit("words.py", "old", "new")
    site.wait_for_line("watching: ", count=2)
    assert site.ask().value == "new"
    assert site.started() == 2


def test_start_twice(new_site: Sites) -> None:
    """A second start() makes no second monitor; what it tracks is tracked."""
    site = new_site()
    more = f"assert {START}, track=['{site.app}/extra.txt']) is wsgireload.start()"
    site.edit("app.wsgi", f"{START})", f"{START})\n{more}")
    site.start()
    site.wait_for_looks()
    assert str(site.ask("threading.enumerate").value).count("wsgireload") == 1
    assert len(site.said("watching: ")) == 1
    site.write("extra.txt", "")
    assert "extra.txt appeared" in site.wait_for_line("restarting: ")[0].text


def test_stop(site: Site) -> None:
    """stop() ends the thread; after the next start() edits count again."""
    before = site.ask("wsgireload.stop")
    assert "wsgireload" not in str(site.ask("threading.enumerate").value)
    site.edit("words.py", "old", "new")
    assert site.ask().pid == before.pid
    assert (site.ask().value, site.started()) == ("old", 1)


def test_a_long_request(site: Site) -> None:
    """A request that runs when its process is replaced gets its answer."""
    before = site.ask()
    site.wait_for_looks()
    with slow_request(site) as slow:
        site.edit("words.py", "old", "new")
        site.wait_for_line("restarting: ")
    assert (slow.result().value, slow.result().pid) == ("done", before.pid)
    assert site.wait_for_value("new").pid != before.pid


def test_a_long_request_of_the_other_interpreter(new_site: Sites) -> None:
    """A restart also waits for requests of other applications in the process."""
    scripts = {"/": "app.wsgi", "/b": "b.wsgi"}
    site = new_site(scripts=scripts, daemon="threads=5 shutdown-timeout=1")
    shutil.copy(site.app / "app.wsgi", site.app / "b.wsgi")
    site.write("only_b.py", 'WORD = "old"\n')
    site.start()
    before = site.ask()
    site.ask("only_b.WORD", at="/b")
    site.wait_for_looks(at="/b")
    with slow_request(site) as slow:
        site.edit("only_b.py", "old", "new")
        site.wait_for_line("restarting: ")
    assert (slow.result().value, slow.result().pid) == ("done", before.pid)
    assert site.wait_for_value("new", "only_b.WORD", at="/b").pid != before.pid


AGAIN = """\
import os

import wsgireload


def times():
    for _ in range(8):
        wsgireload.stop()
        wsgireload.start(interval=0.1, settle=0.05, preflight=["python", "-c", "pass"])
    return len(os.listdir("/proc/self/fd"))
"""


def test_starting_again_and_again(new_site: Sites) -> None:
    """A start and a stop leave no descriptor behind, and the last one watches as the first did."""
    site = new_site(daemon="processes=2 threads=2")
    site.write("again.py", AGAIN)
    site.start()
    answers = [site.ask("again.times") for _ in range(3)]  # two of them are of one process
    pid = next(each.pid for each in answers if [one.pid for one in answers].count(each.pid) > 1)
    before, *_, after = (answer.value for answer in answers if answer.pid == pid)
    assert after < before + 8  # an import or a connection, but not one for each start
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")


def test_two_apaches_that_write_one_file(new_site: Sites) -> None:
    """Neither sees the other's private /tmp; the budget of each ends it, and names the file."""
    sites = [new_site(), new_site()]
    shared = sites[0].write("data.json", "{}")
    shared.chmod(0o666)
    write = f"import time\nopen({str(shared)!r}, 'w').write(str(time.time_ns()))\n"
    for site in sites:
        assert not {*site.temporary.iterdir()}
        start = f"{START}, track={str(shared)!r}, budget=(3, 60))\n{write}"
        site.edit("app.wsgi", f"{START})", start)
        site.start()

    def held() -> bool:
        for site in sites:
            site.ask()
        return all(site.said("holding: ") for site in sites)

    wait_for(held, "both hold")
    for site in sites:
        assert f"the application itself writes {shared}" in site.said("holding: ")[0].text
        assert site.started() <= 5
