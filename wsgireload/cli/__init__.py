"""The command line: `wsgireload COMMAND`, or `python -m wsgireload COMMAND`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from wsgireload.cli import config, doctor, files, pause, restart, resume, status, terminal
from wsgireload.cli.terminal import OutputError, UsageError

COMMANDS = (doctor, config, status, restart, pause, resume, files)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Return 0 if all is well, 1 for a problem that it printed, 2 for misuse."""
    try:
        try:
            return _run(_parsed(arguments))
        finally:  # also where argparse ends the program, as after --help
            terminal.flush()
    except OutputError as error:
        return terminal.abandon(error)


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    try:
        return _parser().parse_args(arguments)
    except OSError as error:  # printing the help has failed
        raise OutputError(error) from None


def _run(options: argparse.Namespace) -> int:
    try:
        code: int = options.run(options)
    except UsageError as error:
        terminal.print_error(str(error))
        if options.json:
            terminal.print_json({"ok": False, "error": str(error), **error.data})
        return 2
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wsgireload", description="Reload a WSGI application under Apache and mod_wsgi."
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in COMMANDS:
        name = module.__name__.rpartition(".")[2]
        summary = (module.__doc__ or "").splitlines()[0]
        command = commands.add_parser(name, help=summary, description=summary)
        module.add_arguments(command)
        command.add_argument("--json", action="store_true", help="print JSON")
        command.set_defaults(run=module.run)
    return parser


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"wsgireload {version('wsgireload')}"
    except PackageNotFoundError:  # run from a checkout
        return "wsgireload (not installed)"
