"""A real winnt Apache with a real mod_wsgi reloads its application."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.apacheserver import ServerError
from support.testsite import fails
from support.traffic import Traffic
from support.windows.testsite import WindowsSite, WindowsSites

ONCE = "<Files app.wsgi>\nWSGIScriptReloading Off\n</Files>"
# Whether a request is under way, mod_wsgi's own count says.
LOADS = """
import os
from pathlib import Path

import mod_wsgi

FILE = Path(__file__).with_suffix(".txt")

def add():
    when = "in" if mod_wsgi.active_requests else "before"
    with FILE.open("a") as file:
        file.write(f"{os.getpid()} {when} a request\\n")

def counted():
    return FILE.read_text().splitlines()
"""


@pytest.mark.parametrize("group", ["%{GLOBAL}", None])
def test_an_edit(new_site: WindowsSites, group: str | None) -> None:
    """A new child answers with the new code, the parent stays, and no request is lost."""
    site = new_site(group=group)
    site.start()
    site.wait_for_looks()
    parent, before = site.pid, site.ask()
    assert before.status["server"] == "windows"
    with Traffic(site) as traffic:
        site.edit("words.py", "old", "new")
        after = site.wait_for_value("new")
        site.wait_for_one_child()
    assert traffic.lost == []
    assert after.pid != before.pid
    assert site.pid == parent
    assert site.restarts() == 1
    assert "words.py changed; new code up after" in site.wait_for_line("reloaded: ")[0].text


def test_preloaded(new_site: WindowsSites) -> None:
    """The printed lines load the script once in each child, before the first request. A save goes
    live; code that fails as it is loaded is 500, until it is mended.
    """
    site = new_site(group="%{GLOBAL}", preload=True, directives=ONCE)
    site.noisy = True
    site.write("loads.py", LOADS)
    site.edit("app.wsgi", "import words", "import loads\nloads.add()\nimport words")
    site.start()
    first = site.ask("loads.counted")
    assert first.value == [f"{first.pid} before a request"]
    site.wait_for_looks()
    site.edit("words.py", "old", "new")
    new = site.wait_for_value("new")
    assert site.ask("loads.counted").value == [*first.value, f"{new.pid} before a request"]
    site.wait_for_one_child()
    assert site.restarts() == 1
    site.wait_for_looks()
    site.edit("words.py", "WORD", "raise RuntimeError\nWORD")
    site.wait_for(lambda: fails(site), "an answer of 500")
    site.edit("words.py", "raise RuntimeError\nWORD", "WORD")
    site.wait_for(lambda: not fails(site), "an answer")


def test_no_change(site: WindowsSite) -> None:
    """A touch, and the same bytes written again, restart nothing."""
    words = site.app / "words.py"
    os.utime(words)
    site.wait_for_looks()
    words.write_bytes(words.read_bytes())
    site.wait_for_looks()
    assert (site.restarts(), site.said("changed")) == (0, [])


def test_renamed_over_then_made_again(site: WindowsSite) -> None:
    """A rename over a file is an edit, once; gone and back with the same bytes is none."""
    new = site.write("words.tmp", 'WORD = "new"\n')
    new.replace(site.app / "words.py")
    site.wait_for_value("new")
    site.wait_for_looks()
    content = (site.app / "words.py").read_bytes()
    (site.app / "words.py").unlink()
    (site.app / "words.py").write_bytes(content)
    site.wait_for_looks()
    assert site.restarts() == 1


def test_a_burst(new_site: WindowsSites) -> None:
    """200 files saved in a row are one restart."""
    site = new_site()
    names = [f"part_{number}" for number in range(200)]
    for name in names:
        site.write(f"{name}.py", 'WORD = "old"\n')
    site.write("words.py", "".join(f"import {name}\n" for name in names) + 'WORD = "old"\n')
    site.start()
    site.wait_for_looks()
    for name in [*names, "words"]:
        site.edit(f"{name}.py", '"old"', '"new"')
    site.wait_for_line("restarting: ")
    site.wait_for_value("new")
    site.wait_for_looks()
    assert site.restarts() == 1


def test_a_syntax_error(site: WindowsSite) -> None:
    """Code that does not compile is held while the old code serves, and its repair restarts."""
    site.edit("words.py", 'WORD = "old"', 'WORD = "new')
    assert "words.py, line 1: SyntaxError" in site.wait_for_line("holding: ")[0].text
    assert site.ask().value == "old"
    site.edit("words.py", 'WORD = "new', 'WORD = "new"')
    site.wait_for_value("new")
    assert site.restarts() == 1


def test_four_interpreters(new_site: WindowsSites) -> None:
    """Four applications of one child notice the same change, and Apache restarts once."""
    urls = {"/": "app.wsgi", "/b": "b.wsgi", "/c": "c.wsgi", "/d": "d.wsgi"}
    site = new_site(scripts=urls)
    for script in list(urls.values())[1:]:
        shutil.copy(site.app / "app.wsgi", site.app / script)
    site.start()
    assert len({site.ask(at=url).pid for url in urls}) == 1
    for url in urls:
        site.wait_for_looks(at=url)
    site.edit("words.py", "old", "new")
    for url in urls:
        site.wait_for_value("new", at=url)
    for url in urls:
        site.wait_for_looks(at=url)
    site.wait_for_one_child()
    assert site.restarts() == 1


def test_another_interpreter_is_broken(new_site: WindowsSites) -> None:
    """One application of the child does not restart it while another's new code is rejected."""
    site = new_site(scripts={"/": "app.wsgi", "/b": "b.wsgi"})
    shutil.copy(site.app / "app.wsgi", site.app / "b.wsgi")
    site.write("only_b.py", 'WORD = "old"\n')
    site.start()
    assert (site.ask().value, site.ask("only_b.WORD", at="/b").value) == ("old", "old")
    site.wait_for_looks()
    site.wait_for_looks(at="/b")
    site.write("only_b.py", "WORD = = 1\n")
    site.edit("words.py", "old", "new")
    site.wait_for_line("holding: this process also serves ")
    assert (site.ask().value, site.restarts()) == ("old", 0)
    site.write("only_b.py", 'WORD = "new"\n')
    site.wait_for_value("new")
    site.wait_for_value("new", "only_b.WORD", at="/b")


