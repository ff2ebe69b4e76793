"""The C core for Windows, compiled here and run under wine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.windows.lab import Lab

HERE = Path(__file__).parent
CSRC = HERE.parents[2] / "csrc"
CORE = sorted([*(CSRC / "win").glob("*.c"), *CSRC.glob("*.c")])
CORE.remove(CSRC / "module.c")
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror"]
# What httpd's functions are exported as, with the bytes of their arguments.
FUNCTIONS = {
    "ap_signal_parent": 4,
    "ap_mpm_query": 8,
    "ap_get_server_description": 0,
    "ap_exists_scoreboard_image": 0,
    "ap_get_scoreboard_global": 0,
}
LEFT_OUT = {
    "NO_SIGNAL": {"ap_signal_parent"},
    "NO_QUERY": {"ap_mpm_query"},
    "NO_VERSION": {"ap_get_server_description"},
}
NAMES = {"plain": "{0}", "msvc": "_{0}@{1}", "mingw": "{0}@{1}"}


class Machine:
    """A Windows of a kind, x86_64 or i686: its compiler, and wine to run what that made."""

    def __init__(self, kind: str, folder: Path, prefix: Path) -> None:
        self.kind = kind
        self.folder = folder
        self.prefix = prefix
        # As in setup.py: the core's functions, and none that it keeps to itself.
        exports = re.findall(r'"(wsgireload_\w+)"', CSRC.with_name("setup.py").read_text())
        definition = folder / "core.def"
        definition.write_text("\n".join(["EXPORTS", *exports]))
        objects = [self.compile(f"{path.stem}.o", path, "-c", *WARNINGS) for path in CORE]
        self.core = self.compile("core.dll", *objects, definition, "-shared")
        self.host = self.compile("host.exe", HERE / "host.c", *WARNINGS[:3], "-Werror")
        watcher = [HERE / "watcher.c", *objects, "-municode", *WARNINGS[:3], "-Werror"]
        self.watcher = self.compile("watcher.exe", *watcher)

    def compile(self, name: str, *words: object) -> Path:
        """Compile to a file of this name; returns its path."""
        compiler = f"{self.kind}-w64-mingw32-gcc"
        made = self.folder / name
        made.parent.mkdir(parents=True, exist_ok=True)
        options = ["-O2"] if "-c" in words else ["-O2", "-static-libgcc", "-s"]
        command = [compiler, *options, "-o", made, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return made

    def httpd(self, *left_out: str, names: str = "plain", file: str = "libhttpd.dll") -> Path:
        """A stand-in for httpd's DLL, made once."""
        folder = self.folder / "-".join((names, *left_out))
        if (made := folder / file).exists():
            return made
        gone = set().union(*(LEFT_OUT[what] for what in left_out))
        exports = [
            f"{NAMES[names].format(name, size)} = {name}{f'@{size}' * (self.kind == 'i686')}"
            for name, size in FUNCTIONS.items()
            if name not in gone
        ]
        folder.mkdir(exist_ok=True)
        definition = folder / "httpd.def"
        definition.write_text("\n".join(["EXPORTS", *exports]))
        name = str(made.relative_to(self.folder))
        defines = [f"-D{what}" for what in left_out]
        return self.compile(name, HERE / "httpd.c", definition, "-shared", *defines)

    def run(
        self, *words: object, log: str = "", program: Path | None = None
    ) -> tuple[int, list[Any], str]:
        """Run the host: its exit code, what it printed, read as JSON, and its stderr.

        `log` is what others have written to the file that is its stderr.
        """
        # To files and not to pipes: what wine leaves running would hold a pipe open.
        out, err = self.folder / "stdout", self.folder / "stderr"
        err.write_text(log)
        command = ["wine", str(program or self.host), *map(str, words)]
        with out.open("w") as stdout, err.open("r+") as stderr:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=environment(self.prefix),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                timeout=50,
                check=False,
            )
        lines = out.read_text(errors="replace").splitlines()
        return done.returncode, [*map(_printed, lines)], err.read_text()

    def does(self, *words: object) -> list[Any]:
        """What the host printed, when it came to its end as it should."""
        code, said, complaint = self.run("core", self.core, *words)
        assert (code, complaint) == (55, "")
        return said

    def watches(self, *words: object) -> list[Any]:
        """What the watcher printed, when it came to its end as it should."""
        code, said, complaint = self.run(*words, program=self.watcher)
        assert (code, complaint) == (55, "")
        return said


def environment(prefix: Path) -> dict[str, str]:
    """The environment of wine: this prefix, UTF-8, no debug output, no offer to install."""
    told = {"WINEPREFIX": str(prefix), "LC_ALL": "C.UTF-8"}
    return os.environ | told | {"WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml="}


def made(kind: str, tmp_path_factory: pytest.TempPathFactory, prefix: Path) -> Machine:
    """The machine, where there is a compiler for it."""
    if shutil.which(f"{kind}-w64-mingw32-gcc") is None:
        pytest.skip(f"no {kind}-w64-mingw32-gcc here")
    return Machine(kind, tmp_path_factory.mktemp(kind), prefix)


@pytest.fixture(scope="session")
def prefix(lab: Lab) -> Path:
    """The wine prefix of the lab's session: to boot another takes half a minute."""
    return lab.prefix


@pytest.fixture(scope="session")
def windows(tmp_path_factory: pytest.TempPathFactory, prefix: Path) -> Machine:
    """The 64-bit one."""
    return made("x86_64", tmp_path_factory, prefix)


def _printed(line: str) -> Any:
    """A line as JSON, or as it is: wine too may print, in the host's place."""
    try:
        return json.loads(line)
    except ValueError:
        return line


@pytest.fixture(scope="session")
def windows32(tmp_path_factory: pytest.TempPathFactory, prefix: Path) -> Machine:
    """The 32-bit one: to compile for, and to run where wine has its 32-bit half."""
    return made("i686", tmp_path_factory, prefix)


@pytest.fixture(scope="session")
def runs32(windows32: Machine) -> Machine:
    """The 32-bit one, to run."""
    if windows32.run()[0] != 55:
        pytest.skip("this wine runs no 32-bit programs: they are only compiled and linked here")
    return windows32
