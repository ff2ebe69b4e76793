"""A reloader with real gates, for tests that bring their own detector, journal and server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

from support.journals import Writes
from wsgireload.decide.budget import Budget
from wsgireload.decide.compiler import Compiler
from wsgireload.decide.settle import Settle
from wsgireload.decide.syntax import Syntax
from wsgireload.decide.timing import Handover
from wsgireload.log import Log
from wsgireload.reloader import Detector, Reloader
from wsgireload.server.restart import Restart
from wsgireload.settings import Settings
from wsgireload.state.group import GroupEpoch
from wsgireload.state.own_writes import OwnWrites


class NoCompiler(Compiler):
    """No program can be run beside the application: compile in this process."""

    def __init__(self) -> None:
        super().__init__({}, lambda: 0.0)

    def prefetch(self) -> None:
        raise FileNotFoundError

    def begin(self, paths: Iterable[str]) -> None:
        raise FileNotFoundError

    def end(self) -> None:
        pass


def make_reloader(
    detector: Detector, journal: Any, log: Log, clock: Callable[[], float], settle: Settle
) -> Reloader:
    """A reloader that waits for quiet, compiles and keeps the default budget."""
    budget = Budget(Settings().budget, journal, cast(OwnWrites, Writes()), 1, clock)
    gates = [settle, Syntax(lambda: None, NoCompiler()), budget]
    return Reloader(detector, gates, Restart(0.0, clock), budget, Handover(GroupEpoch()), log)
