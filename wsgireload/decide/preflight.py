"""Does the new code load, or does the user's own command accept it?

That runs in a process of its own, with the application's Python, folder and paths, while the old
code serves. The processes of a group share one run of it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence

from wsgireload import settings
from wsgireload.changes import Change, Changes
from wsgireload.decide import load_script
from wsgireload.decide.command import LOST, Command, Outcome, interpreter
from wsgireload.decide.own_program import UPGRADED, OwnProgram
from wsgireload.decide.verdict import GO, Gate, Go, Hold, Verdict, Wait
from wsgireload.log import few, shown
from wsgireload.report import Failed, Held, parse, plain
from wsgireload.server import detection
from wsgireload.server.load_failure import source_line
from wsgireload.state.group import LATELY, SharedAnswer
from wsgireload.threads import time

LIMIT = 60.0  # seconds that the command may take
RETRY, SELDOM = 30.0, 3600.0  # seconds until a rejection is checked again: doubled up to an hour
POLL = 0.05
MOST_CUTS = 5  # runs in a row: a person who saves again and again comes to an end
PASSED = "passed"
SHOWN = 10_000  # characters of the output that are reported, the last ones


class Cuts:
    """The runs in a row that ended early because the same files, `paths`, changed meanwhile."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ran_for: dict[str, Change] | None = None  # the changes of a run that has not ended
        self._count = 0
        self._at = 0.0  # when the last run was cut
        self.paths: set[str] = set()

    @property
    def are_many(self) -> bool:
        return self._count >= MOST_CUTS

    def begin(self, files: dict[str, Change]) -> None:
        self._ran_for = files

    def end(self) -> None:
        self._ran_for, self._count = None, 0

    def note(self, files: dict[str, Change]) -> None:
        """Count the run as cut if it was for other changes than these."""
        if (before := self._ran_for) is None or before == files:
            return
        paths = {path for path in {*before, *files} if before.get(path) != files.get(path)}
        self._count = self._count + 1 if paths == self.paths else 1
        self.paths, self._at, self._ran_for = paths, self._clock(), None

    def left(self) -> float:
        """Seconds until the next run may begin: after many, more with each one, 30 at most."""
        pause = 2.0 ** min(self._count - MOST_CUTS, 5) if self.are_many else 0.0
        return self._at + min(pause, RETRY) - self._clock()


