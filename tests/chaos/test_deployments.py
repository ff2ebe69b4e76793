"""Deployments of whole trees, as rsync, git and pip make them, under a real Apache site.

A tree is a package of modules, all of them loaded; each holds a number. Between two looks lies an
hour: only events tell.
"""

from __future__ import annotations

import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from support import editors
from support.testsite import START, Site, Sites

pytestmark = pytest.mark.e2e

FILES, CHANGES = 300, 40
BY_PIP = 60  # modules of the package that pip installs
PIP = 1.5  # seconds that it takes to install something, about
BOUND = 5.0  # seconds for which files that are missing are waited for
LATEST = 4.0  # seconds after that in which it is noticed on a busy machine
PATIENT = ", settle=1.0"
"""Waits 20 s for missing files: on a busy machine pip takes more than BOUND."""
START_OF_PACKAGE = """\
from importlib import import_module

NUMBERS = [import_module(f"{{__name__}}.m{{n}}").NUMBER for n in range({files})]
"""


class Deployed:
    """A package that a site has loaded, and the numbers that its modules hold."""

    def __init__(self, name: str, files: int) -> None:
        self.name = name
        self.numbers = [0] * files

    def change(self, random: Any, changes: int) -> None:
        """Other numbers in some of the modules; most of them of the same length."""
        for n in random.sample(range(len(self.numbers)), changes):
            self.numbers[n] = self.numbers[n] % 9 + 1

    def files(self) -> Iterator[tuple[str, str]]:
        """Each file's path and text."""
        yield f"{self.name}/__init__.py", START_OF_PACKAGE.format(files=len(self.numbers))
        for n, number in enumerate(self.numbers):
            yield f"{self.name}/m{n}.py", f"NUMBER = {number}\n"

    def write(self, folder: Path) -> None:
        """Write what differs."""
        for name, text in self.files():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists() or path.read_text() != text:
                path.write_text(text)

    def wheel(self, folder: Path, version: str) -> Path:
        """Write it as a wheel; pip checks no more than this."""
        folder.mkdir(exist_ok=True)
        told = f"{self.name}-{version}.dist-info"
        files = dict(self.files()) | {
            f"{told}/METADATA": f"Metadata-Version: 2.1\nName: {self.name}\nVersion: {version}\n",
            f"{told}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        files[f"{told}/RECORD"] = "".join(f"{name},,\n" for name in (*files, f"{told}/RECORD"))
        path = folder / f"{self.name}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        return path


class Deploying:
    """A site, and those who deploy its packages."""

    def __init__(self, site: Site, random: Any) -> None:
        self.site = site
        self.random = random
        self.source = site.root / "source"  # a work tree of git's, at the same time
        self.versions = count(1)
        self.packages = {
            "copied": Deployed("copied", FILES),
            "pulled": Deployed("pulled", FILES),
            "bundled": Deployed("bundled", BY_PIP),
            "installed": Deployed("installed", BY_PIP),
        }

    def begin(self, settings: str = "") -> None:
        """Deploy all for the first time, and serve it with further settings."""
        site = self.site
        python = [sys.executable, "-m", "venv", "--without-pip", str(site.root / "venv")]
        subprocess.run(python, check=True)
        self.source.mkdir()
        self.commit("init -q -b main")
        editors.run(f"git clone -q {self.source} {site.root}/pulled", site.root)
        self.rsync()
        self.install_in_a_folder()
        self.install_in_a_venv()
        fence = site.write("fence", "")
        asked = f"interval=3600, budget=(100, 60), track='{fence}'{settings}"
        site.edit("app.wsgi", START, f"wsgireload.start({asked}")
        site.edit("app.wsgi", "import words", f"import {', '.join(self.packages)}")
        site.start()
        site.ask("sys.version")
        site.wait_until_told(fence)

    def commit(self, *before: str) -> None:
        """Commit the numbers that the package `pulled` has now."""
        self.packages["pulled"].write(self.source)
        for command in (*before, "config gc.auto 0", "add .", "commit -qm more"):
            editors.run(f"git {command}", self.source)

    def rsync(self, options: str = "") -> None:
        """Copy what differs."""
        folder = self.site.root / "built"
        self.packages["copied"].write(folder)
        editors.run(f"rsync -a --checksum --delete {options} {folder}/ copied", self.site.root)

    def rsync_delayed(self) -> None:
        """Copy what differs, and let all of it take its place at the end."""
        self.rsync("--delay-updates")

    def pull(self) -> None:
        """Pull what was committed."""
        self.commit()
        editors.run("git pull -q", self.site.root / "pulled")

    def install_in_a_folder(self) -> None:
        """A next version, in a folder."""
        self.pip("install -U --target", self.site.root / "bundled", self.wheel("bundled"))

    def install_in_a_venv(self) -> None:
        """A next version, in a virtual environment."""
        self.pip("install -U", self.wheel("installed"))

    def reinstall(self) -> None:
        """The same version once more, with other content."""
        wheel = self.packages["installed"].wheel(self.site.root / "wheels", "0.1")
        self.pip("install --force-reinstall", wheel)

    def install_slowly(self) -> None:
        """Uninstall it, and install it three seconds later."""
        wheel = self.wheel("installed")
        self.pip("uninstall -y installed")
        time.sleep(3 - PIP)
        self.pip("install", wheel)

    def wheel(self, name: str) -> Path:
        """The next version of a package."""
        return self.packages[name].wheel(self.site.root / "wheels", f"1.{next(self.versions)}")

    def pip(self, command: str, *arguments: Path) -> None:
        """Have pip, which needs no network for that, work in the virtual environment."""
        python = self.site.root / "venv/bin/python"
        words = [sys.executable, "-m", "pip", "--isolated", "-q", "--python", python]
        words += ["--disable-pip-version-check", *command.split(), *arguments]
        subprocess.run([str(word) for word in words], check=True, timeout=50, cwd=self.site.root)

    def deploy(self, name: str, deploy: Callable[[Deploying], None]) -> float:
        """Deploy a package anew: one restart, of all that was deployed. Returns its seconds."""
        site, package = self.site, self.packages[name]
        before = site.started()
        package.change(self.random, CHANGES)
        began = time.monotonic()
        deploy(self)
        lasted = time.monotonic() - began
        site.wait_for_value(package.numbers, f"{name}.NUMBERS")
        site.wait_until_told(site.app / "fence")
        restarts = [line.text for line in site.said("restarting: ")]
        assert (len(restarts), site.started()) == (before, before + 1), deploy
        assert site.ask().status["changed"] == []
        return lasted


Way = tuple[str, Callable[[Deploying], None]]
COPYING: list[Way] = [
    ("copied", Deploying.rsync),
    ("copied", Deploying.rsync_delayed),
    ("pulled", Deploying.pull),
]
INSTALLING: list[Way] = [
    ("bundled", Deploying.install_in_a_folder),
    ("installed", Deploying.install_in_a_venv),
    ("installed", Deploying.reinstall),
    ("installed", Deploying.install_slowly),
]


@pytest.fixture
def deploying(new_site: Sites, library: Path, chaos: Any) -> Deploying:
    """A site with all its packages, not deployed yet."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    venv = f"venv/lib/{version}/site-packages"
    site = new_site(python_path=[library, "copied", "pulled", "bundled", venv])
    return Deploying(site, chaos.random)


@pytest.mark.parametrize(
    ("ways", "settings"), [(COPYING, ""), (INSTALLING, PATIENT)], ids=["copying", "installing"]
)
def test_deployments(deploying: Deploying, chaos: Any, ways: list[Way], settings: str) -> None:
    """Each is one restart, of its final state, also where it takes three seconds in between."""
    deploying.begin(settings)
    ways = ways * chaos.often(1, 20)
    chaos.random.shuffle(ways)
    for name, way in ways:
        deploying.deploy(name, way)
    assert deploying.site.said("holding: ") == []
    chaos.figure("deployments, each one restart", len(ways))


def test_what_stays_away(deploying: Deploying) -> None:
    """A module is waited for, for five seconds; a package longer, while the old code serves on."""
    deploying.begin()
    site, packages = deploying.site, deploying.packages
    copied, installed = packages["copied"], packages["installed"]
    copied.numbers.pop()
    (site.root / f"built/copied/m{FILES - 1}.py").unlink()
    began = time.time()
    deploying.rsync()
    site.wait_for_value(copied.numbers, "copied.NUMBERS")
    [changed], [restarted] = site.said("changed: "), site.said("restarting: ")
    assert began + BOUND < restarted.when < changed.when + BOUND + LATEST

    began = time.time()
    deploying.pip("uninstall -y installed")
    [held] = site.wait_for_line("holding: ")
    assert "installed is gone or empty, and nothing has replaced its code" in held.text
    assert began + BOUND < held.when < site.said("changed: ")[-1].when + BOUND + LATEST
    assert site.ask("installed.NUMBERS").value == installed.numbers
    deploying.deploy("installed", Deploying.install_in_a_venv)
