"""What the files reveal that mod_wsgi-express makes for a site."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from wsgireload.cli import programs

Run = Callable[[Sequence[str], Mapping[str, str]], tuple[int, str, str]]

# Print the arguments and the environment that apachectl gives to Apache, without running Apache.
PRINT = """\
eval "$(sed '/^ACMD=/,$d' "$1")" >&2
for word in "$HTTPD" $HTTPD_ARGS ""; do printf '%s\\0' "$word"; done
env -0
"""
VARIABLE = re.compile(r"MOD_WSGI_\w+|LD_LIBRARY_PATH")


class Handler(NamedTuple):
    """What express's own WSGI script serves: the script of the user, or "" for a module."""

    script: str
    reloads_on_changes: bool
    reloads_script: bool


class Control(NamedTuple):
    """How express's apachectl starts Apache."""

    program: str
    arguments: list[str]
    environment: dict[str, str]


def handler(path: str) -> Handler | None:
    """Return what is served by a script of WSGIHandlerScript; None if it is not express's."""
    values = _values(path)
    if not values.keys() >= {"entry_point", "application_type", "reload_on_changes"}:
        return None
    script = values["entry_point"] if values["application_type"] == "script" else ""
    is_on = values.get("disable_reloading") != "True"
    return Handler(script, is_on and values["reload_on_changes"] == "True", is_on)


def module(path: str) -> str:
    """Return the name of the module that such a script serves, or ""."""
    values = _values(path)
    return values.get("entry_point", "") if values.get("application_type") == "module" else ""


def serves_application(path: str) -> bool:
    """Return whether a script serves one, and not only files: those of --add-handler, or static."""
    values = _values(path)
    return "resources" not in values and values.get("application_type") != "static"


def _values(path: str) -> dict[str, str]:
    """Return what a script of express sets, {} if it cannot be read."""
    text = programs.read_file(path)
    return dict(re.findall(r"^(\w+) = r?'?(.*?)'?$", text, re.MULTILINE))


def control(config: str, run: Run = programs.run) -> Control | None:
    """Return how Apache is started with this configuration; None if it is not express's."""
    path = os.path.join(os.path.dirname(config), "apachectl")
    if "MOD_WSGI_SERVER_ROOT" not in programs.read_file(path):
        return None
    _, out, _ = run(["sh", "-c", PRINT, "sh", path], {})
    words, _, rest = out.partition("\0\0")
    pairs = (entry.partition("=") for entry in rest.split("\0") if "=" in entry)
    environment = {name: value for name, _, value in pairs if VARIABLE.fullmatch(name)}
    program, *arguments = words.split("\0")
    return Control(program, arguments[2:], environment)  # the first two name the configuration
