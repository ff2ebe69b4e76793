"""End a pause: one restart follows, if code has changed meanwhile."""

from __future__ import annotations

import argparse

from wsgireload.cli import pause
from wsgireload.cli.running import applications
from wsgireload.cli.running.applications import Application


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the application."""
    applications.add_arguments(command, "resume")


def run(options: argparse.Namespace) -> int:
    """Return 0 if no application that is named is paused any more."""
    return pause.apply(options, _end)


def _end(application: Application) -> str:
    ended = [each.end_pause() for each in application.monitors]
    return "resumed" if any(ended) else "was not paused"
