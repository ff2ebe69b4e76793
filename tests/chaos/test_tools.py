"""Real editors and tools on a module, and on a text in a tracked folder, of real Apache sites.

Before each change another tool, chosen by chance, is used without one. Between two looks lies an
hour: only events tell.
"""

from __future__ import annotations

import mmap
import re
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support import editors
from support.testsite import START, Site, Sites

pytestmark = pytest.mark.e2e

SITES = 3  # at once: mostly each waits for Apache to see that its process has ended
LATEST = 4.0  # seconds: less than the patience with what looks unfinished
LONGEST_PAUSE = 0.5  # seconds, in the long form
PAGES = """\
from pathlib import Path

WORD = Path(__file__).with_name("texts").joinpath("page.txt").read_text().strip()
"""
LEFT_BEHIND = "__pycache__ *~ *.bak *.orig"
GIT = ("init -q", "config gc.autoDetach false", "add .", "commit -qm first")


class Desk:
    """A site, and somebody who works on its files."""

    def __init__(self, site: Site, random: Random) -> None:
        self.site = site
        self.random = random
        self.words = {site.app / "words.py": "old", site.app / "texts/page.txt": "old"}
        self.numbers = count(1)
        self.changed: list[Path] = []
        self.noticed: dict[str, float] = {}  # seconds from the end of a tool until then, at most
        self.midway = 0  # changes that were seen in the midst of a save as well
        self.idle = 0

    def begin(self, asked: str = "interval=3600, budget=(100, 60)") -> None:
        """Serve a work tree of git's; `asked` is said to `start`."""
        site = self.site
        for name, text in {
            "texts/page.txt": "old\n",
            "pages.py": PAGES,
            "notes.md": "",
            "fence": "",
            ".gitignore": LEFT_BEHIND.replace(" ", "\n"),
        }.items():
            site.write(name, text)
        tracked = [str(site.app / name) for name in ("texts", "fence")]
        site.edit("app.wsgi", START, f"wsgireload.start({asked}, track={tracked}")
        site.edit("app.wsgi", "import words", "import pages, words")
        for command in (*GIT, f"worktree add -q --detach {site.root}/other"):
            editors.run(f"git {command}", site.app)
        site.start()
        site.ask()

    def work(self, all_tools: Iterable[str], pause: float) -> None:
        """Use one after another."""
        for tool in all_tools:
            self.change_nothing(self.random.choice([*TOOLS, *IDLE]))
            time.sleep(self.random.uniform(0.0, pause))
            self.change(tool)
            time.sleep(self.random.uniform(0.0, pause))
        self.change_nothing("touch")

    def change(self, tool: str) -> None:
        """One change, one restart, of that file alone."""
        path = self.random.choice(list(self.words))
        new = f"w{next(self.numbers)}" + self.random.choice(["", "x", "yy"])
        before = len(self.site.said("changed: "))
        self.use(tool, path, new)
        done = time.time()
        self.changed.append(path)
        self.words[path] = new
        self.site.wait_for_value(new, "words.WORD" if path.suffix == ".py" else "pages.WORD")
        # What is empty in the middle of the first look, has changed afterwards.
        self.site.wait_for_line("watching: ", count=len(self.changed) + 1)
        self.check(tool)
        noticed = self.site.said("changed: ")[before:]
        assert all(f"changed: {path} modified [" in line.text for line in noticed), (tool, noticed)
        self.midway += len(noticed) - 1
        lasted = noticed[-1].when - done
        assert lasted < LATEST, tool
        self.noticed[tool] = max(lasted, self.noticed.get(tool, lasted))

    def change_nothing(self, tool: str) -> None:
        """No restart, and not a word; but one that was held up with an empty file is taken back."""
        path = self.random.choice(list(self.words))
        before, restarts = self.site.said("changed"), self.site.said("restarting: ")
        self.use(tool, path, self.words[path])
        self.site.wait_until_told(self.site.app / "fence")
        assert self.site.said("restarting: ") == restarts, tool
        said = self.site.said("changed")[len(before) :]
        assert all("matches the running code" in line.text for line in said[1::2]), tool
        assert len(said) % 2 == 0, tool
        self.check(tool)
        self.idle += 1

    def check(self, tool: str) -> None:
        """As many restarts as there were changes, each of the file that was changed."""
        restarts = [line.text for line in self.site.said("restarting: ")]
        assert len(restarts) == len(self.changed) == self.site.started() - 1, (tool, restarts)
        for path, text in zip(self.changed, restarts, strict=True):
            assert re.match(f"wsgireload: restarting: {path} changed( |;)", text), (tool, text)

    def use(self, tool: str, path: Path, new: str) -> None:
        """Use a tool to leave the word `new` in a file."""
        copy = self.site.root / f"copies/{time.monotonic_ns()}" / path.name
        copy.parent.mkdir(parents=True)
        text = path.read_text().replace(self.words[path], new)
        copy.write_text(text)
        if "git" in tool:
            self.commit(path, text, stashed="pop" in tool)
        words = {"old": self.words[path], "new": new, "path": path, "copy": copy, "name": path.name}
        command, *typed = (word.format(**words) for word in (TOOLS | EMACS | IDLE)[tool])
        if typed:
            editors.at_a_terminal(command, *typed)
        else:
            editors.run(command, self.site.app)
        assert path.read_text() == text, tool

    def commit(self, path: Path, text: str, *, stashed: bool) -> None:
        """Commit all as it is, and a text on the branch `next`, or have that stashed."""
        site, other = self.site, self.site.root / "other"
        editors.run("git commit -qam now --allow-empty && git update-ref refs/now HEAD", site.app)
        editors.run("git checkout -q -B next refs/now", other)
        there = other / path.relative_to(site.app)
        there.unlink()
        there.write_text(text)
        (other / "notes.md").write_text(f"{time.monotonic_ns()}")
        editors.run("git stash -q" if stashed else "git commit -qam next", other)


