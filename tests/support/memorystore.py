"""A coordinator in memory, with a clock that the test moves."""

from __future__ import annotations

from support.standins import Clock
from wsgireload.turn.rules import Answer, Entries, act

LIFE = 30.0


class Memory:
    """A store: its turn ends by its clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.entries = Entries()
        self.writes = 0
        self.others = 0  # as often, somebody else writes before us

    def read(self) -> tuple[Entries, float]:
        turn = self.entries.turn
        if turn and self.clock.now >= turn.heard + LIFE:
            self.entries = self.entries._replace(turn=None)
        return self.entries, self.clock.now

    def write(self, before: Entries, after: Entries) -> bool:
        if self.others:
            self.others -= 1
            return False
        self.writes += 1
        assert before == self.entries
        self.entries = after
        return True

    def ask(self, verb: str, owner: str = "", version: str = "") -> Answer:
        return act(self, verb, owner, version)
