"""The status file of a monitor, and the file that requests a restart from it.

Both lie in the journal's folder, as `<pid>-<interpreter>.state` and `.restart`. The monitor writes
the first when something reportable has changed and removes it when it ends. Anyone who may write to
the folder creates the second; the monitor removes it at its next scan.
"""

from __future__ import annotations

import json
import os
import time
from typing import NamedTuple

from wsgireload import report
from wsgireload.report import Status
from wsgireload.state.private_dir import Candidates, PrivateDir

STATE, RESTART = ".state", ".restart"
REWRITE = 3600.0  # seconds: the journal removes files from that folder that are a day old


class Snapshot(NamedTuple):
    """The content of a status file: a monitor's status at `time` (seconds since 1970).

    `group` is its process group, `interval` the seconds between two scans.
    """

    time: float
    group: str
    interval: float
    status: Status

    def dump(self) -> bytes:
        """Return the snapshot as JSON."""
        return json.dumps(report.plain(self)).encode()


def parse(content: bytes) -> Snapshot:
    """Parse a status file, which any user may have written; ValueError or TypeError if it is none.

    RecursionError if it is nested too deeply.
    """
    return report.parse(Snapshot, json.loads(content))


class StatusFile:
    """The two files of one monitor. Errors are ignored: the site works without these files."""

    def __init__(self, folders: Candidates, interpreter: str) -> None:
        """`interpreter` is a name that is unique in this process."""
        self._folders = folders
        self._name = f"{os.getpid()}-{interpreter}"
        self._folder: PrivateDir | None = None
        self._written: object = None
        self._due = float("-inf")

    def write(self, status: Status, group: str, interval: float) -> None:
        """Write the status if something reportable has changed since the last call.

        Also once after each request for a restart, so that its sender can tell a new status from an
        old one, and every hour, so that the file is not taken for a leftover.
        """
        current = _reportable(status)
        if current == self._written and time.monotonic() < self._due:
            return
        self._written, self._due = current, time.monotonic() + REWRITE
        content = Snapshot(time.time(), group, interval, status).dump()
        try:
            self._folder = self._folder or self._folders.open()
            self._folder.write(self._name + STATE, content)
        except OSError:  # the folder was removed or the disk is full: the next change tries again
            self._close()

    def restart_requested(self) -> bool:
        """Return whether a restart was requested; True once for each request."""
        requested = self._folder is not None and self._folder.remove(self._name + RESTART)
        if requested:
            self._due = float("-inf")
        return requested

    def remove(self) -> None:
        """Remove both files."""
        if self._folder is not None:
            self._folder.remove(self._name + RESTART)
            self._folder.remove(self._name + STATE)
            self._close()

    def _close(self) -> None:
        if self._folder is not None:
            self._folder.close()
            self._folder = None


def _reportable(status: Status) -> tuple[object, ...]:
    """Return what is worth a write: not, for example, the number of scans."""
    return status.files, status.holding, status.changed, status.restarting, status.history
