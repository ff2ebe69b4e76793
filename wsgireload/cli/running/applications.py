"""The running applications, each with its monitors, and which of them a command line names."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

from wsgireload.cli import windows
from wsgireload.cli.running import processes
from wsgireload.cli.running.monitors import RunningMonitor
from wsgireload.cli.terminal import UsageError
from wsgireload.log import few, shown

ALL = "--all"


@dataclass(frozen=True)
class Application:
    """What is replaced as one: a process group of one Apache, or its child on Windows."""

    monitors: Sequence[RunningMonitor]

    @property
    def name(self) -> str:
        """The name of its process group; what its server is, where it has none."""
        return self.monitors[0].title

    @property
    def place(self) -> tuple[str, int]:
        """What tells it apart: its name, and the pid of its Apache."""
        return self.name, self.monitors[0].status.parent

    @property
    def scripts(self) -> list[str]:
        """The WSGI scripts that its monitors report."""
        every = (each.status.script for each in self.monitors)
        return sorted({script for script in every if script})

    def has(self, name: str) -> bool:
        """Whether a name of a command line means it: its own, a path of its WSGI script, a pid."""
        if name in (self.name, *map(str, self.pids)):
            return True
        with contextlib.suppress(FileNotFoundError):  # the current folder is gone
            return os.path.realpath(name) in map(os.path.realpath, self.scripts)
        return False

    @property
    def pids(self) -> list[int]:
        return sorted({each.status.pid for each in self.monitors})

    def data(self) -> dict[str, object]:
        return {"name": self.name, "pids": self.pids, "scripts": self.scripts}

    @property
    def label(self) -> str:
        return f"{shown(self.name)}, pid {few(map(str, self.pids))}"

    def __str__(self) -> str:
        return self.label + "".join(f", {shown(script)}" for script in self.scripts)


def add_arguments(command: argparse.ArgumentParser, verb: str) -> None:
    """Add the options that name applications to `verb`."""
    command.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help=f"application to {verb}: its process group, its WSGI script, or a pid "
        "(default: the only one that runs)",
    )
    command.add_argument(ALL, action="store_true", help=f"{verb} all applications")


def group(found: Sequence[RunningMonitor]) -> list[Application]:
    """Return the applications of these monitors, in the same order."""
    every: dict[object, list[RunningMonitor]] = {}
    for each in found:
        every.setdefault((each.title, each.status.parent), []).append(each)
    return [Application(monitors) for monitors in every.values()]


def select(options: argparse.Namespace, found: Sequence[RunningMonitor]) -> list[Application]:
    """Return the applications that NAME, --all or --pid-file select, or the only one.

    UsageError lists the applications, if none is named and several run, or NAME is none of them or
    more than one.
    """
    if options.name and options.all:
        raise UsageError(f"NAME and {ALL} exclude each other")
    pid_file = getattr(options, "pid_file", None)  # an option of `restart` only
    if pid_file is not None:
        parent = windows.read_pid(pid_file)
        # of the process itself: the status may name any other
        found = [each for each in found if processes.parent(each.status.pid) == parent]
    every, name = group(found), options.name
    named = [each for each in every if not name or each.has(name)]
    if every and not named:
        raise _error(f"NAME is {name!r}; it takes one of the applications that run", every)
    if len(named) > 1 and name:
        cure = "name its WSGI script, or one of its pids, as several are called so"
        raise _error(f"NAME is {name!r}; {cure}", named)
    if len(named) > 1 and not options.all and pid_file is None:
        raise _error(f"several applications run; name one, or use {ALL}", named)
    return named


def _error(text: str, every: Sequence[Application]) -> UsageError:
    listed = "".join(f"\n  {each}" for each in every)
    return UsageError(f"{text}:{listed}", applications=[each.data() for each in every])
