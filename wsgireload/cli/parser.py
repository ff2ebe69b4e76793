"""The command line's parser: its commands, each with its options and examples."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from wsgireload.cli import (
    completion,
    config,
    doctor,
    files,
    pause,
    restart,
    resume,
    status,
    turn,
    versions,
    wait,
)

COMMANDS = (doctor, config, status, restart, wait, pause, resume, turn, files, completion)
EXAMPLES = {  # of each command, what to type and what for
    "doctor": (
        ("wsgireload doctor", "check every site of this machine's Apache"),
        ("wsgireload doctor /srv/mysite/app.wsgi", "check one site"),
        ("wsgireload doctor --config /srv/mysite/server/httpd.conf", "check another Apache"),
    ),
    "config": (
        ("wsgireload config --django /srv/mysite", "for a Django project"),
        ("wsgireload config --flask hello:app --folder /srv/mysite --check", "check the lines too"),
        ("wsgireload config /srv/mysite/app.wsgi", "for an existing script"),
    ),
    "status": (
        ("wsgireload status", "what runs, and what is held"),
        ("wsgireload status --watch", "the same, again every second"),
        ("wsgireload status --json", "for a program"),
    ),
    "restart": (
        ("wsgireload restart", "restart the only application that runs"),
        ("wsgireload restart mysite", "restart one of several"),
        ("wsgireload restart --pid-file /run/apache2/apache2.pid", "all of one Apache"),
    ),
    "wait": (
        ("wsgireload wait", "after a deployment: until all applications run the new code"),
        ("wsgireload wait mysite --timeout 5m", "one of them, for five minutes at most"),
    ),
    "pause": (
        ("wsgireload pause", "hold restarts for 10 minutes"),
        ("wsgireload pause mysite --for 1h", "hold those of one application for an hour"),
    ),
    "resume": (
        ("wsgireload resume", "end the pause; one restart follows, if code has changed"),
        ("wsgireload resume --all", "end every pause"),
    ),
    "turn": (
        ("wsgireload turn redis://db:6379/mysite", "which machine has the turn, and since when"),
        (
            "wsgireload turn redis://db:6379/mysite --clear",
            "after the machine with the turn has died",
        ),
    ),
    "files": (
        ("wsgireload files /srv/mysite/app.wsgi", "how many files in which folders"),
        ("wsgireload files /srv/mysite/app.wsgi --all", "each file"),
    ),
    "completion": (
        ("wsgireload completion bash > ~/.local/share/bash-completion/completions/wsgireload", ""),
        ("wsgireload completion fish > ~/.config/fish/completions/wsgireload.fish", ""),
    ),
}


def build() -> argparse.ArgumentParser:
    """Return the parser; `run` of its result is the function of the command."""
    parser = argparse.ArgumentParser(
        prog="wsgireload",
        description="Reload a WSGI application under Apache and mod_wsgi.",
        epilog="`wsgireload COMMAND --help` describes a command, with examples.",
    )
    parser.add_argument(
        "--version", action=versions.Version, help="print the versions of wsgireload and Apache"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in COMMANDS:
        name = module.__name__.rpartition(".")[2]
        summary = (module.__doc__ or name).splitlines()[0]  # python -OO has none
        command = commands.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=_listed(EXAMPLES[name]),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.add_argument("--json", action="store_true", help="print JSON")
        command.set_defaults(run=module.run)
    return parser


def _listed(examples: Sequence[tuple[str, str]]) -> str:
    lines = [f"  {line}" + (f"\n      {purpose}" if purpose else "") for line, purpose in examples]
    return "\n".join(["examples:", *lines])
