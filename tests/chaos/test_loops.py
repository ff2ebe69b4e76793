"""Restarts that cause the next one come to a hold; saves by people are served each time."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.busysite import LINE
from support.loops import KINDS, REWRITE, SELF, loop
from support.testsite import START, Site, Sites

from wsgireload.state.own_writes import LASTS

pytestmark = pytest.mark.e2e

CASES = [*((kind, 1) for kind in KINDS), ("at import", 3), ("by a program", 3)]
"""What writes the file, and how many processes the group has."""


def held(site: Site, limit: int) -> str:
    """The line that says which file is part of a loop, once it stands in the log."""
    start = f"holding: the budget of {limit} restarts in 60 s is spent; the application itself"
    return site.wait_for_line(start)[0].text


@contextmanager
def requests(site: Site, name: str = "words.WORD", at: str = "/") -> Iterator[None]:
    """A request each fifth of a second, each of which has to be answered."""
    over, failed = threading.Event(), []

    def ask() -> None:
        while not over.wait(0.2):
            try:
                site.ask(name, at=at)
            except Exception as error:
                failed.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    yield
    over.set()
    thread.join()
    assert failed == []


@pytest.mark.parametrize(("kind", "processes"), CASES)
def test_a_loop(new_site: Sites, chaos: Any, kind: str, processes: int) -> None:
    """Whatever writes the file: the loop is stopped, and what a person saves is served."""
    limit = chaos.often(4, 10)
    site = new_site(daemon=f"processes={processes} threads=5")
    site.patience = 60.0
    site.edit("app.wsgi", "import json", f"{LINE}\nimport json")
    loop(site, kind, f"budget=({limit}, 60.0)")
    site.start()
    with requests(site, "looping.rewrite" if kind == "by requests" else "words.WORD"):
        line = held(site, limit)
        assert f"{site.app}/gen.py" in line
        restarts = len(site.said("restarting: "))
        time.sleep(chaos.often(1, 5))
        after = len(site.said("restarting: "))
        site.edit("words.py", "old", "new")
        site.wait_for_value("new")
    chaos.figure("restarts, and in the seconds after", (restarts, after - restarts))
    assert restarts <= limit * processes
    assert after - restarts < processes


OTHER = """
WSGIDaemonProcess other display-name=%{{GROUP}} python-path="{path}" threads=5
<Location /b>
  WSGIProcessGroup other
</Location>
"""


def test_two_applications_that_write_each_others_files(new_site: Sites, library: Path) -> None:
    """They are a loop together, though no file is written by the application that it restarts."""
    site = new_site(scripts={"/": "app.wsgi", "/b": "b/b.wsgi"})
    path = f"{library}:{site.app}/b:{site.app}"
    site.served = replace(site.served, directives=OTHER.format(path=path))
    site.edit("app.wsgi", "import json", f"{LINE}\nimport json")
    shutil.copytree(site.app, site.folder("app/b"), dirs_exist_ok=True)
    (site.app / "b/app.wsgi").rename(site.app / "b/b.wsgi")
    for here, there, script in (("", "b/", "app.wsgi"), ("b/", "", "b.wsgi")):
        loop(site, "at import", "budget=(4, 60.0)", here, there, script)
    site.start()
    with requests(site), requests(site, at="/b"):
        held(site, 4)
        time.sleep(1)
    restarts = len(site.said("restarting: "))
    assert restarts <= 2 * 4 + 1
    site.wait_for_looks()
    site.wait_for_looks(at="/b")


def test_a_person_ends_a_loop(new_site: Sites) -> None:
    """A save of the file that is part of a loop is served, though it is held."""
    site = new_site()
    loop(site, "by requests", "budget=(2, 60.0)")
    module = site.write("gen.py", REWRITE.format(file=f"{site.app}/gen.py") + SELF)
    site.start()
    site.ask()
    with requests(site):
        held(site, 2)
        time.sleep(LASTS + 0.5)
        module.write_text("COUNT = 'mended'\n")
        site.wait_for_value("mended", "gen.COUNT")


@pytest.mark.parametrize("when", ["auto", "now", "next-request"])
def test_saves(new_site: Sites, chaos: Any, when: str) -> None:
    """Forty saves in a minute are forty reloads, the last as soon as the first.

    The application runs a program while it is loaded, as many do to learn their version.
    """
    site = new_site()
    run = "import subprocess; subprocess.run(['true'])\n"
    site.edit("app.wsgi", "import json", f"{LINE}\n{run}import json")
    site.edit("app.wsgi", START, f"{START}, when={when!r}")
    site.start()
    site.ask()
    site.wait_for_line("watching: ")
    saves, took = chaos.often(12, 40), []
    with requests(site):
        for number in range(saves):
            began = time.monotonic()
            site.write("words.py", f"WORD = {number}\n")
            site.wait_for_value(number)
            took.append(time.monotonic() - began)
            time.sleep(max(0.0, 60 / saves - took[-1]) if chaos.long else 0)
    site.wait_for_line("reloaded: ", count=saves)
    chaos.figure("saves, reloads", (saves, len(site.said("reloaded: "))))
    chaos.figure("seconds until the last was served; the longest", (took[-1], max(took)))
    assert site.started() == saves + 1
    assert site.said("holding: ") == []
