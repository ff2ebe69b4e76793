"""Query Apache through its own program: its build, and how it reads its configuration."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from wsgireload.cli import programs
from wsgireload.cli.apache import express, places, started
from wsgireload.cli.apache.express import Run
from wsgireload.cli.running import processes

DUMPS = ("INCLUDES", "MODULES", "RUN_CFG")
INCLUDED = re.compile(r"( +)\((\*|\d+)\) (.+)")
MODULE = re.compile(r" (\w+_module) \((static|shared)\)", re.MULTILINE)

CONFIG_FILE = r'-D SERVER_CONFIG_FILE="(.*)"'
RUN_FOLDERS = "APACHE_RUN_DIR", "APACHE_LOCK_DIR"
DUPLICATE = "Name duplicates previous WSGI daemon definition"  # mod_wsgi's, in `Dump.error`

Includes = dict[tuple[str, int], list[str]]


@dataclass(frozen=True)
class Build:
    """What `httpd -V` prints."""

    server: str
    bits: int
    mpm: str


@dataclass(frozen=True)
class Dump:
    """The configuration as Apache reads it. `error` is Apache's message if it cannot."""

    error: str
    modules: frozenset[str]
    defines: dict[str, str]
    values: dict[str, str]
    includes: Includes
    """(file, line) -> the files that this line includes; ("", 0) -> the main file."""
    shared: frozenset[str] = frozenset()
    """The modules that a LoadModule has loaded."""

    @property
    def user(self) -> str:
        """The user of Apache's processes; "" if it does not change the user."""
        return self._name("User")

    @property
    def group(self) -> str:
        """The group of Apache's processes; "" if it does not change the group."""
        return self._name("Group")

    @property
    def server_root(self) -> str:
        """ServerRoot; "" without one."""
        return self.values.get("ServerRoot", "").strip('"')

    def _name(self, value: str) -> str:
        # On UNIX "#-1" stands for no User directive, as in the Apache of a user that is not root.
        found = re.match(r'name="(?!#-1")([^"]*)"', self.values.get(value, ""))
        return found[1] if found else ""