class Preflight(Gate):
    """Runs the command once for each set of changes, and holds what it rejects.

    A rejection is checked again after a while: the reason may lie elsewhere, as in a database that
    was away. A run is ended when something else changes meanwhile. Where the same files did so
    several times in a row, most likely the command itself writes them: that is held.
    """

    def __init__(self, command: Command, shared: SharedAnswer, clock: Callable[[], float]) -> None:
        """`command` has `LIMIT`."""
        words = command.arguments
        own = load_script.__file__ in words
        self._words = "import" if own else " ".join(words)
        self._program = OwnProgram(load_script.__file__) if own else None
        self._command = command
        self._shared = shared
        self._clock = clock
        self._what: str | None = None  # the changes that it is run for
        self._since = 0.0  # when its result was wanted first; once it is known, when it came
        self._pause = RETRY
        self._result: Go | Hold | None = None  # None: not known yet
        self._cuts = Cuts(clock)

    def check(self, changes: Changes) -> Verdict:
        what = changes.fingerprint()
        self._cuts.note(changes.files)
        if what != self._what:
            self._begin(what, RETRY)
        elif isinstance(self._result, Hold) and self._clock() - self._since >= self._pause:
            self._begin(what, min(2 * self._pause, SELDOM))
        may_run = changes.by_hand or self._cuts.left() <= 0
        if self._result is None and may_run and not self._command.running:
            self._take(what, changes.files, by_hand=changes.by_hand)
        if outcome := self._command.poll():
            self._cuts.end()
            self._publish(self._judge(outcome))
        if self._result is not None:
            return self._result
        if not self._cuts.are_many:
            return Wait(POLL)
        files, runs = few(map(shown, sorted(self._cuts.paths))), f"the preflight {self._words!r}"
        return Hold(f"{files} changed in each of the last runs of {runs}: does it write that?")

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

    def _judge(self, outcome: Outcome) -> Go | Hold:
        """The verdict on the new code after the command has ended."""
        # Without an exit code, as where SIGCHLD is ignored, its last line has the answer too.
        loaded = outcome.text.rstrip().rpartition("\n")[2] == load_script.LOADED
        replaced = self._program is not None and self._program.is_replaced
        if (outcome.code == 0 and (loaded or not replaced)) or (outcome.code == LOST and loaded):
            return GO
        if outcome.code in (1, LOST) and (failed := _failed(outcome.text)):
            return _hold_of(failed)
        lines = " / ".join(outcome.lines)
        ended = f"ended with {outcome.code}"
        if outcome.code is None:
            ended = f"took more than {LIMIT:g} s"
        if replaced:
            ended = f"{ended}, and {UPGRADED}"
        return self._hold(f"{ended}: {lines}", outcome.text[-SHOWN:].strip() or None)

    def _hold(self, what: str, output: str | None = None) -> Hold:
        return Hold(f"the preflight {self._words!r} {what}", None, output)

    def _take(self, what: str, files: dict[str, Change], *, by_hand: bool) -> None:
        """Read the group's answer, or run the command if no other process does in good time.

        For a restart by hand no answer of an earlier time counts.
        """
        waited = self._clock() - self._since
        answer = self._shared.take(what, waited if by_hand else LATELY)
        if isinstance(answer, str):
            self._note(GO if answer == PASSED else _read(answer))
        elif answer or waited > LIMIT:
            self._since = self._clock()
            try:
                self._command.start()
                self._cuts.begin(files)
            except (OSError, ValueError) as error:
                self._publish(self._hold(f"cannot be run: {error}"))

    def _publish(self, result: Go | Hold) -> None:
        self._note(result)
        self._shared.publish(PASSED if isinstance(result, Go) else json.dumps(plain(result)))

    def _note(self, result: Go | Hold) -> None:
        self._result, self._since = result, self._clock()


def _failed(text: str) -> Failed | None:
    """What load_script.py has printed last; None if that is something else."""
    _, mark, last = text.rpartition(load_script.MARK)
    try:
        return parse(Failed, json.loads(last)) if mark else None
    except (ValueError, TypeError):  # the application has printed something in between
        return None


def _hold_of(failed: Failed) -> Hold:
    path, line, error = failed.path, failed.line, failed.error
    place = Held(path, line, None, source_line(path, line), error) if path else None
    return Hold(f"the new code does not load: {failed.described()}", place, failed.traceback)


def _read(answer: str) -> Hold:
    """The hold that another process has published."""
    try:
        return parse(Hold, json.loads(answer))
    except (ValueError, TypeError, RecursionError):  # another release of ours wrote it
        return Hold(answer)


def prepared(words: Sequence[str] | str, limit: float) -> Command:
    """A command of the user's, with the application's Python, folder and paths."""
    arguments = command(words, detection.script_paths())
    ours = environment(settings.environment())
    return Command(arguments, ours, folder(words, detection.script_folder()), limit, time.monotonic)


def command(words: Sequence[str] | str, scripts: Sequence[str] = ()) -> list[str]:
    """The command, in which `python` is the Python that runs the application.

    "import" is one that loads the WSGI scripts.
    """
    python = interpreter()
    if words == "import":  # -P: without the modules that lie beside our own program
        return [python or "python", "-P", load_script.__file__, *scripts]
    if words[0] not in ("python", "python3"):
        return list(words)
    return [python or words[0], *words[1:]]


def folder(words: Sequence[str] | str, script_folder: str) -> str | None:
    """The folder in which the command runs: that of the WSGI script, or the one above it.

    The latter if only there is the file that the command names: startproject puts manage.py there.
    None where scripts are loaded, as mod_wsgi does that in the current folder: a process may be in
    a folder that its user cannot enter, as in root's when root has started Apache there.
    """
    if words == "import":
        return None
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
