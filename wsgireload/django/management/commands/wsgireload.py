"""`manage.py wsgireload …`: the command line of wsgireload."""

from __future__ import annotations

import argparse
import sys

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Passes its arguments to `wsgireload.cli`."""

    help = "Runs a command of wsgireload: doctor, status and others."
    requires_system_checks: tuple[str, ...] = ()  # doctor has to run when a check fails

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Accept any arguments: wsgireload.cli parses them."""
        parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="doctor | status | …")

    def handle(self, *, arguments: list[str], **_: object) -> None:
        from wsgireload.cli import main

        sys.exit(main(arguments))
