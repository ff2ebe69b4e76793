"""Could a restarted Apache listen where its configuration now says?

`httpd -t` opens no port, and an Apache that cannot open one ends. Addresses that were configured as
this process started are Apache's own. New ones are tried in a process of its own: this one opens no
socket.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping

from wsgireload.changes import Changes
from wsgireload.decide.apache_config import FRESH, LIMIT, POLL, check_command
from wsgireload.decide.command import Command, interpreter
from wsgireload.decide.verdict import GO, Gate, Hold, Verdict, Wait
from wsgireload.log import shown
from wsgireload.report import Held
from wsgireload.server import native
from wsgireload.server.files import content

INCLUDED = re.compile(r"^ +\((?:\*|\d+)\) (.+?)\r?$", re.MULTILINE)
LISTEN = re.compile(r'\s*Listen\s+"?([^\s"]+)', re.IGNORECASE)
MOST = 0xFFFF  # of a port
LISTEN_ON = os.path.join(os.path.dirname(__file__), "listen_on.py")
ADDRESS = re.compile(r"(?:(\*|[\d.]+|\[[\da-fA-F:.]+\]):)?(\d+)")  # no host names: they take time


class Listeners(Gate):
    """Holds a restart while a new `Listen` cannot have its address, and while none is left."""

    def __init__(
        self, command: str, environment: Mapping[str, str], clock: Callable[[], float]
    ) -> None:
        """`command` is how this server was started; `environment` what it runs in."""
        self._dump = check_command(f"{command} -t -DDUMP_INCLUDES", environment, clock)
        program = [interpreter() or "", "-I", "-S", LISTEN_ON]
        self._attempt = Command(program, environment, None, LIMIT, clock)
        self._clock = clock
        self._tried_at = float("-inf")
        self._refused: dict[str, str] = {}  # addresses, and why the system refuses them
        self._known: set[str] | None = None  # the addresses at the start; None: not known
        self._files: list[str] = []
        self._state: object = None  # of the files, as they were read
        self._listens: dict[str, Held] = {}  # each address, and its line
        self._read()

    @property
    def _runs(self) -> bool:
        return self._dump.running or self._attempt.running

    def announce(self) -> bool:
        self._poll()  # soon after the start: an edit may come at any time
        return not self._runs

    def check(self, _changes: Changes) -> Verdict:
        self._poll()
        if self._known and not self._runs:
            if self._state != self._look():
                self._read()
            elif self._clock() - self._tried_at >= FRESH:
                self._try(self._known)
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

    def _try(self, known: set[str]) -> None:
        self._tried_at, self._refused = self._clock(), {}
        new = (each for each in self._listens.keys() - known if ADDRESS.fullmatch(each))
        if those := [each for each in new if int(each.rpartition(":")[2]) <= MOST]:
            with contextlib.suppress(Exception):  # there is no such program: it cannot be tried
                self._attempt.start(*those)

    def _poll(self) -> None:
        outcome = self._dump.poll()
        if outcome is not None and outcome.code == 0:  # else the configuration is broken
            self._files = list(dict.fromkeys(INCLUDED.findall(outcome.text)))
            self._state = self._look()
            self._listens = _listens(self._files)
            if self._known is None:
                self._known = set(self._listens)
        outcome = self._attempt.poll()
        if outcome is not None and outcome.code == 0:
            with contextlib.suppress(ValueError):  # the program of another release
                self._refused = json.loads(outcome.text)

    def _look(self) -> object:
        """What differs once a file was edited, or another one is beside it."""
        folders = sorted({os.path.dirname(path) for path in self._files})
        return [*native.marks(self._files)], [_names(folder) for folder in folders]

    def _verdict(self) -> Verdict:
        if self._known and not self._listens:
            path = self._files[0]
            what = f"{shown(path)}: no Listen is left, and Apache would end; add one"
            return Hold(what, Held(path, None, None, None, "no Listen is left"))
        refused = (each for each in self._listens.items() if each[0] in self._refused)
        for address, place in refused:
            why = self._refused[address]
            what = f"{shown(place.path)}, line {place.line}: 'Listen {address}' is new"
            cure = "choose another address, or free this one"
            return Hold(f"{what}, and Apache would end: {why}; {cure}", place._replace(error=why))
        return GO


def _listens(paths: Iterable[str]) -> dict[str, Held]:
    found: dict[str, Held] = {}
    for path in paths:
        try:
            lines = content(path).decode("utf-8-sig", "replace").splitlines()
        except OSError:
            continue
        for number, line in enumerate(lines, start=1):
            if match := LISTEN.match(line):
                found.setdefault(match[1], Held(path, number, None, line, None))
    return found


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
