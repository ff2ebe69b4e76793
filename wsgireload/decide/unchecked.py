"""Would a restarted Apache end by what `httpd -t` does not check?

`httpd -t` opens no port and no log, and an Apache that cannot open one ends. Those that were
configured as this process started are Apache's own. New addresses are tried in a process of its
own: this one opens no socket.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Mapping

from wsgireload.changes import Changes
from wsgireload.decide import apache_lines
from wsgireload.decide.apache_config import FRESH, LIMIT, POLL, check_command
from wsgireload.decide.command import Command, interpreter
from wsgireload.decide.verdict import GO, Gate, Hold, Verdict, Wait
from wsgireload.log import shown
from wsgireload.report import Held
from wsgireload.server import native

DUMP = "-t -DDUMP_INCLUDES -DDUMP_RUN_CFG"
INCLUDED = re.compile(r"^ +\((?:\*|\d+)\) (.+?)\r?$", re.MULTILINE)
ROOT = re.compile(r'^ServerRoot: "(.*)"', re.MULTILINE)
MOST = 0xFFFF  # of a port
LISTEN_ON = os.path.join(os.path.dirname(__file__), "listen_on.py")
ADDRESS = re.compile(r"(?:(\*|[\d.]+|\[[\da-fA-F:.]+\]):)?(\d+)")  # no host names: they take time


class Unchecked(Gate):
    """Holds a restart while Apache cannot open a new port or log, and while no `Listen` is left."""

    def __init__(
        self, command: str, environment: Mapping[str, str], clock: Callable[[], float]
    ) -> None:
        """`command` is how this server was started; `environment` what it runs in."""
        self._dump = check_command(f"{command} {DUMP}", environment, clock)
        program = [interpreter() or "", "-I", "-S", LISTEN_ON]
        self._attempt = Command(program, environment, None, LIMIT, clock)
        self._clock = clock
        self._tried_at = float("-inf")
        self._refused: dict[str, str] = {}  # addresses, and why the system refuses them
        self._known: apache_lines.Lines | None = None  # at the start; None: not known
        self._files: list[str] = []
        self._state: object = None  # of the files, as they were read
        self._lines = apache_lines.Lines({}, {})
        self._read()

    @property
    def _runs(self) -> bool:
        return self._dump.running or self._attempt.running

    def announce(self) -> bool:
        self._poll()  # soon after the start: an edit may come at any time
        return not self._runs

    def check(self, _changes: Changes) -> Verdict:
        self._poll()
        if self._known and self._known.listens and not self._runs:
            if self._state != self._look():
                self._read()
            elif self._clock() - self._tried_at >= FRESH:
                self._try(self._known.listens)
        return Wait(POLL) if self._runs else self._verdict()

    def end(self) -> None:
        self._dump.end()
        self._attempt.end()

    def _read(self) -> None:
        """Have Apache name the files of its configuration."""
        self._state, self._tried_at = self._look(), float("-inf")
        try:
            self._dump.start()
        except Exception:  # the check of the configuration reports it
            self._known = None

    def _try(self, known: Mapping[str, object]) -> None:
        self._tried_at, self._refused = self._clock(), {}
        new = (
            each for each in self._lines.listens.keys() - known.keys() if ADDRESS.fullmatch(each)
        )
        if those := [each for each in new if int(each.rpartition(":")[2]) <= MOST]:
            with contextlib.suppress(Exception):  # there is no such program: it cannot be tried
                self._attempt.start(*those)

    def _poll(self) -> None:
        outcome = self._dump.poll()
        if outcome is not None and outcome.code == 0:  # else the configuration is broken
            self._files = list(dict.fromkeys(INCLUDED.findall(outcome.text)))
            self._state = self._look()
            root = ROOT.search(outcome.text)
            self._lines = apache_lines.read(self._files, root[1] if root else "")
            self._known = self._known or self._lines
        outcome = self._attempt.poll()
        if outcome is not None and outcome.code == 0:
            with contextlib.suppress(ValueError):  # the program of another release
                self._refused = json.loads(outcome.text)

    def _look(self) -> object:
        """What differs once a file was edited, or another one is beside it."""
        folders = sorted({os.path.dirname(path) for path in self._files})
        return [*native.marks(self._files)], [_names(folder) for folder in folders]

    def _verdict(self) -> Verdict:
        if self._known is None or not self._known.listens:
            return GO
        if not self._lines.listens:
            path = self._files[0]
            what = f"{shown(path)}: no Listen is left, and Apache would end; add one"
            return Hold(what, Held(path, None, None, None, "no Listen is left"))
        for address, place in self._lines.listens.items():
            if why := self._refused.get(address):
                return _hold(place, why, "choose another address, or free this one")
        for place, why in self._lines.refused(self._known):
            return _hold(place, why, "correct the path, with slashes")
        return GO


def _hold(place: Held, why: str, cure: str) -> Hold:
    what = f"{shown(place.path)}, line {place.line}: '{shown(place.text or '')}' is new"
    return Hold(f"{what}, and Apache would end: {why}; {cure}", place._replace(error=why))


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