TOOLS: dict[str, tuple[str, ...]] = {
    **{name: (command,) for name, command in (editors.COMMANDS | editors.GIT).items()},
    **editors.TYPED,
}
EMACS = {name: (command,) for name, command in editors.EMACS.items()}
IDLE = {**{name: (command,) for name, command in editors.IDLE.items()}, **editors.IDLE_TYPED}


def test_tools(new_site: Sites, chaos: Any) -> None:
    """Whatever a file is saved with, each change is one restart, at once, and nothing else is."""
    needed, used = (editors.PROGRAMS, TOOLS)
    if chaos.long:
        needed, used = needed | {"emacs": "emacs-nox"}, used | EMACS
    if missing := editors.missing(needed):
        pytest.fail(f"{missing} are missing: ci/test and ci/chaos install them")
    every = [*used] * chaos.often(1, 20)
    chaos.random.shuffle(every)
    desks = [Desk(new_site(), Random(f"{chaos.seed} {number}")) for number in range(SITES)]
    with ThreadPoolExecutor() as pool:
        [*pool.map(Desk.begin, desks)]
        shares = (every[number::SITES] for number in range(SITES))
        [*pool.map(partial(Desk.work, pause=chaos.often(0, LONGEST_PAUSE)), desks, shares)]
    slowest = sorted(((seconds, tool) for desk in desks for tool, seconds in desk.noticed.items()))
    chaos.figure("changes, each noticed and one restart", sum(len(desk.changed) for desk in desks))
    chaos.figure("uses without a change, and without a word", sum(desk.idle for desk in desks))
    chaos.figure("seen in the midst of a save as well", sum(desk.midway for desk in desks))
    for seconds, tool in slowest[-5:]:
        chaos.figure(f"noticed after, at most: {tool}", f"{seconds:.3f} s")


def test_a_slow_transfer(new_site: Sites, chaos: Any) -> None:
    """What rsync has not yet given its name in a tracked folder is of no concern: one restart."""
    desk = Desk(new_site(), chaos.random)
    desk.begin()
    site = desk.site
    folder = site.root / "transferred"
    folder.mkdir()
    for options, names in (("", ["page.txt"]), ("--delay-updates", ["page.txt", "other.txt"])):
        for name in names:
            (folder / name).write_text(f"{options or 'in time'} " * 10_000)
        site.wait_until_told(site.app / "fence")
        before = len(site.said("restarting: "))
        editors.run(f"rsync -aI --bwlimit=200 {options} {folder}/ {site.app}/texts/", site.app)
        named = max((site.app / "texts" / name).stat().st_ctime for name in names)
        site.wait_for_start(before + 2)
        site.wait_for_value(site.app.joinpath("texts/page.txt").read_text().strip(), "pages.WORD")
        site.wait_until_told(site.app / "fence")
        [restarted] = site.said("restarting: ")[before:]
        assert restarted.when > named
    assert not [line for line in site.said() if "cannot be read" in line.text]


def test_what_no_event_tells_of(new_site: Sites, chaos: Any) -> None:
    """What is written by a hard link's other name, or to a map, is found as all is gone round."""
    seconds = chaos.often(2, 30)
    desk = Desk(new_site(), chaos.random)
    site, words = desk.site, desk.site.app / "words.py"
    site.patience = seconds + LATEST
    # In the long form that is what it is in any case.
    sooner = (
        f"wsgireload.detect.sweep.ROUND, wsgireload.detect.sweep.PAUSE = {seconds}, {seconds / 6}\n"
    )
    site.edit("app.wsgi", "import wsgireload\n", f"import wsgireload.detect.sweep\n{sooner}")
    desk.begin("interval=0.5")
    (site.root / "other name").hardlink_to(words)

    site.wait_until_told(site.app / "fence")
    (site.root / "other name").write_text('WORD = "by its other name"\n')
    began = time.monotonic()
    site.wait_for_value("by its other name")
    chaos.figure("served after, written by another name", f"{time.monotonic() - began:.1f} s")

    site.wait_until_told(site.app / "fence")
    with words.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[:] = mapped[:].replace(b"name", b"menu")
        began = time.monotonic()
        site.wait_for_value("by its other menu")
        chaos.figure("served after, written to a map", f"{time.monotonic() - began:.1f} s")
