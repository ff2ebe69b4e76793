"""Releases that a link leads to, the WSGI script and python-path through it, under a real Apache.

All files of all releases have the same size, and in most tests the same mtime.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from support import editors
from support.testsite import APPLICATION, START, Site, Sites

pytestmark = pytest.mark.e2e

LONG_AGO = 1_000_000_000  # an mtime
LATEST = 4.0  # seconds: less than the patience with what looks unfinished
KEPT = 5  # releases
PLAN = ["on", "the old one is removed", "on", "back"]
SWAPS = {"ln": "ln -sfn {release} current", "mv": "ln -s {release} next && mv -T next current"}


class Releases:
    """A site, and its releases in `app/releases`."""

    def __init__(self, site: Site, *, alike: bool = True) -> None:
        self.site = site
        self.alike = alike
        self.made = 0
        self.kept: list[int] = []
        self.restarts = 0
        self.swapped = 0.0  # when it was last, in seconds since 1970

    def make(self, settings: str = "") -> int:
        """A further release: its number, which its module holds."""
        self.made += 1
        number = 1000 + self.made
        folder = self.site.folder(f"app/releases/{number}")
        shutil.copytree(APPLICATION, folder, dirs_exist_ok=True)
        script = (folder / "app.wsgi").read_text()
        asked = f"wsgireload.start(interval=3600{settings}"
        (folder / "app.wsgi").write_text(script.replace(START, asked))
        (folder / "words.py").write_text(f"WORD = {number}\n")
        for path in folder.iterdir():
            seconds = LONG_AGO if self.alike else LONG_AGO + self.made
            os.utime(path, (seconds, seconds))
        self.kept.append(number)
        return number

    def remove(self, number: int) -> None:
        """Remove a release."""
        shutil.rmtree(self.site.app / f"releases/{number}")
        self.kept.remove(number)

    def swap(self, number: int, how: str = "mv") -> None:
        """Lead the link to a release."""
        self.swapped = time.time()
        editors.run(SWAPS[how].format(release=f"releases/{number}"), self.site.app)

    def served(self, number: int) -> None:
        """See that it is this release now, by one restart more, and at once.

        How long Apache and the application take for it, on a busy machine, is another matter.
        """
        began = time.monotonic()
        self.site.wait_for_value(number)
        self.restarts += 1
        assert self.site.started() == self.restarts + 1
        if self.alike:  # else it is mod_wsgi that sees another script with the next request
            reloaded = self.site.wait_for_line("reloaded: ", count=self.restarts)
            assert "/current/words.py changed" in reloaded[-1].text
            [restarting] = self.site.said("restarting: ")[self.restarts - 1 :]
            noticed = [
                each.when for each in self.site.said("changed: ") if each.when > self.swapped
            ]
            assert noticed[0] - self.swapped < LATEST
            assert restarting.when - noticed[0] < LATEST
        else:
            assert time.monotonic() - began < LATEST


def begin(new_site: Sites, library: Path, settings: str, *, alike: bool = True) -> Releases:
    """Serve a first release."""
    site = new_site(scripts={"/": "current/app.wsgi"}, python_path=[library, "app/current"])
    for name in ("app.wsgi", "words.py"):
        (site.app / name).unlink()
    releases = Releases(site, alike=alike)
    releases.swap(releases.make(settings))
    site.start()
    site.wait_for_value(releases.kept[0])
    site.wait_for_line("watching: ")
    return releases


@pytest.mark.parametrize("alike", [True, False], ids=["mtimes alike", "mtimes of their own"])
def test_swaps(new_site: Sites, library: Path, chaos: Any, alike: bool) -> None:
    """A swap is one restart, at once; also back, and where old releases are removed at once."""
    settings = ", budget=(100, 60)"
    releases = begin(new_site, library, settings, alike=alike)
    plan = PLAN * chaos.often(1, 25)
    chaos.random.shuffle(plan)
    before = releases.kept[0]
    for way in plan:
        others = [number for number in releases.kept if number != before]
        back = way == "back" and others
        number = chaos.random.choice(others) if back else releases.make(settings)
        releases.swap(number, chaos.random.choice([*SWAPS]))
        if way == "the old one is removed":
            releases.remove(before)
        releases.served(number)
        before = number
        for old in releases.kept[:-KEPT]:
            if old != before:
                releases.remove(old)
    chaos.figure("swaps, each one restart", releases.restarts)


def test_the_budget(new_site: Sites, library: Path) -> None:
    """The journal is the application's, and not the release's: its restarts are counted on.

    A deployment is no loop, however many there are.
    """
    settings = ", budget=(3, 60)"
    releases = begin(new_site, library, settings)
    for _ in range(5):
        number = releases.make(settings)
        releases.swap(number)
        releases.served(number)
    assert releases.site.ask().status["generation"] == 5
    assert releases.site.said("holding: ") == []
