"""The packages: one sdist that builds by itself, and the wheel that it gives."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest
import setuptools
from support.builds import FREE_THREADED

CHECKOUT = Path(__file__).parents[2]


def build(source: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Build the sdist, and the wheel from the sdist, with what is installed here."""
    return subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", source / "dist", source],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """A copy of the checkout: building writes into its folder, which may be another user's."""
    made = tmp_path_factory.mktemp("package") / "source"
    leftovers = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "*.so", "build", "dist")
    shutil.copytree(CHECKOUT, made, ignore=leftovers)
    return made


@pytest.fixture(scope="module")
def built(source) -> Path:
    """The folder with the sdist and the wheel."""
    done = build(source)
    assert done.returncode == 0, done.stdout
    assert "Deprecat" not in done.stdout
    return source / "dist"


@pytest.fixture(scope="module")
def wheel(built) -> Path:
    """The one wheel."""
    (made,) = built.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def sdist(built) -> Path:
    """The one sdist."""
    (made,) = built.glob("*.tar.gz")
    return made


def names(wheel: Path) -> set[str]:
    """The files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_tag(wheel):
    """One wheel is for every CPython from 3.11 on; a free-threaded one for its version alone."""
    python, abi, platform = wheel.stem.split("-")[2:]
    if FREE_THREADED:
        assert python == abi.removesuffix("t")
    else:
        assert (python, abi) == ("cp311", "abi3")
    assert platform == sysconfig.get_platform().replace("-", "_").replace(".", "_")


def test_wheel(wheel, source):
    """The wheel holds the package, what is compiled, a stub, the header: nothing else."""
    package = {
        path.relative_to(source).as_posix()
        for path in (source / "wsgireload").rglob("*")
        if path.suffix in {".py", ".pyi", ".typed", ".css", ".js"}
    }
    native = "_native" + (sysconfig.get_config_var("EXT_SUFFIX") if FREE_THREADED else ".abi3.so")
    assert {"wsgireload/py.typed", "wsgireload/_native.pyi", "wsgireload/ffi.py"} <= package
    more = {native, "include/wsgireload.h"} | ({"respawn.so"} if sys.platform == "linux" else set())
    assert {name for name in names(wheel) if ".dist-info/" not in name} == package | {
        f"wsgireload/{name}" for name in more
    }


def test_metadata(wheel):
    """The metadata has the licence and no run-time dependency."""
    (file,) = (name for name in names(wheel) if name.endswith(".dist-info/METADATA"))
    with zipfile.ZipFile(wheel) as archive:
        lines = archive.read(file).decode().splitlines()
    assert {"Name: wsgireload", "License-Expression: MIT", "Requires-Python: >=3.11"} <= set(lines)
    wanted = [line for line in lines if line.startswith("Requires-Dist:")]
    assert wanted
    assert all("; extra == " in line for line in wanted)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names(wheel))


def test_sdist(sdist, source):
    """The sdist holds all that the checkout does, and nothing that a build left behind."""
    with tarfile.open(sdist) as archive:
        held = {PurePosixPath(*PurePosixPath(x.name).parts[1:]) for x in archive if x.isfile()}
    for folder in ("csrc", "wsgireload", "tests", "ci", "examples", "bench", "docs"):
        there = {
            PurePosixPath(path.relative_to(source))
            for path in (source / folder).rglob("*")
            if path.is_file()
        }
        assert {path for path in held if path.parts[0] == folder} == there
    rest = {"pyproject.toml", "setup.py", "MANIFEST.in", "LICENSE", "README.md"}
    assert rest <= set(map(str, held))


def test_broken_build(source, tmp_path):
    """A native module that cannot be built fails the build, and leaves no wheel behind."""
    broken = tmp_path / "broken"
    shutil.copytree(source, broken, ignore=shutil.ignore_patterns("dist", "*.egg-info"))
    done = build(broken, CC="false")
    assert done.returncode != 0
    assert "command 'false' failed" in done.stdout or "'false'" in done.stdout
    assert not list(broken.glob("dist/*.whl"))


def extension(monkeypatch: pytest.MonkeyPatch) -> setuptools.Extension:
    """The native module as setup.py describes it."""
    made: list[setuptools.Extension] = []
    monkeypatch.setattr(setuptools, "setup", lambda **given: made.extend(given["ext_modules"]))
    monkeypatch.chdir(CHECKOUT)
    runpy.run_path("setup.py")
    native, *others = made
    assert [other.name for other in others] in ([], ["wsgireload.respawn"])
    return native


@pytest.mark.parametrize(("platform", "wide"), [("linux", True), ("freebsd14", False)])
def test_sizes_and_times_on_32_bits(monkeypatch: pytest.MonkeyPatch, platform: str, wide) -> None:
    """On Linux the build uses 64 bits: else a file of 2 GiB, or of 2039, cannot be examined."""
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.delenv("WSGIRELOAD_KIT", raising=False)
    native = extension(monkeypatch)
    asked = {("_FILE_OFFSET_BITS", "64"), ("_TIME_BITS", "64")} & set(native.define_macros)
    assert len(asked) == (2 if wide else 0)


@pytest.mark.parametrize(
    ("kit", "files", "stable"),
    [
        ("cp311/win_arm64", {"csrc/watcher.c", "csrc/win/watch.c"}, True),
        ("cp311/macosx_11_0_arm64", {"csrc/stub/watch.c"}, True),
        ("cp314t/musllinux_1_2_aarch64", {"csrc/watcher.c", "csrc/unix/watch.c"}, False),
    ],
)
def test_cross_building(monkeypatch: pytest.MonkeyPatch, kit: str, files: set[str], stable) -> None:
    """The sources and the ABI are those of the other system and Python, not of those that run."""
    monkeypatch.setenv("WSGIRELOAD_KIT", f"/kits/{kit}")
    native = extension(monkeypatch)
    assert {source for source in native.sources if "watch" in source} == files
    assert any(name == "Py_LIMITED_API" for name, _ in native.define_macros) == stable
    assert native.py_limited_api == stable
