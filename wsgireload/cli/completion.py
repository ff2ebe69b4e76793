"""Print a script with which a shell completes commands and options.

shtab writes it: pip install 'wsgireload[completion]'.
"""

from __future__ import annotations

import argparse
from importlib import import_module

from wsgireload.cli.terminal import UsageError, print_json, print_text

SHELLS = ("bash", "zsh", "fish", "tcsh", "powershell")
FILES, FOLDERS = {"SCRIPT", "FILE", "PATH"}, {"FOLDER", "PROJECT"}  # what a value is, by its name


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the shell."""
    command.add_argument("shell", choices=SHELLS, help="the shell that is to read the script")


def run(options: argparse.Namespace) -> int:
    """Return 0; UsageError without shtab."""
    try:
        shtab = import_module("shtab")
    except ImportError:
        raise UsageError("completion needs shtab: pip install 'wsgireload[completion]'") from None
    parser = import_module("wsgireload.cli.parser").build()  # which imports this module
    _mark_paths(parser, shtab.FILE, shtab.DIRECTORY)
    script = shtab.complete(parser, options.shell)
    if options.json:
        print_json({"ok": True, "script": script})
    else:
        print_text(script)
    return 0


def _mark_paths(parser: argparse.ArgumentParser, file: object, folder: object) -> None:
    """Mark the values that are paths, as shtab wants it: in all commands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _mark_paths(command, file, folder)
        elif action.metavar in FILES | FOLDERS:
            action.complete = file if action.metavar in FILES else folder  # type: ignore[attr-defined]
