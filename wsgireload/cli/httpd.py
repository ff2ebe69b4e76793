"""Apache, asked through its own program: what it is, and how it reads its configuration."""

from __future__ import annotations

import glob
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from wsgireload.cli import programs

PROGRAMS = (
    "apache2",
    "httpd",
    "/usr/sbin/apache2",
    "/usr/sbin/httpd",
    "/usr/local/apache2/bin/httpd",
)
ON_WINDOWS = (
    r"C:\Apache24\bin\httpd.exe",
    r"C:\xampp\apache\bin\httpd.exe",
    r"C:\wamp64\bin\apache\apache2.4*\bin\httpd.exe",
)
DUMPS = ("INCLUDES", "MODULES", "RUN_CFG")
INCLUDED = re.compile(r"( +)\((\*|\d+)\) (.+)")
MODULE = re.compile(r" (\w+_module) \((?:static|shared)\)", re.MULTILINE)

Run = Callable[[Sequence[str], Mapping[str, str]], tuple[int, str, str]]


@dataclass(frozen=True)
class Build:
    """What the program says of itself: `-V`."""

    server: str
    bits: int
    mpm: str
    root: str
    config: str


@dataclass(frozen=True)
class Dump:
    """What it made of its configuration. `trouble` is its own words where that is broken."""

    trouble: str
    modules: frozenset[str]
    defines: dict[str, str]
    values: dict[str, str]
    includes: dict[tuple[str, int], list[str]] = field(default_factory=dict)
    """(file, line) -> what that line includes; ("", 0) -> the file that all begins with."""

    @property
    def user(self) -> str:
        """Who Apache's processes run as; "" where that is nobody else (Windows)."""
        found = re.match(r'name="([^"]*)"', self.values.get("User", ""))
        return found[1] if found else ""


class Httpd:
    """One program, with one configuration."""

    def __init__(self, program: str, config: str | None = None, run: Run = programs.run) -> None:
        """`config` is its main file; None is the one that it was built to read."""
        self.program = program
        self._where = ["-f", os.path.abspath(config)] if config else []
        self._run = run

    @cached_property
    def build(self) -> Build | None:
        """None where this is no Apache."""
        _, told, _ = self._ask("-V")
        server = re.search(r"^Server version: (Apache/.*)", told, re.MULTILINE)
        bits = re.search(r"^Architecture: +(\d+)-bit", told, re.MULTILINE)
        if server is None or bits is None:
            return None
        mpm = re.search(r"^Server MPM: +(\S+)", told, re.MULTILINE)
        root, config = (
            re.search(rf'-D {name}="(.*)"', told) for name in ("HTTPD_ROOT", "SERVER_CONFIG_FILE")
        )
        return Build(
            server[1].strip(),
            int(bits[1]),
            mpm[1] if mpm else "",
            root[1] if root else "",
            config[1] if config else "",
        )

    @cached_property
    def dump(self) -> Dump:
        """The configuration, as Apache reads it."""
        code, told, trouble = self._ask("-t", *(f"-DDUMP_{name}" for name in DUMPS))
        values = dict(re.findall(r"^(\w+): (.*)$", told, re.MULTILINE))
        defines = re.findall(r"^Define: (\w+)(?:=(.*))?$", told, re.MULTILINE)
        return Dump(
            trouble.strip() if code else "",
            frozenset(MODULE.findall(told)),
            dict(defines),
            values,
            dict(_includes(told)),
        )

    @cached_property
    def directives(self) -> str | None:
        """All directives as Apache has them; None where it cannot print them.

        That is what mod_info does, which is loaded for this one question where it is at hand.
        """
        loaded = "info_module" in self.dump.modules
        files = [None] if loaded else [path for path in self._mod_info() if os.path.isfile(path)]
        for path in files[:1]:
            load = [] if path is None else ["-C", f'LoadModule info_module "{path}"']
            code, told, _ = self._ask("-t", "-DDUMP_CONFIG", *load)
            if code == 0 and told.startswith("# In file:"):
                return told
        return None

    def check(self, more: str = "") -> str:
        """Why it would not start, with one more file; "" where it would."""
        include = ["-c", f'Include "{more}"'] if more else []
        code, _, trouble = self._ask("-t", *include)
        return trouble.strip() or f"it ended with {code}" if code else ""

    @cached_property
    def environment(self) -> dict[str, str]:
        """What Debian's configuration refers to: the variables of the file beside it."""
        file = os.path.join(self._root, "envvars")
        if os.name == "nt" or not self._root or not os.path.isfile(file):
            return {}
        _, told, _ = self._run(["sh", "-c", '. "$1" >&2; env -0', "sh", file], {})
        known = (entry.partition("=") for entry in told.split("\0") if "=" in entry)
        return {
            name: value for name, _, value in known if name.startswith("APACHE_") or name == "LANG"
        }

    @cached_property
    def _root(self) -> str:
        _, told, _ = self._run([self.program, "-V"], {})
        found = re.search(r'-D HTTPD_ROOT="(.*)"', told)
        return found[1] if found else ""

    def _mod_info(self) -> list[str]:
        roots = (self._root, self.dump.values.get("ServerRoot", "").strip('"'))
        folders = [os.path.join(root, "modules") for root in roots if root]
        folders += ["/usr/lib/apache2/modules", "/usr/lib64/httpd/modules"]
        return [os.path.join(folder, "mod_info.so") for folder in folders]

    def _ask(self, *words: str) -> tuple[int, str, str]:
        return self._run([self.program, *self._where, *words], self.environment)


def find(given: str | None = None) -> str | None:
    """The program: the one that was given, or the first of those that are usual."""
    if given:
        return shutil.which(given)
    if os.name == "nt":
        usual = [path for pattern in ON_WINDOWS for path in sorted(glob.glob(pattern))]
        return next(iter(usual), None) or shutil.which("httpd")
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def _includes(told: str) -> Iterator[tuple[tuple[str, int], list[str]]]:
    """By file and line, from lines that are indented as deep as they are included."""
    known: dict[tuple[str, int], list[str]] = {}
    above: list[tuple[int, str]] = []
    for spaces, line, path in INCLUDED.findall(told):
        while above and above[-1][0] >= len(spaces):
            above.pop()
        where = (above[-1][1], int(line)) if above and line != "*" else ("", 0)
        known.setdefault(where, []).append(path)
        above.append((len(spaces), path))
    yield from known.items()
