"""Could a restarted Apache listen where its configuration now says?

`httpd -t` opens no port, and an Apache that cannot open one ends. Addresses that were configured as
this process started are Apache's own.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterable, Mapping

from wsgireload.changes import Changes
from wsgireload.decide.apache_config import POLL, check_command
from wsgireload.decide.verdict import GO, Gate, Hold, Verdict, Wait
from wsgireload.log import shown
from wsgireload.report import Held
from wsgireload.server import native
from wsgireload.server.files import content

INCLUDED = re.compile(r"^ +\((?:\*|\d+)\) (.+?)\r?$", re.MULTILINE)
LISTEN = re.compile(r'\s*Listen\s+"?([^\s"]+)', re.IGNORECASE)
ADDRESS = re.compile(r"(?:(\*|[\d.]+|\[[\da-fA-F:.]+\]):)?(\d+)")  # no host names: they take time


class Listeners(Gate):
    """Holds a restart while a new `Listen` cannot have its address, and while none is left."""

    def __init__(
        self, command: str, environment: Mapping[str, str], clock: Callable[[], float]
    ) -> None:
        """`command` is how this server was started; `environment` what it runs in."""
        self._command = check_command(f"{command} -t -DDUMP_INCLUDES", environment, clock)
        self._known: set[str] | None = None  # the addresses at the start; None: not known
        self._files: list[str] = []
        self._state: object = None  # of the files, as they were read
        self._listens: dict[str, Held] = {}  # each address, and its line
        self._begin()

    def announce(self) -> bool:
        self._poll()  # soon after the start: an edit may come at any time
        return not self._command.running

    def check(self, _changes: Changes) -> Verdict:
        self._poll()
        if self._known is not None and not self._command.running and self._state != self._look():
            self._begin()
        return Wait(POLL) if self._command.running else self._verdict()

    def end(self) -> None:
        self._command.end()

    def _begin(self) -> None:
        self._state = self._look()
        try:
            self._command.start()
        except Exception:  # the check of the configuration reports it
            self._known = None

    def _poll(self) -> None:
        outcome = self._command.poll()
        if outcome is None or outcome.code != 0:  # the configuration is broken
            return
        self._files = list(dict.fromkeys(INCLUDED.findall(outcome.text)))
        self._state = self._look()
        self._listens = _listens(self._files)
        if self._known is None:
            self._known = set(self._listens)

    def _look(self) -> object:
        """What differs once a file was edited, or another one is beside it."""
        folders = sorted({os.path.dirname(path) for path in self._files})
        return [*native.marks(self._files)], [_names(folder) for folder in folders]

    def _verdict(self) -> Verdict:
        if not self._known:
            return GO
        if not self._listens:
            path = self._files[0]
            what = f"{shown(path)}: no Listen is left, and Apache would end; add one"
            return Hold(what, Held(path, None, None, None, "no Listen is left"))
        for address, place in self._listens.items():
            if address not in self._known and (why := _refusal(address)):
                what = f"{shown(place.path)}, line {place.line}: 'Listen {address}' is new"
                cure = "choose another address, or free this one"
                return Hold(
                    f"{what}, and Apache would end: {why}; {cure}", place._replace(error=why)
                )
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


def _refusal(address: str) -> str | None:
    """Why the system does not let this address be used; None where it does, or cannot be asked."""
    if (match := ADDRESS.fullmatch(address)) is None or int(match[2]) > 0xFFFF:
        return None
    host = (match[1] or "*").strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.bind(("" if host == "*" else host, int(match[2])))
    except OSError as error:
        return error.strerror or str(error)
    return None


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