def test_a_change_while_the_old_child_drains(site: WindowsSite) -> None:
    """A second change in that time is the new child's: one more restart, and not two."""
    site.write("slow.py", "import time\n\ndef answer():\n    time.sleep(6)\n    return 'done'\n")
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(site.ask, "slow.answer")
        site.wait_for(lambda: "slow" in site.ask("words.loaded").value, "the slow request")
        site.edit("words.py", "old", "newer")
        site.wait_for_value("newer")
        site.wait_for_looks()
        site.edit("words.py", "newer", "newest")
        site.wait_for_value("newest")
        assert slow.result().value == "done"
    site.wait_for_one_child()
    site.wait_for_looks()
    assert site.restarts() == 2


def test_an_old_child_that_drains_for_long(new_site: WindowsSites) -> None:
    """A request that takes longer than a restart should is no failed restart."""
    site = new_site()
    site.write("slow.py", "import time\n\ndef answer():\n    time.sleep(6)\n    return 'done'\n")
    brief = "import wsgireload.server.restart\nwsgireload.server.restart.TAKEN_UP = 1.0"
    site.edit("app.wsgi", "import words", f"{brief}\nimport words")
    site.start()
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(site.ask, "slow.answer")
        site.wait_for(lambda: "slow" in site.ask("words.loaded").value, "the slow request")
        site.edit("words.py", "old", "new")
        site.wait_for_value("new")
        assert slow.result().value == "done"
    site.wait_for_one_child()
    assert (site.restarts(), site.said("holding: no restart")) == (1, [])


def test_a_broken_configuration(site: WindowsSite) -> None:
    """What would end Apache is held and said; mended, the restart comes by itself."""
    conf = site.root / "httpd.conf"
    good = conf.read_text()
    included = site.root / "more.conf"
    included.write_text("NoSuchDirective on\n")
    conf.write_text(f'{good}\nInclude "{included.as_posix()}"\n')
    site.edit("words.py", "old", "new")
    assert "NoSuchDirective" in site.wait_for_line("holding: ")[0].text
    assert (site.ask().value, site.restarts()) == ("old", 0)
    included.write_text("")
    site.wait_for_value("new")
    assert site.restarts() == 1


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.11 has one GIL for all")
def test_a_gil_of_its_own(new_site: WindowsSites) -> None:
    """Where every interpreter has its own GIL, the monitor is at work as anywhere."""
    site = new_site(directives="WSGIPerInterpreterGIL On")
    site.start()
    site.wait_for_looks()
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")
    site.wait_for_one_child()
    assert site.restarts() == 1


def test_one_process(new_site: WindowsSites) -> None:
    """httpd -X has no parent that restarts it: inactive, with that reason."""
    site = new_site(arguments=("-X",), group="%{GLOBAL}")
    site.noisy = True  # mod_wsgi itself answers 500 there
    site.start()
    with contextlib.suppress(ServerError):
        site.ask()
    assert site.restarts() == 0


@pytest.mark.parametrize("name", ["words.py", "app.wsgi"])
def test_a_failed_start(site: WindowsSite, name: str) -> None:
    """New code that dies as it is loaded is 500; mended, it serves, without a hand on Apache."""
    site.noisy = True
    good, bad = ("WORD =" if name == "words.py" else "import words "), "raise RuntimeError\n"
    site.edit(name, good, bad + good)
    site.wait_for(lambda: fails(site), "an answer of 500")
    site.edit(name, bad + good, good)
    site.wait_for(lambda: not fails(site), "an answer")
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")
