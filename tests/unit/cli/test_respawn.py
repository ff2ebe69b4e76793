"""What the doctor says of the library for Apache's parent: where it is, and where it would help."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from wsgireload.cli.apache.directives import Directive
from wsgireload.cli.apache.express import Handler
from wsgireload.cli.apache.sites import Site
from wsgireload.cli.doctor import respawn
from wsgireload.cli.doctor.finding import Finding
from wsgireload.cli.installation import Installation
from wsgireload.cli.running import processes

LIBRARY = "/venv/wsgireload/respawn.so"
LOAD = Directive("loadfile", (LIBRARY,), file="/etc/x.conf", line=9)
OTHER = Directive("loadfile", ("/usr/lib/libpython3.11.so",))
PARENT = 4711
MAPS = Path("/proc/self/maps")


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """One that has the library."""
    (tmp_path / "respawn.so").touch()
    return replace(Installation.current(), package=str(tmp_path), windows=False)


def served(folder: Path, *options: str, start: str = "") -> Site:
    """A site whose script calls start() like this, in a daemon process with these options."""
    script = folder / "app.wsgi"
    script.write_text(f"import wsgireload\nwsgireload.start({start})\n")
    alias = Directive("wsgiscriptalias", ("/", str(script)))
    daemon = Directive("wsgidaemonprocess", ("site", *options))
    return Site(str(script), "/", alias, "site", "", daemon)


@pytest.mark.parametrize(
    ("loads", "is_in", "text", "cure"),
    [
        ([LOAD], True, "replaced at once (/etc/x.conf, line 9)", ""),
        ([LOAD], None, "replaced at once (/etc/x.conf, line 9)", ""),
        ([LOAD], False, "after about 0.5 s: Apache runs without respawn.so", "restart Apache"),
        ([OTHER], True, "replaced at once, until Apache is stopped", ""),
        ([OTHER], False, "after about 0.5 s; with respawn.so", "LoadFile"),
        ([], None, "after about 0.5 s; with respawn.so", "LoadFile"),
    ],
)
def test_where_it_is(
    loads: list[Directive],
    is_in: bool | None,
    text: str,
    cure: str,
    tmp_path: Path,
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The running parent decides, and where that cannot be read, the configuration."""
    monkeypatch.setattr(processes, "has_loaded", lambda pid, name: is_in)
    [found] = respawn.examine([served(tmp_path)], loads, installation, PARENT)
    assert (found.level, text in found.text, cure in found.cure) == ("ok", True, True), found
    assert bool(found.cure) == bool(cure)


def late(site: Site, installation: Installation) -> Finding:
    """The finding about a site without the library, while Apache does not run."""
    [found] = respawn.examine([site], [], installation, 0)
    assert found.text.startswith("an ended process is replaced after about 0.5 s")
    return found


@pytest.mark.parametrize(
    ("options", "start"),
    [
        (["processes=2"], ""),
        ([], "preflight='import'"),
        ([], "rolling=True"),
        ([], "trigger='/srv/deployed'"),
    ],
)
def test_not_for_visitors(
    options: list[str], start: str, tmp_path: Path, installation: Installation
) -> None:
    """Where settings protect visitors, the time is stated and nothing is recommended."""
    assert late(served(tmp_path, *options, start=start), installation).cure == ""


@pytest.mark.parametrize("start", ["", "patience=0", "rolling=False, preflight=None"])
def test_for_development(start: str, tmp_path: Path, installation: Installation) -> None:
    """Elsewhere the line is named, and for mod_wsgi-express the option that takes it."""
    site = served(tmp_path, "processes=1", start=start)
    line = f'LoadFile "{installation.respawn}"'
    assert late(site, installation).cure == f"while you develop, add: {line}"
    cure = late(replace(site, express=Handler("", False, False)), installation).cure
    assert cure == f"while you develop, add to a file for --include-file: {line}"


def test_without_the_library(tmp_path: Path, installation: Installation) -> None:
    """Where none is installed, or no daemon process is replaced, there is nothing to report."""
    nowhere = replace(installation, package="/nowhere")
    site = served(tmp_path)
    assert list(respawn.examine([site], [], nowhere, 0)) == []
    assert list(respawn.examine([replace(site, daemon=None)], [], installation, 0)) == []
    [found] = respawn.examine([site], [LOAD], nowhere, 0)
    assert "at once" in found.text


@pytest.mark.skipif(not MAPS.exists(), reason="it needs /proc")
def test_libraries_of_a_process() -> None:
    """The libraries of our own process are known, those of none are not."""
    libc = next(line for line in MAPS.read_text().splitlines() if "libc" in line)
    assert processes.has_loaded(os.getpid(), Path(libc.split()[-1]).name) is True
    assert processes.has_loaded(os.getpid(), "no-such-library.so") is False
    assert processes.has_loaded(2**30, "libc.so.6") is None
