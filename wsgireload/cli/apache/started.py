"""The options and variables with which Apache is started, which its configuration may depend on.

Some systems load mod_wsgi with an option only: `-D WSGI` on Gentoo, `-D SYSCONFIG` on openSUSE.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from wsgireload.cli.apache import places
from wsgireload.cli.apache.express import Run
from wsgireload.cli.running import processes

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

    def reads(self, root: str, config: str) -> bool:
        """Return whether it reads this file; its own are `root` and `config` without options."""
        values = dict(self.given)
        name = values.get(CONFIG, os.path.relpath(config, root))
        own = os.path.join(values.get(ROOT, root), name)
        return os.path.realpath(own) == os.path.realpath(config)


def servers(commands: Iterable[Sequence[str]] | None = None) -> Iterator[Server]:
    """Return each Apache that runs, by the words of its command line."""
    for program, *words in processes.trusted() if commands is None else commands:
        is_apache = os.path.basename(program).startswith(places.SERVICES)
        if is_apache and ENDING.isdisjoint(words):
            yield Server(program, tuple(_parse(words)))


def options(root: str, config: str, running: Iterable[Sequence[str]] | None = None) -> list[str]:
    """Return the -D, -C and -c of a running server that reads this configuration; [] without one.

    `root` and `config` are the folder and the file of an Apache that is started without options.
    """
    those = (each for each in servers(running) if each.reads(root, config))
    given = next((each.given for each in those), ())
    return [f"{name}{value}" for name, value in given if name in OF_CONFIGURATION]


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
