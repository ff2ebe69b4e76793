"""The options and variables with which Apache is started, which its configuration may depend on.

Some systems load mod_wsgi with an option only: `-D WSGI` on Gentoo, `-D SYSCONFIG` on openSUSE.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from wsgireload.cli.apache import places
from wsgireload.cli.apache.express import Run
from wsgireload.cli.programs import read_file

ROOT, CONFIG = "-d", "-f"
OF_CONFIGURATION = "-D", "-C", "-c"
PRINT = 'env -0; printf "=\\0"; . "$1" >&2; env -0'  # before and after, with a line between
OTHERS = "-e", "-E", "-k"  # options with a value
ENDING = {"-t", "-S", "-M", "-V", "-v", "-l", "-L", "-h", "-?"}  # print or check something, and end


class Server(NamedTuple):
    """A running Apache: its program, and the options with a value of its command line."""

    program: str
    given: tuple[tuple[str, str], ...]

    @property
    def config(self) -> str:
        """The configuration file that it names; "" if it has the one that it was built for."""
        values = dict(self.given)
        return os.path.join(values.get(ROOT, ""), values[CONFIG]) if CONFIG in values else ""

    def reads(self, config: str, root: str, built: str) -> bool:
        """Return whether it reads this file. `root` and `built` are its own without options."""
        values = dict(self.given)
        own = os.path.join(values.get(ROOT, root), values.get(CONFIG, built))
        return os.path.realpath(own) == os.path.realpath(config)


def servers(commands: Iterable[Sequence[str]]) -> Iterator[Server]:
    """Return each Apache among these command lines, of which the words are given."""
    for program, *words in commands:
        is_apache = os.path.basename(program).startswith(places.SERVICES)
        if is_apache and ENDING.isdisjoint(words):
            yield Server(program, tuple(_parse(words)))


def options(commands: Iterable[Sequence[str]], config: str, root: str, built: str) -> list[str]:
    """Return the -D, -C and -c of the first server that reads this configuration; [] without one.

    `root` and `built` are the folder and the file of an Apache that is started without options.
    """
    those = (each for each in servers(commands) if each.reads(config, root, built))
    given = next((each.given for each in those), ())
    return [f"{name}{value}" for name, value in given if name in OF_CONFIGURATION]


def service(program: str, variables: Mapping[str, str]) -> list[str]:
    """Return the command line with which the system's service starts a program.

    `variables` are those of `envvars`: on Debian one of them has further options.
    """
    name, paths = places.arguments(program)
    lines = (line for path in paths for line in read_file(path).splitlines())
    words = (word for line in lines for word in _split(line.strip().removeprefix("Environment=")))
    values = [word.removeprefix(f"{name}=") for word in words if word.startswith(f"{name}=")]
    given = variables.get("APACHE_ARGUMENTS", "")
    return [program, *_split(" ".join([given, *values[-1:]]))]


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:  # a quote without an end
        return []


def variables(folder: str, run: Run) -> dict[str, str]:
    """Return what a file `envvars` in a folder sets for Apache, as apachectl reads it, or {}."""
    file = os.path.join(folder, "envvars")
    if os.name == "nt" or not os.path.isabs(file) or not os.path.isfile(file):
        return {}
    _, out, _ = run(["sh", "-c", PRINT, "sh", file], {"APACHE_CONFDIR": folder})
    before, _, after = (each.split("\0") for each in out.partition("\0=\0"))
    pairs = (each.partition("=") for each in after if "=" in each)
    changed = ((name, value) for name, _, value in pairs if f"{name}={value}" not in before)
    return {name: value for name, value in changed if name != "_"}


def _parse(words: list[str]) -> Iterator[tuple[str, str]]:
    """Return each option that has a value, which may be a word of its own."""
    rest = iter(words)
    for word in rest:
        if word[:2] in (ROOT, CONFIG, *OF_CONFIGURATION, *OTHERS):
            yield word[:2], word[2:] or next(rest, "")
