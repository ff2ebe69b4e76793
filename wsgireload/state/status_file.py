"""The status file of a monitor, and the files that request something from it.

They lie in the journal's folder, as `<pid>-<interpreter>.state`, `.restart` and `.scan`. The
monitor writes the first when something reportable has changed and removes it when it ends. Anyone
who may write to the folder creates the others. The monitor removes `.restart` at its next scan, and
`.scan` once the status shows the outcome of a scan of everything that has begun since.

Two more are the application's: its pause (see state/pause.py), and `.ended`, the last status of the
process that was replaced last. Its successor may come much later.
"""

import contextlib
import json
import os
from collections.abc import Callable
from typing import NamedTuple

from wsgireload import report
from wsgireload.changes import fingerprint
from wsgireload.report import Status
from wsgireload.state import pause
from wsgireload.state.pause import Pause
from wsgireload.state.private_dir import Candidates, PrivateDir
from wsgireload.threads import time

STATE, RESTART, SCAN, ENDED = ".state", ".restart", ".scan", ".ended"
REWRITE = 3600.0  # seconds: the journal removes files from that folder that are a day old
MOST_BYTES = 1 << 20  # of a status file: any user may have written it
MOST_CHANGED = 1000  # paths in the file, which has to be smaller than that
COUNTED = 10.0  # seconds: as often a new number of requests is written


class Snapshot(NamedTuple):
    """The content of a status file: a monitor's status at `time` (seconds since 1970).

    `group` is its process group, `interval` the seconds between two scans. `process` and `apache`
    identify its process and the one that replaces that, whatever the clock shows; `command` is of
    that Apache: see server/apache.py. `taken` counts the requests for a restart so far. Earlier
    releases do not write the last four: they are "" and 0.
    """

    time: float
    group: str
    interval: float
    status: Status
    process: str = ""
    apache: str = ""
    command: str = ""
    taken: int = 0


class Neighbour(NamedTuple):
    """Another monitor of this process.

    `is_scan_pending`: its status does not show yet what came of a scan that was requested.
    """

    name: str
    status: Status
    is_scan_pending: bool


def parse(content: bytes) -> Snapshot:
    """Parse a status file, which any user may have written; ValueError or TypeError if it is none.

    RecursionError if it is nested too deeply.
    """
    return report.parse(Snapshot, json.loads(content))


