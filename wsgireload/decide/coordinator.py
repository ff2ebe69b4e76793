"""Requests to the coordinator of a fleet, made by a command that runs beside the application.

The command is run with `take OWNER VERSION`, `keep OWNER` or `give OWNER`. It ends with 0 for yes,
75 for not yet or 76 for stopped; anything else is no answer. Its last lines say who has the turn,
or why nobody gets it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from typing import NamedTuple

from wsgireload.coordinator import NOT_YET, STOPPED, YES
from wsgireload.decide.command import Command, Outcome
from wsgireload.decide.own_program import UPGRADED, OwnProgram

TAKE, KEEP, GIVE = "take", "keep", "give"
LIMIT = 10.0  # seconds that a request may take
OWNER = "WSGIRELOAD_OWNER"  # the variable of the environment, for machines that are copies
MACHINE_ID = "/etc/machine-id"
OWN = os.path.join(os.path.dirname(os.path.dirname(__file__)), "turn")  # our program's package
SHOWN = 8  # characters of the machine's id


class Answer(NamedTuple):
    """YES, NOT_YET or STOPPED, or None for no answer; and what the command has printed last."""

    code: int | None
    text: str


class Requests:
    """One request at a time; `verb` is that of the one that runs, "" if there is none."""

    def __init__(self, command: Command, owner: str) -> None:
        """`command` lacks the arguments of a request, and has `LIMIT`."""
        self._command = command
        self._owner = owner
        self._program = OwnProgram(OWN) if "wsgireload.turn" in command.arguments else None
        self._failure: Answer | None = None  # it could not be started
        self.verb = ""

    def begin(self, verb: str, *words: str) -> None:
        """Make a request, in place of one that runs."""
        self.end()
        self.verb = verb
        try:
            self._command.start(verb, self._owner, *words)
        except (OSError, ValueError) as error:
            self._failure = Answer(None, f"{self._command.arguments[0]} cannot be run: {error}")

    def poll(self) -> Answer | None:
        """The answer, once; None as long as there is none."""
        answer, self._failure = self._failure, None
        if outcome := self._command.poll():
            answer = _answer(outcome)
            if answer.code is None and self._program is not None and self._program.is_replaced:
                answer = Answer(None, f"{answer.text} ({UPGRADED})")
        if answer is not None:
            self.verb = ""
        return answer

    def end(self) -> None:
        """End the request that runs. It may have had its effect."""
        self._command.end()
        self._failure, self.verb = None, ""


def _answer(outcome: Outcome) -> Answer:
    text = " / ".join(outcome.lines)
    if outcome.code in (YES, NOT_YET, STOPPED):
        return Answer(outcome.code, text)
    if outcome.code is None:
        return Answer(None, f"no answer within {LIMIT:g} s")
    return Answer(None, text or f"the command ended with {outcome.code}")


def owner(environment: Mapping[str, str]) -> str:
    """Return the name of this machine: its host name, and the beginning of its id if it has one."""
    if chosen := "".join(environment.get(OWNER, "").split()):
        return chosen
    host = environment.get("COMPUTERNAME", "") if os.name == "nt" else os.uname().nodename
    with contextlib.suppress(OSError), open(MACHINE_ID, encoding="ascii") as file:
        if found := file.read().strip()[:SHOWN]:
            return f"{host}-{found}"
    return host or "unknown"
