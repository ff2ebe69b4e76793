"""Changes beside the looks: whatever is renamed, linked and written while somebody listens and
looks, what is known when all is over is the truth, and what is listened to is what is there.

Nothing is found by chance: there is no sweep here. What was told last was the last thing done, so
nobody waits longer than that takes.
"""

from __future__ import annotations

import random
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from importlib.util import spec_from_file_location
from itertools import cycle
from pathlib import Path
from types import ModuleType

import pytest

from wsgireload.decide.settle import Settle
from wsgireload.detect import sweep
from wsgireload.detect.baseline import Baseline
from wsgireload.detect.detector import Detector
from wsgireload.detect.digest import Digest, digest_of
from wsgireload.detect.modules import Modules
from wsgireload.log import Log
from wsgireload.settings import Settings
from wsgireload.watch.events import Events
from wsgireload.watch.wakeup import EventWakeup, Writing

ROUNDS, DEEDS = 40, 60
DEADLINE = 20.0


class Site:
    """`current` leads to one of two releases, which hold two packages and a folder each."""

    def __init__(self, root: Path, chance: random.Random) -> None:
        self.root = root
        self.chance = chance
        self.last = cycle([root / f"last{n}.txt" for n in range(20)])
        for release in "12":
            for package in ("one", "two/deep", "templates"):
                self.make(root / f"releases/{release}/{package}")
        (root / "current").symlink_to("releases/1")
        current = root / "current"
        self.modules = [current / f"{at}/m{n}.py" for at in ("one", "two/deep") for n in range(5)]
        self.templates = current / "templates"

    def make(self, folder: Path) -> None:
        """A folder with files in it."""
        folder.mkdir(parents=True)
        for n in range(5):
            name = f"t{n}.html" if folder.name == "templates" else f"m{n}.py"
            (folder / name).write_text(f"answer = {self.chance.randrange(3)}\n")

    def deed(self) -> None:
        """Something that people, editors and deployments do."""
        release = self.root / "releases" / self.chance.choice("12")
        folder = release / self.chance.choice(("one", "two", "two/deep", "templates"))
        self.chance.choice((self.write, self.write, self.swap, self.away, self.anew, self.link))(
            folder
        )

    def write(self, folder: Path) -> None:
        """A file, in one way or the other; also where there was none."""
        path = folder / self.chance.choice(("m1.py", "m2.py", "t1.html", "t2.html", "t9.html"))
        new = folder / ".new"
        if not folder.is_dir():
            return
        new.write_text(f"answer = {self.chance.randrange(3)}\n")
        if self.chance.random() < 0.5:
            new.replace(path)
        elif path.exists():
            path.write_text(new.read_text())
        else:
            path.unlink(missing_ok=True)

    def swap(self, _folder: Path) -> None:
        """Another release is current."""
        new = self.root / "new"
        new.symlink_to(f"releases/{self.chance.choice('12')}")
        new.replace(self.root / "current")

    def away(self, folder: Path) -> None:
        """A folder goes away, or comes back."""
        kept = folder.with_name(f"{folder.name}.away")
        if folder.exists() and not kept.exists():
            folder.rename(kept)
        elif kept.exists() and not folder.exists() and folder.parent.is_dir():
            kept.rename(folder)

    def anew(self, folder: Path) -> None:
        """A folder is removed and made again."""
        if folder.is_dir() and folder.name != "two":
            shutil.rmtree(folder)
            self.make(folder)

    def link(self, folder: Path) -> None:
        """A file becomes a link to one elsewhere, or what it leads to is written."""
        path, far = folder / self.chance.choice(("m3.py", "t3.html")), self.root / "far"
        far.mkdir(exist_ok=True)
        target = far / f"{self.chance.randrange(5)}"
        target.write_text(f"answer = {self.chance.randrange(3)}\n")
        if folder.is_dir() and self.chance.random() < 0.5:
            path.unlink(missing_ok=True)
            path.symlink_to(target)


class Watching:
    """What watches a site, but for the restart."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.imported: deque[tuple[str, Digest]] = deque()
        modules: dict[str, ModuleType] = {}
        for n, path in enumerate(site.modules):
            modules[f"m{n}"] = module = ModuleType(f"m{n}")
            module.__file__ = str(path)
            module.__spec__ = spec_from_file_location(f"m{n}", path)
        self.trouble: list[str] = []
        self.events = Events(trust=False, trouble=self.trouble.append)
        baseline = Baseline(self, self, Modules(modules))  # type: ignore[arg-type]
        tracking = Settings.of(track=[site.templates, *(next(site.last) for _ in range(20))])
        log = Log("app")
        self.detector = Detector(tracking, log, self.events, baseline, lambda: None)
        self.wakeup = EventWakeup(
            self.events,
            Settle(0.001, time.monotonic).notice,
            self.detector.is_watched,
            lambda: None,
            Writing(time.monotonic),
        )
        self.detector.scan()
        self.loaded = self.truth()

    def seen(self) -> Iterator[tuple[str, Digest]]:
        """No import is seen."""
        return iter(())

    def missing(self) -> Iterator[tuple[str, list[str]]]:
        """No import has failed."""
        return iter(())

    def until(self, _module: str) -> float:
        """Every module was loaded just now."""
        return float("inf")

    def truth(self) -> dict[str, Digest]:
        """What is on disk, of all that is watched or should be."""
        found = list(self.site.templates.iterdir()) if self.site.templates.is_dir() else []
        paths = {str(path) for path in (*self.site.modules, *found)}
        return {path: digest_of(path) for path in paths}

    def watch_until(self, over: Callable[[], bool]) -> dict[str, Digest]:
        """Look whenever something is told, until what was done last was told as well."""
        end = time.monotonic() + DEADLINE
        while True:
            assert time.monotonic() < end
            done = over()
            if done:
                last = next(self.site.last)  # another one than before: that may not be told yet
                last.touch()
                last.unlink()
            paths = self.wakeup.wait(0.05)
            differs = self.detector.scan(paths)
            if done and paths is not None and str(last) in paths:
                return {path: change.digest for path, change in differs.items()}


@pytest.fixture
def watching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watching]:
    """A site that is watched, and never swept."""
    monkeypatch.setattr(sweep, "ROUND", 1e9)
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")  # noqa: T201
    site = Site(tmp_path, random.Random(seed))
    watching = Watching(site)
    yield watching
    watching.events.end()


def test_the_truth_is_known_in_the_end(watching: Watching) -> None:
    """Whatever happens while it is looked, nothing is missed, and nothing taken for changed."""
    site = watching.site
    for _ in range(ROUNDS):
        doing = threading.Thread(target=lambda: [site.deed() for _ in range(DEEDS)])
        doing.start()
        differs = watching.watch_until(lambda: not doing.is_alive())  # noqa: B023
        doing.join()
        compare(watching, differs)
        for path in site.modules[:3]:  # and it is listened to what is there now
            if path.parent.is_dir():
                path.write_text(f"answer = {site.chance.randrange(3)}\n")
                compare(watching, watching.watch_until(lambda: True))
    assert watching.trouble == []


def compare(watching: Watching, differs: dict[str, Digest]) -> None:
    """What is known to differ is what differs; a file that came and went again does not."""
    truth = watching.truth()
    missing = b"missing"
    paths = truth.keys() | watching.loaded.keys()
    expected = {
        path: truth.get(path, missing)
        for path in paths
        if truth.get(path, missing) != watching.loaded.get(path, missing)
    }
    assert differs == expected
