"""Does the user's own command accept the new code?

It runs in a process of its own, with the application's Python, folder and paths, while the old code
serves. The processes of a group share one run of it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence

from wsgireload.changes import Changes
from wsgireload.decide.command import Command, interpreter
from wsgireload.decide.verdict import GO, Gate, Hold, Verdict, Wait
from wsgireload.state.shared_answer import SharedAnswer

LIMIT = 60.0  # seconds that the command may take
POLL = 0.05
PASSED = "passed"


class Preflight(Gate):
    """Runs the command once for each set of changes, and holds what it rejects."""

    def __init__(
        self,
        command: Sequence[str],
        folder: str,
        environment: Mapping[str, str],
        shared: SharedAnswer,
        clock: Callable[[], float],
    ) -> None:
        """`command` is a program and its arguments."""
        self._words = " ".join(command)
        self._command = Command(command, environment, folder, LIMIT, clock)
        self._shared = shared
        self._clock = clock
        self._what: str | None = None  # the changes that it is run for
        self._waits_since = 0.0
        self._result: str | None = None  # PASSED, or what is wrong; None: not known yet

    def check(self, changes: Changes) -> Verdict:
        what = changes.fingerprint()
        if what != self._what:
            self.end()
            self._what, self._waits_since, self._result = what, self._clock(), None
        if self._result is None and not self._command.running:
            self._take(what)
        if outcome := self._command.poll():
            output = " / ".join(outcome.lines)
            if outcome.code is None:
                self._publish(f"took more than {LIMIT:g} s: {output}")
            else:
                self._publish(f"ended with {outcome.code}: {output}" if outcome.code else PASSED)
        if self._result is None:
            return Wait(POLL)
        if self._result == PASSED:
            return GO
        return Hold(f"the preflight {self._words!r} {self._result}")

    def reset(self) -> None:
        self.end()
        self._what = None

    def end(self) -> None:
        self._command.end()
        self._shared.release()

    def forget(self) -> None:
        self._shared.release()

    def _take(self, what: str) -> None:
        """Read the group's answer, or run the command if no other process does in good time."""
        answer = self._shared.take(what)
        if isinstance(answer, str):
            self._result = answer
        elif answer or self._clock() - self._waits_since > LIMIT:
            self._waits_since = self._clock()
            try:
                self._command.start()
            except (OSError, ValueError) as error:
                self._publish(f"cannot be run: {error}")

    def _publish(self, result: str) -> None:
        self._result = result
        self._shared.publish(result)


def command(words: Sequence[str]) -> list[str]:
    """The command, in which `python` is the Python that runs the application."""
    if words[0] not in ("python", "python3"):
        return list(words)
    return [interpreter() or words[0], *words[1:]]


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """The command's environment: ours, with the module paths that this process has."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return {**ours, "PYTHONPATH": path, "WSGIRELOAD": "off"}
