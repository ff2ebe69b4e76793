"""The doctor on bytecode that Apache's user cannot write."""

from __future__ import annotations

import compileall
import os
import py_compile
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wsgireload.cli.apache.directives import Directive
from wsgireload.cli.apache.sites import Site
from wsgireload.cli.doctor import bytecode, permissions, sources
from wsgireload.cli.doctor.finding import Finding
from wsgireload.cli.installation import Installation

TEXT = "".join(f"def f{number}():\n    return {number}\n" for number in range(4000))
MODES = py_compile.PycInvalidationMode
VERSION = Installation.current().version


class Machine:
    """A site whose user may write nothing, with a package in a virtual environment."""

    def __init__(self, root: Path) -> None:
        self.root, self.home = root, root / "venv"
        self.packages = self.home / f"lib/python{VERSION}/site-packages"
        self.package = self.packages / "big"
        (self.package / "tests").mkdir(parents=True)
        for name in ("__init__.py", "more.py", "tests/test_more.py"):
            (self.package / name).write_text(TEXT)
        self.script, self.module = root / "app.wsgi", root / "views.py"
        self.script.write_text("import wsgireload\nwsgireload.start()\nimport views, big\n")
        self.module.write_text("WORD = 1\n")
        self.prefix = "/"  # of the Python that runs the doctor
        self.lines: list[Directive] = []
        self.environment: dict[str, str] = {}

    def findings(self, *, windows: bool = False) -> list[Finding]:
        sources.parse.cache_clear()
        sources.application.cache_clear()
        daemon = Directive("wsgidaemonprocess", ("site", f"python-home={self.home}"))
        alias = Directive("wsgiscriptalias", ("/", str(self.script)))
        site = Site(str(self.script), "/", alias, "site", "%{GLOBAL}", daemon)
        dump = SimpleNamespace(user="nobody", group="", values={})
        httpd: Any = SimpleNamespace(dump=dump, pid=0, environment=self.environment)
        installed = Installation.current()
        here = Installation(windows, installed.version, 64, self.prefix, "/", "/")
        return list(bytecode.examine(site, self.lines, here, httpd))

    def compile(self, mode: MODES = MODES.TIMESTAMP, folder: Path | None = None) -> None:
        compileall.compile_dir(folder or self.packages, quiet=1, force=True, invalidation_mode=mode)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Without bytecode."""
    monkeypatch.setattr(
        permissions, "is_writable", lambda _folder, account: account.user != "nobody"
    )
    monkeypatch.setattr(sys, "pycache_prefix", None)
    return Machine(tmp_path)


def command(found: list[Finding]) -> list[str]:
    """What the cure of the only finding runs, with this Python."""
    (one,) = found
    assert (one.level, one.what) == ("warn", "bytecode")
    words = shlex.split(one.cure.partition(": ")[2])
    return [sys.executable if word.endswith("/bin/python") else word for word in words]


@pytest.mark.parametrize("level", ["", "1", "2"])
@pytest.mark.parametrize("prefix", [False, True])
def test_the_command_is_the_cure(machine: Machine, level: str, prefix: bool) -> None:
    """Without bytecode there is one finding; once its command has run, there is none."""
    machine.lines = [Directive("wsgipythonoptimize", (level,))] if level else []
    machine.environment = {"PYTHONPYCACHEPREFIX": str(machine.root / "kept")} if prefix else {}
    found = machine.findings()
    assert "nobody cannot write" in found[0].text
    assert f"{machine.home}/bin/python" in found[0].cure
    # With an environment of the caller's that keeps Python from writing bytecode by itself.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(command(found), check=True, env=environment)
    assert machine.findings() == []


def test_the_virtual_environment_is_no_module_of_the_application(machine: Machine) -> None:
    """If the application's folder is compiled, an environment that lies in it is left out."""
    machine.module.write_text(2 * TEXT)
    machine.compile()
    (machine.home / "pyvenv.cfg").touch()
    words = command(machine.findings())
    assert words[-3:] == ["-x", "/(venv)/", str(machine.root)]
    subprocess.run(words, check=True)
    assert machine.findings() == []


@pytest.mark.parametrize("mode", list(MODES))
def test_fresh_bytecode(machine: Machine, mode: MODES) -> None:
    """Bytecode of any kind that Python takes is nothing to report."""
    machine.compile(mode)
    assert machine.findings() == []


@pytest.mark.parametrize("mode", list(MODES))
def test_stale_bytecode(machine: Machine, mode: MODES) -> None:
    """Bytecode of an earlier text is reported, unless Python never compares it."""
    machine.compile(mode)
    for name in ("__init__.py", "more.py"):
        (machine.package / name).write_text(TEXT + "\n")
    assert bool(machine.findings()) == (mode is not MODES.UNCHECKED_HASH)


def test_bytecode_of_another_python(machine: Machine) -> None:
    """What another version of Python has compiled is of no use to this one."""
    machine.compile()
    for path in machine.package.rglob("*.pyc"):
        path.rename(path.with_name(path.name.replace(sys.implementation.cache_tag, "cpython-34")))
    assert machine.findings()


def test_another_python_in_the_environment(machine: Machine) -> None:
    """An environment of another version has another bytecode: it is not judged."""
    machine.packages.parent.rename(machine.home / "lib/python3.4")
    assert machine.findings() == []


def test_modules_that_are_not_imported(machine: Machine) -> None:
    """As a rule a process that could write has compiled what it imports, and nothing else."""
    py_compile.compile(str(machine.package / "__init__.py"))
    assert machine.findings() == []


def test_what_python_can_write(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Apache's user may write, Python keeps its bytecode itself, unless that is off."""
    monkeypatch.setattr(permissions, "is_writable", lambda _folder, _user: True)
    assert machine.findings() == []
    machine.environment = {"PYTHONDONTWRITEBYTECODE": "1"}
    assert "PYTHONDONTWRITEBYTECODE" in machine.findings()[0].text
    machine.environment = {}
    machine.lines = [Directive("wsgidontwritebytecode", ("On",))]
    assert "WSGIDontWriteBytecode" in machine.findings()[0].text
    machine.lines = []
    text = machine.script.read_text()
    machine.script.write_text(f"import sys\nsys.dont_write_bytecode = True\n{text}")
    assert "sys.dont_write_bytecode" in machine.findings()[0].text
    machine.compile()
    assert machine.findings() == []


def test_what_costs_next_to_nothing(machine: Machine) -> None:
    """A few small modules are no reason for a command after each deployment."""
    for path in machine.package.rglob("*.py"):
        path.write_text("WORD = 1\n")
    assert machine.findings() == []


def test_windows(machine: Machine) -> None:
    """There the service's account may write as a rule."""
    assert machine.findings(windows=True) == []


def test_the_standard_library(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own library without bytecode, as in the images of Docker Hub, is named."""
    machine.compile()
    monkeypatch.setattr(bytecode, "_is_fresh", lambda cache, _: str(machine.root) in cache)
    machine.prefix = str(machine.home)
    (found,) = machine.findings()
    assert sysconfig.get_path("stdlib") in found.cure


@pytest.mark.parametrize(("owner", "words"), [(0, "sudo /"), (12345, "sudo -u '#12345' /")])
def test_who_compiles(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, owner: int, words: str
) -> None:
    """The command runs as the owner of the folder, which Apache's user is not."""
    monkeypatch.setattr(bytecode.Writer, "owner", lambda *_: owner)
    monkeypatch.setattr(os, "geteuid", lambda: 33)
    assert machine.findings()[0].cure.startswith(f"after each deployment run: {words}")