class StatusFile:
    """The files of one monitor. The site works without them: what fails is retried.

    The folder may appear late, be removed or be made anew: each scan uses the one that is there.
    """

    def __init__(
        self,
        folders: Candidates,
        interpreter: str,
        group: str,
        interval: float,
        application: str,
        identities: tuple[str, str, str] = ("", "", ""),
    ) -> None:
        """`interpreter` is a name that is unique in this process; `group`, `interval` and the last
        three, `identities`, are those of `Snapshot`; `application` is the name of the pause.
        """
        self._folders = folders
        self._name = f"{os.getpid()}-{interpreter}"
        self._last_name = fingerprint(f"{application} {interpreter}".encode()) + ENDED
        self._group = group
        self._interval = interval
        self._application = application
        self._identities = identities
        self._folder: PrivateDir | None = None
        self._written: object = None
        self._content = b""
        self._is_scan_requested = False
        self._requests: int | None = None
        self._since = float("-inf")  # when it was written
        self._taken = 0  # requests for a restart
        self._stamp: tuple[int, ...] | None = None  # of the folder as it was examined last
        self._is_same = False  # the folder, since then
        self._pause: Pause | None = None
        self._is_new = True  # a request is meant for an earlier process with the same number

    @property
    def requests(self) -> list[str]:
        """Paths of the files by which something is requested."""
        names = self._name + RESTART, self._name + SCAN, self._application + pause.PAUSE
        return [os.path.join(folder, name) for folder in self._folders.paths[:1] for name in names]

    def write(
        self,
        reportable: object,
        status: Callable[[], Status],
        requests: int | None = None,
        *,
        is_decided: bool = False,
    ) -> None:
        """Write the status if what is `reportable` of it has changed since it was written.

        Also once after each request for a restart, so that its sender can tell a new status from an
        old one; 10 s after the last time, if the number of `requests` is another now, or with the
        first of them; and every hour, so that the file is not taken for a leftover.

        Also to answer a request for a scan, if `is_decided`: the status shows what comes of it.
        """
        self._is_new = False
        if answers := is_decided and self._is_scan_requested:
            self._since = float("-inf")
        lasts = COUNTED if self._requests else 0.0
        lasts = REWRITE if requests == self._requests else lasts
        is_current = reportable == self._written and time.monotonic() < self._since + lasts
        if is_current and (self._is_same or self._is_there()):
            return
        with contextlib.suppress(OSError):  # as when the disk is full: the next scan tries again
            folder = self._open()
            content = self._content_of(status())
            folder.write(self._name + STATE, content)
            self._written, self._requests, self._content = reportable, requests, content
            self._since = time.monotonic()
            if answers:
                folder.remove(self._name + SCAN)
                self._is_scan_requested = False

    def restart_requested(self) -> bool:
        """Return whether a restart was requested; True once for each request."""
        before, self._stamp = self._stamp, self._folders.stamp()
        self._is_same = self._stamp is not None and self._stamp == before
        if self._is_same:
            return False
        try:
            requested = self._open().remove(self._name + RESTART) and not self._is_new
        except OSError:
            return False
        if requested:
            self._taken += 1
            self._since = float("-inf")
        return requested

    def scan_requested(self) -> bool:
        """Return whether a scan of everything was requested; True once, until `write` answers.

        As the folder was when `restart_requested` was called last.
        """
        if not self._is_same and not self._is_scan_requested:
            with contextlib.suppress(OSError):
                self._open().times(self._name + SCAN)
                self._is_scan_requested = True
                return True
        return False

    def pause(self) -> Pause | None:
        """Return the pause of this application, which may be over; None without one.

        As the folder was when `restart_requested` was called last.
        """
        if not self._is_same:
            try:
                self._pause = pause.read(self._open(), self._application)
            except OSError:
                self._pause = None
        return self._pause

    def keep_last(self, status: Callable[[], Status]) -> None:
        """Keep the last status for whoever awaits the next process: this one is replaced.

        That of now, if code was saved so early that the process ends before its first one.
        """
        with contextlib.suppress(OSError), contextlib.closing(self._folders.open()) as folder:
            folder.write(self._last_name, self._content or self._content_of(status()))

    def _content_of(self, now: Status) -> bytes:
        now = now._replace(changed=now.changed[:MOST_CHANGED])
        about = time.time(), self._group, self._interval, now
        process, apache, command = self._identities
        snapshot = Snapshot(*about, process, apache, command, self._taken)
        return json.dumps(report.plain(snapshot)).encode()

    def neighbours(self) -> list[Neighbour]:
        """Return the other monitors of this process; [] if their files cannot be read.

        Others had its number before.
        """
        found: list[Neighbour] = []
        with contextlib.suppress(OSError):
            folder = self._open()
            for file in folder.names():
                name = file.removesuffix(STATE)
                if name in (file, self._name) or not name.startswith(f"{os.getpid()}-"):
                    continue
                is_pending = folder.has(name + SCAN)  # read first: it is removed last
                with contextlib.suppress(Exception):  # any process of this user may have written it
                    other = parse(folder.read(file, MOST_BYTES))
                    if other.process == self._identities[0]:
                        found.append(Neighbour(name, other.status, is_pending))
        return found

    def request_scan(self, name: str) -> None:
        """Request a scan of another monitor: see `Neighbour`."""
        with contextlib.suppress(OSError):
            self._open().write(name + SCAN, b"")

    def remove(self) -> None:
        if self._folder is not None:
            for ending in (STATE, RESTART, SCAN):  # without the first nothing is answered
                self._folder.remove(self._name + ending)
            self._folder.close()
            self._folder = None

    def _is_there(self) -> bool:
        return self._folder is not None and self._folder.has(self._name + STATE)

    def _open(self) -> PrivateDir:
        """The folder as it is now. OSError where there is none."""
        if self._folder is not None and self._folders.is_best(self._folder.identity):
            return self._folder
        now = self._folders.open()
        if self._folder is not None and self._folder.identity == now.identity:
            now.close()
        else:
            self.remove()
            self._folder = now
        return self._folder
