"""The options and variables with which Apache is started, which its configuration may depend on.

Some systems load mod_wsgi with an option only: `-D WSGI` on Gentoo, `-D SYSCONFIG` on openSUSE.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from wsgireload.cli.apache import places
from wsgireload.cli.apache.express import Run
from wsgireload.cli.running import processes

ROOT, CONFIG = "-d", "-f"
OF_CONFIGURATION = "-D", "-C", "-c"
PRINT = 'env -0; printf "=\\0"; . "$1" >&2; env -0'  # before and after, with a line between
OTHERS = "-e", "-E", "-k"  # options with a value
ENDING = {"-t", "-S", "-M", "-V", "-v", "-l", "-L", "-h", "-?"}  # print or check something, and end


def options(root: str, config: str, running: Iterable[list[str]] | None = None) -> list[str]:
    """Return the -D, -C and -c of a running server that reads this configuration; [] without one.

    `root` and `config` are the folder and the file of an Apache that is started without options.
    """
    for words in processes.trusted() if running is None else running:
        is_apache = os.path.basename(words[0]).startswith(places.SERVICES)
        if not is_apache or not ENDING.isdisjoint(words):
            continue
        given = list(_parse(words[1:]))
        values = dict(given)
        own_root = values.get(ROOT, root)
        own = os.path.join(own_root, values.get(CONFIG, os.path.relpath(config, root)))
        if os.path.realpath(own) == os.path.realpath(config):
            return [f"{name}{value}" for name, value in given if name in OF_CONFIGURATION]
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
