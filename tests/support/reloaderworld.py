"""A reloader and all that it meets, each a stand-in."""

from collections.abc import Callable, Collection, Sequence
from typing import cast

from support.journals import History, Writes
from support.reloading import NoCompiler
from support.running import Running
from support.standins import Clock, Lines
from wsgireload.changes import DELETED, MODIFIED, Change, Changes
from wsgireload.decide.budget import Budget
from wsgireload.decide.settle import Settle
from wsgireload.decide.syntax import StaleBytecode, Syntax
from wsgireload.decide.timing import Handover, Timing
from wsgireload.decide.verdict import GO, Gate, Verdict, Wait
from wsgireload.detect.digest import EMPTY, MISSING
from wsgireload.reloader import Reloader
from wsgireload.server.restart import Restart
from wsgireload.state.group import GroupEpoch
from wsgireload.state.journal import Entry, Journal
from wsgireload.state.own_writes import OwnWrites


class Detector:
    """Stands in for detect/: the test sets what differs."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.differs: dict[str, bytes] = {}
        self.python: set[str] = set()
        self.scanned: list[Collection[str] | None] = []
        self.changing = False

    def scan(
        self, paths: Collection[str] | None = None, *, requested: bool = False
    ) -> dict[str, Change]:
        self.scanned.append(paths)
        if self.changing:
            self.differs = {"log.txt": str(self.clock.now).encode()}
        return {path: self.change(path) for path in self.differs}

    def change(self, path: str) -> Change:
        digest, is_python = self.differs[path], path in self.python
        unfinished = is_python and digest in (MISSING, EMPTY)
        kind = DELETED if digest == MISSING else MODIFIED
        return Change(digest, kind, is_python, unfinished)


class Server:
    """Stands in for the native module: counts requests to restart."""

    def __init__(self) -> None:
        self.requests = self.rearmed = 0
        self.taken: set[str] = set()
        self.answer: bool | Exception = True
        self.signalled: Callable[[], None] = lambda: None  # what the signal sets off at once

    def restart(self) -> bool:
        self.signalled()
        if isinstance(self.answer, Exception):
            raise self.answer
        self.requests += self.answer
        return self.answer

    def terminate(self) -> bool:
        return self.restart()

    def rearm(self) -> None:
        self.rearmed += 1


class Group(GroupEpoch):
    """Stands in for the processes of a group."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.ahead = False
        self.began = 0.0
        self.loaded: list[float] = []

    def is_over(self) -> bool:
        return self.ahead

    def scanning(self) -> None:
        self.began = self.clock.now

    def up_to_date(self) -> None:
        self.loaded.append(self.began)


class Turn(Gate):
    """Stands in for the roll: the test sets whose turn it is."""

    def __init__(self) -> None:
        self.verdict: Verdict = Wait(0.1)
        self.taken = False

    def check(self, changes: Changes) -> Verdict:
        self.taken = self.verdict == GO
        return self.verdict

    def reset(self) -> None:
        self.taken = False


class World:
    """A reloader and all that it meets, each a stand-in."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.detector = Detector(self.clock)
        self.history = History()
        self.by_us = True  # whether the application wrote what differs
        self.server = Server()
        self.log = Lines()
        self.group = Group(self.clock)
        self.restart = Restart(0.0, self.clock, ("SIGINT", "SIGTERM"))
        self.handover = Handover(self.group, lambda: self.restart.follows_rejection)
        self.freshened: list[str] = []
        self.stuck: list[str] = []

    def freshen(self, sources: Sequence[str]) -> list[str]:
        self.freshened += sources
        return self.stuck

    def reloader(
        self, processes: int = 1, when: str = "now", roll: Gate | None = None, running: int = 1
    ) -> Reloader:
        """With `when`, requests come all the time, and mod_wsgi calls before each."""
        journal, writes = cast(Journal, self.history), cast(OwnWrites, Writes(self.by_us))
        budget = Budget((3, 60.0), journal, writes, processes, self.clock)
        syntax, rolls = Syntax(lambda: None, NoCompiler()), filter(None, [roll])
        gates = [Settle(0.05, self.clock), syntax, budget, *rolls]
        gates.append(StaleBytecode(self.freshen, self.log))
        if when != "now":
            requests = Running(*[self.clock.now] * running)
            gates.append(Timing(when, 5.0, self.handover, requests, lambda: True, self.clock))
        return Reloader(self.detector, gates, self.restart, budget, self.handover, self.log)

    def run(self, reloader: Reloader, seconds: float) -> None:
        """Take each step when it is due, and one a second."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now += min(reloader.step(), 1.0)

    def said(self, word: str) -> list[str]:
        return [line for line in self.log.lines if line.startswith(word)]


def past(*times: float) -> list[Entry]:
    """Earlier restarts."""
    return [Entry(at, 1, "gen.py changed", str(at), ("gen.py",)) for at in times]
