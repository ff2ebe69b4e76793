"""The running monitors, by what they publish in the folders of their journals."""

from __future__ import annotations

import contextlib
import glob
import json
import os
from dataclasses import dataclass, field
from typing import Any

from wsgireload import settings
from wsgireload.cli import processes
from wsgireload.log import shown
from wsgireload.state.private_dir import Private, private
from wsgireload.state.status_file import RESTART, STATE

MOST_BYTES = 1 << 20
Kinds = dict[str, type | tuple[type, ...]]
NUMBER, TEXT = (int, float), (str, type(None))
OF_STATE: Kinds = {"time": NUMBER, "group": TEXT, "interval": NUMBER, "status": dict}
OF_STATUS: Kinds = {"pid": int, "server": str, "files": int, "application": TEXT, "holding": TEXT}
OF_STATUS |= {"changed": list, "history": list, "parent": int, "generation": (int, type(None))}
OF_RESTART: Kinds = {"at": NUMBER, "reason": str, "took": (*NUMBER, type(None))}


@dataclass(frozen=True)
class State:
    """One monitor: `told` is what published.py wrote, at `time` (seconds since 1970)."""

    folder: str
    name: str
    told: dict[str, Any]

    def __str__(self) -> str:
        return shown(f"{self.told.get('group') or self.status['server']}, pid {self.pid}")

    @property
    def path(self) -> str:
        """Its file."""
        return os.path.join(self.folder, self.name + STATE)

    @property
    def time(self) -> float:
        return float(self.told["time"])

    @property
    def status(self) -> dict[str, Any]:
        """The monitor's Status, as plain data."""
        return dict(self.told["status"])

    @property
    def pid(self) -> int:
        return int(self.status["pid"])

    def ask(self) -> None:
        """Ask it for a restart by hand; OSError where its folder is not ours to write in."""
        folder = private(self.folder, anybodys=True)
        try:
            made = folder.create(self.name + RESTART)
            if not made and self.name + RESTART not in folder.names():
                raise PermissionError(f"no file can be made in {self.folder}")
        finally:
            folder.close()


@dataclass
class Found:
    """All that was found: the monitors, and the folders that we may not look into."""

    states: list[State] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)

    def unread(self) -> str:
        """What was not looked into, in one line; "" where there was nothing of the kind."""
        which = ", ".join(map(shown, self.closed))
        return which and f"not looked into, which takes root or their owner: {which}"


def find() -> Found:
    """Look into every folder in which a monitor of this machine may have left its state."""
    found = Found()
    for path in dict.fromkeys([*settings.state_folders(), *everybodys_folders()]):
        try:
            folder = private(path, anybodys=True)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            found.closed.append(path)
            continue
        try:
            found.states += _read(path, folder)
        finally:
            folder.close()
    found.closed += _closed_by_systemd()
    found.states.sort(key=lambda state: (state.told.get("group", ""), state.pid, state.name))
    return found


def everybodys_folders() -> list[str]:
    """Those of other users: what serves Apache has an account, and often a /tmp, of its own."""
    if os.name == "nt":
        root = settings.environment().get("SystemRoot", r"C:\Windows")
        accounts = [rf"{root}\System32\config\systemprofile"]
        accounts += [
            rf"{root}\ServiceProfiles\{name}" for name in ("LocalService", "NetworkService")
        ]
        return [rf"{account}\AppData\Local\wsgireload" for account in accounts]
    shared = [settings.environment().get("TMPDIR", ""), "/tmp", "/var/tmp"]
    shared += [
        path for tmp in ("/tmp", "/var/tmp") for path in glob.glob(f"{tmp}/systemd-private-*/tmp")
    ]
    return sorted(path for tmp in shared if tmp for path in glob.glob(f"{tmp}/wsgireload-[0-9]*"))


def _closed_by_systemd() -> list[str]:
    """Apache's own /tmp, where systemd gave it one: for root alone to look into."""
    if os.name == "nt" or os.geteuid() == 0:
        return []
    return sorted(glob.glob("/tmp/systemd-private-*-apache2.service-*"))


def _read(path: str, folder: Private) -> list[State]:
    """The states of living processes; what was left behind by others is removed."""
    states = []
    for file in sorted(folder.names()):
        if not file.endswith(STATE):
            continue
        name = file.removesuffix(STATE)
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
            state = State(path, name, _sound(json.loads(folder.read(file, MOST_BYTES))))
            if not processes.alive(state.pid, state.time):
                folder.remove(file)
            # A folder speaks for its owner's processes alone: anybody can make one in /tmp.
            elif processes.owner(state.pid) in (folder.owner, None):
                states.append(state)
    return states


def _sound(told: dict[str, Any]) -> dict[str, Any]:
    """What was read, if each value is of its kind: anybody can write such a file. Or TypeError."""
    given = {"changed": [], "history": []} | told["status"]
    checked: list[tuple[dict[str, Any], Kinds]] = [(told, OF_STATE), (given, OF_STATUS)]
    checked += [(each, OF_RESTART) for each in given["history"]]
    if not {"pid", "server", "files"} <= given.keys() or "time" not in told:
        raise TypeError("it misses what every state has")
    for values, kinds in checked:
        for name, kind in kinds.items():
            if name in values and not isinstance(values[name], kind):
                raise TypeError(f"{name} is {values[name]!r}")
    return {**told, "status": given}
