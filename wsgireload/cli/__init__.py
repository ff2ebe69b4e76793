"""The command line: `wsgireload COMMAND`, or `python -m wsgireload COMMAND`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from wsgireload.cli import parser, terminal
from wsgireload.cli.terminal import OutputError, UsageError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Return 0 if all is well, 1 for a problem that it printed, 2 for misuse."""
    terminal.open_missing()
    try:
        try:
            return _run(_parsed(arguments))
        finally:  # also where argparse ends the program, as after --help
            terminal.flush()
    except OutputError as error:
        return terminal.abandon(error)


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    try:
        return parser.build().parse_args(arguments)
    except OSError as error:  # printing the help has failed
        raise OutputError(error) from None


def _run(options: argparse.Namespace) -> int:
    try:
        return _in_folder(options)
    except UsageError as error:
        terminal.print_error(str(error))
        if options.json:
            terminal.print_json({"ok": False, "error": str(error), **error.data})
        return 2
    except KeyboardInterrupt:
        return 130


def _in_folder(options: argparse.Namespace) -> int:
    """Return the exit code; UsageError if a path needs the current folder, and that is gone."""
    try:
        return int(options.run(options))
    except FileNotFoundError:
        try:
            os.getcwd()
        except OSError:
            raise UsageError("the current folder is gone: change to one that exists") from None
        raise