class Httpd:
    """One program with one configuration."""

    def __init__(self, program: str, config: str | None = None, run: Run = programs.run) -> None:
        """`config` is the main configuration file, by default the one that Apache was built for."""
        self.program = program
        config = config or places.config(program)
        self._config = os.path.abspath(config) if config else ""
        self._run = run
        self._express = express.control(self._config, run) if config else None

    @cached_property
    def build(self) -> Build | None:
        """The build; None if the program is not Apache."""
        _, out, _ = self._run_httpd("-V")
        server = _find(r"^Server version: (Apache/.*)", out)
        bits = _find(r"^Architecture: +(\d+)-bit", out)
        if not server or not bits:
            return None
        return Build(server.strip(), int(bits), _find(r"^Server MPM: +(\S+)", out))

    @cached_property
    def dump(self) -> Dump:
        code, out, error = self._run_httpd("-t", *(f"-DDUMP_{name}" for name in DUMPS))
        modules = dict(MODULE.findall(out))
        return Dump(
            error.strip() if code else "",
            frozenset(modules),
            dict(re.findall(r"^Define: (\w+)(?:=(.*))?$", out, re.MULTILINE)),
            dict(re.findall(r"^(\w+): (.*)$", out, re.MULTILINE)),
            _includes(out),
            frozenset(name for name, how in modules.items() if how == "shared"),
        )

    @cached_property
    def printed_config(self) -> str | None:
        """All directives as Apache prints them; None if it cannot.

        mod_info prints them. It is loaded for this one run if it is installed.
        """
        load: list[str] = []
        if "info_module" not in self.dump.modules:
            path = next(filter(os.path.isfile, self._mod_info()), None)
            if path is None:
                return None
            load = ["-C", f'LoadModule info_module "{path}"']
        code, out, _ = self._run_httpd("-t", "-DDUMP_CONFIG", *load)
        return out if code == 0 and out.startswith("# In file:") else None

    def check(self, file: str = "") -> str:
        """Return why Apache would not start, with one more file included; "" if it would."""
        include = ["-c", f'Include "{file}"'] if file else []
        code, _, error = self._run_httpd("-t", *include)
        return error.strip() or f"exit code {code}" if code else ""

    def absolute(self, path: str) -> str:
        """Return a path of the configuration, which may be relative to ServerRoot."""
        return os.path.join(self.dump.server_root or self._root, path) if path else ""

    @property
    def pid(self) -> int:
        """The pid in its PID file; 0 without one, or if only root may read it."""
        text = programs.read_file(self.dump.values.get("PidFile", "").strip('"')).strip()
        return int(text) if text.isdecimal() else 0

    @cached_property
    def config(self) -> str:
        """The main configuration file; "" if it is unknown."""
        return self._config or (os.path.join(self._root, self._built) if self._built else "")

    @cached_property
    def environment(self) -> dict[str, str]:
        """The variables with which Apache is started, from the files `envvars` where it has some.

        A folder for its running processes may not exist before its first start since the machine
        was started. Apache would not accept such a configuration, so another folder stands in.
        """
        stand_in = dict.fromkeys(self.missing_folders, tempfile.gettempdir())
        return {
            name: stand_in.get(value, value) if name in RUN_FOLDERS else value
            for name, value in self._variables.items()
        }

    @cached_property
    def missing_folders(self) -> list[str]:
        """The folders for its running processes that Apache's first start will create."""
        folders = {self._variables.get(name, "") for name in RUN_FOLDERS}
        return sorted(each for each in folders if each and not os.path.isdir(each))

    @cached_property
    def _variables(self) -> dict[str, str]:
        if self._express:
            return self._express.environment
        folders = (self._own_folder, self._root, os.path.dirname(self.program))
        found = [started.variables(folder, self._run) for folder in dict.fromkeys(folders)]
        return {name: value for variables in reversed(found) for name, value in variables.items()}

    @property
    def _own_folder(self) -> str:
        """The folder of a named configuration that is a whole one, as /etc/apache2-mine."""
        folder = os.path.dirname(self._config)
        is_whole = os.path.isfile(os.path.join(folder, "envvars")) and not self._express
        return folder if is_whole else ""

    @cached_property
    def _root(self) -> str:
        return _find(r'-D HTTPD_ROOT="(.*)"', self._defaults)

    @property
    def _built(self) -> str:
        return _find(CONFIG_FILE, self._defaults)

    @cached_property
    def _defaults(self) -> str:
        """What `-V` prints without the environment and the options, which depend on it."""
        known = started.variables(os.path.dirname(self.program), self._run)
        return self._run([self.program, "-V"], known)[1]

    @cached_property
    def _options(self) -> list[str]:
        folder = ["-d", self._own_folder] if self._own_folder else []
        found = [*folder, *(["-f", self._config] if self._config else [])]
        if self._express:
            return [*found, *self._express.arguments]
        service = [*started.service(self.program, self._variables), *folder]
        those = chain(processes.trusted(), [service])
        return [*found, *started.options(those, self.config, self._root, self._built)]

    def _mod_info(self) -> list[str]:
        roots = (self._root, self.dump.server_root)
        folders = [os.path.join(root, "modules") for root in roots if root]
        folders += places.module_folders()
        return [os.path.join(folder, "mod_info.so") for folder in folders]

    def _run_httpd(self, *words: str) -> tuple[int, str, str]:
        return self._run([self.program, *self._options, *words], self.environment)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options that name an Apache."""
    command.add_argument("--httpd", metavar="PATH", help="Apache program")
    command.add_argument("--config", metavar="FILE", help="main configuration file of Apache")


def named(options: argparse.Namespace) -> Httpd | None:
    """Return the Apache of these options; None without one."""
    program = find(options.httpd, options.config)
    return Httpd(program, options.config) if program else None


def find(program: str | None = None, config: str | None = None) -> str | None:
    """Return the path of this program, by default of the first Apache in the usual places.

    A configuration of mod_wsgi-express has an Apache of its own.
    """
    made = express.control(os.path.abspath(config)) if config and not program else None
    if made or program:
        return shutil.which(made.program if made else str(program))
    return places.program()


def _find(pattern: str, text: str) -> str:
    """Return the first group of a pattern; "" if it is not found."""
    found = re.search(pattern, text, re.MULTILINE)
    return found[1] if found else ""


def _includes(text: str) -> Includes:
    """Parse DUMP_INCLUDES: each line is indented below the file that includes it."""
    includes: Includes = {}
    above: list[tuple[int, str]] = []
    for spaces, line, path in INCLUDED.findall(text):
        while above and above[-1][0] >= len(spaces):
            above.pop()
        where = (above[-1][1], int(line)) if above and line != "*" else ("", 0)
        includes.setdefault(where, []).append(path)
        above.append((len(spaces), path))
    return includes
