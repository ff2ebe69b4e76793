"""`manage.py wsgireload doctor`: the command line of wsgireload, where people look for it."""

from __future__ import annotations

import argparse
import sys

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Hands everything over to `wsgireload.cli`."""

    help = "Says what wsgireload does, or why it does not: doctor, status and the like."
    requires_system_checks: tuple[str, ...] = ()  # doctor has to run where something is wrong

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """All of them are the command line's own."""
        parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="doctor | status | …")

    def handle(self, *, arguments: list[str], **_: object) -> None:
        """Ends with the command line's exit code."""
        from wsgireload.cli import main

        sys.exit(main(arguments))
