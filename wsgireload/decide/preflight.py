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
from wsgireload.state.shared_answer import LATELY, SharedAnswer

LIMIT = 60.0  # seconds that the command may take
RETRY, SELDOM = 30.0, 3600.0  # seconds until a rejection is checked again: doubled up to an hour
POLL = 0.05
PASSED = "passed"


class Preflight(Gate):
    """Runs the command once for each set of changes, and holds what it rejects.

    A rejection is checked again after a while: the reason may lie elsewhere, as in a database that
    was away.
    """

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
        self._since = 0.0  # when its result was wanted first; once it is known, when it came
        self._pause = RETRY
        self._result: str | None = None  # PASSED, or what is wrong; None: not known yet

    def check(self, changes: Changes) -> Verdict:
        what = changes.fingerprint()
        if what != self._what:
            self._begin(what, RETRY)
        elif self._is_rejected() and self._clock() - self._since >= self._pause:
            self._begin(what, min(2 * self._pause, SELDOM))
        if self._result is None and not self._command.running:
            self._take(what, by_hand=changes.requested is not None)
        if outcome := self._command.poll():
            output = " / ".join(outcome.lines)
            if outcome.code is None:
                self._publish(f"took more than {LIMIT:g} s: {output}")
            else:
                self._publish(f"ended with {outcome.code}: {output}" if outcome.code else PASSED)
        if self._is_rejected():
            return Hold(f"the preflight {self._words!r} {self._result}")
        return Wait(POLL) if self._result is None else GO

    def reset(self) -> None:
        self.end()
        self._what = None

    def end(self) -> None:
        self._command.end()
        self._shared.release()

    def forget(self) -> None:
        self._shared.release()

    def _begin(self, what: str, pause: float) -> None:
        self.end()
        self._what, self._pause = what, pause
        self._since, self._result = self._clock(), None

    def _is_rejected(self) -> bool:
        return self._result not in (None, PASSED)

    def _take(self, what: str, *, by_hand: bool) -> None:
        """Read the group's answer, or run the command if no other process does in good time.

        For a restart by hand no answer of an earlier time counts.
        """
        waited = self._clock() - self._since
        answer = self._shared.take(what, waited if by_hand else LATELY)
        if isinstance(answer, str):
            self._note(answer)
        elif answer or waited > LIMIT:
            self._since = self._clock()
            try:
                self._command.start()
            except (OSError, ValueError) as error:
                self._publish(f"cannot be run: {error}")

    def _publish(self, result: str) -> None:
        self._note(result)
        self._shared.publish(result)

    def _note(self, result: str) -> None:
        self._result, self._since = result, self._clock()


def command(words: Sequence[str]) -> list[str]:
    """The command, in which `python` is the Python that runs the application."""
    if words[0] not in ("python", "python3"):
        return list(words)
    return [interpreter() or words[0], *words[1:]]


def folder(words: Sequence[str], script_folder: str) -> str:
    """The folder in which the command runs: that of the WSGI script, or the one above it.

    The latter if only there is the file that the command names: startproject puts manage.py there.
    """
    above = os.path.dirname(script_folder)
    for word in words[:2]:  # a program, or an interpreter and its script
        if os.path.isfile(os.path.join(script_folder, word)):  # also by a path from the root
            return script_folder
        if os.path.isfile(os.path.join(above, word)):
            return above
    return script_folder


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """The command's environment: ours, with the module paths that this process has."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return {**ours, "PYTHONPATH": path, "WSGIRELOAD": "off"}
