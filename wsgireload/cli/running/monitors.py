"""The running monitors of this machine, by the status files that they write."""

from __future__ import annotations

import contextlib
import glob
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from wsgireload import settings
from wsgireload.cli.apache import places
from wsgireload.cli.running import processes
from wsgireload.log import shown
from wsgireload.report import Status
from wsgireload.state import pause
from wsgireload.state.pause import Pause
from wsgireload.state.private_dir import PrivateDir
from wsgireload.state.status_file import ENDED, MOST_BYTES, RESTART, SCAN, STATE, Snapshot, parse

TMP = "/tmp", "/var/tmp"
MOST_FILES = 1000  # in one folder: any user may have filled it
RECENT = 600.0  # seconds after its end for which a process counts as one that is being replaced


@dataclass(frozen=True)
class RunningMonitor:
    """A monitor in another process: where its status file is, and what it contained."""

    folder: str
    name: str
    snapshot: Snapshot

    def __str__(self) -> str:
        return shown(f"{self.title}, pid {self.status.pid}")

    @property
    def title(self) -> str:
        """The name of its process group; what its server is, where it has none."""
        return self.snapshot.group or self.status.server

    @property
    def status(self) -> Status:
        return self.snapshot.status

    @property
    def path(self) -> str:
        return os.path.join(self.folder, self.name + STATE)

    def is_alive(self) -> bool:
        written = self.snapshot
        return processes.is_alive(self.status.pid, written.time, written.process)

    def has_apache(self) -> bool:
        """Return whether the process that replaces its own one runs."""
        written = self.snapshot
        return processes.is_alive(self.status.parent, written.time, written.apache)

    def request_restart(self) -> None:
        """Create the file that requests a restart; OSError if its folder is not writable."""
        with self._opened() as folder:
            created = folder.create(self.name + RESTART)
            if not created and self.name + RESTART not in folder.names():
                raise PermissionError(f"cannot create a file in {self.folder}")

    def request_scan(self) -> bool:
        """Create the file that requests a scan; False while there is that of another request.

        OSError if its folder is not writable.
        """
        with self._opened() as folder:
            for _ in range(2):  # the other request may be answered just now
                if folder.create(self.name + SCAN):
                    return True
                if folder.has(self.name + SCAN) or not folder.has(self.name + STATE):
                    return False
        raise PermissionError(f"cannot create a file in {self.folder}")

    def has_scanned(self) -> bool:
        """Return whether the scan that was requested is made, and the status shows its outcome."""
        with self._opened() as folder:
            return not folder.has(self.name + SCAN)

    def begin_pause(self, new: Pause) -> None:
        """Pause the application of this monitor; OSError if its folder is not writable."""
        with self._opened() as folder:
            new.begin(folder, self._application)

    def end_pause(self) -> bool:
        """End the pause of its application; False if there is none, OSError if it stays."""
        with self._opened() as folder:
            return pause.end(folder, self._application)

    @property
    def _application(self) -> str:
        status, snapshot = self.status, self.snapshot
        return pause.application_name(
            status.server, snapshot.group, status.script, snapshot.command
        )

    def _opened(self) -> contextlib.closing[PrivateDir]:
        return contextlib.closing(PrivateDir(self.folder, foreign=True))


@dataclass
class Found:
    """The running monitors, and the folders that this user may not read.

    `ended` are the last ones that were replaced, of applications whose Apache runs. `unused` are
    folders that no monitor would use: other users may have planted them.
    """

    monitors: list[RunningMonitor] = field(default_factory=list)
    ended: list[RunningMonitor] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)

    def remarks(self, *, is_any: bool) -> Iterator[str]:
        """Return what to print below the outcomes; `is_any`: there are some."""
        if not is_any and self.monitors:
            yield "no monitor of that Apache found; `wsgireload status` lists the others"
        elif not is_any:
            yield "no monitor found; `wsgireload status` explains why"
        yield from self.warnings()

    def warnings(self) -> Iterator[str]:
        """Return a line about the unreadable folders, and one for each that is unused."""
        if folders := ", ".join(map(shown, self.unreadable)):
            yield f"skipped, readable only by root or their owner: {folders}"
        for folder in map(shown, self.unused):
            yield f"skipped, open to other users, so that no monitor uses it: {folder}"


def find() -> Found:
    """Search every folder in which a monitor of this machine may have written its status file."""
    found = Found()
    for path in dict.fromkeys(map(_real, (*settings.state_folders(), *folders_of_all_users()))):
        try:
            folder = PrivateDir(path, foreign=True)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:  # without a number it is ours: PrivateDir rejects it
            (found.unused if error.errno is None else found.unreadable).append(path)
            continue
        try:
            found.monitors += _read(path, folder)
            found.ended += _read_ended(path, folder)
        finally:
            folder.close()
    found.unreadable += _systemd_folders()
    found.monitors.sort(key=lambda each: (each.snapshot.group, each.status.pid, each.name))
    return found


def _real(path: str) -> str:
    """Return a path without links above the folder itself, which is none of ours if it is one."""
    above, name = os.path.split(path)
    return os.path.join(os.path.realpath(above), name)


def folders_of_all_users() -> list[str]:
    """Return the folders of other users: Apache has its own account, and often its own /tmp."""
    if os.name == "nt":
        root = settings.environment().get("SystemRoot", r"C:\Windows")
        services = [
            rf"{root}\ServiceProfiles\{name}" for name in ("LocalService", "NetworkService")
        ]
        accounts = [rf"{root}\System32\config\systemprofile", *services]
        return [rf"{account}\AppData\Local\wsgireload" for account in accounts]
    private_tmp = "systemd-private-*/tmp"
    shared = [settings.environment().get("TMPDIR", ""), *TMP]
    shared += [path for tmp in TMP for path in glob.glob(f"{tmp}/{private_tmp}")]
    return sorted(path for tmp in shared if tmp for path in glob.glob(f"{tmp}/wsgireload-[0-9]*"))


def _systemd_folders() -> list[str]:
    """Return Apache's own /tmp where systemd made one that only root can read."""
    if os.name == "nt" or os.geteuid() == 0:
        return []
    names = (f"{tmp}/systemd-private-*-{name}" for tmp in TMP[:1] for name in places.SERVICES)
    patterns = (f"{each}{instance}.service-*" for each in names for instance in ("", "@*"))
    return sorted(path for pattern in patterns for path in glob.glob(pattern))


def _read_ended(path: str, folder: PrivateDir) -> list[RunningMonitor]:
    """Return the last status of each application of which a process was replaced a while ago."""
    found = []
    for file in _files(folder, ENDED):
        with contextlib.suppress(Exception):  # as below
            snapshot = parse(folder.read(file, MOST_BYTES))
            age = abs(time.time() - folder.modified(file))
            ended = RunningMonitor(path, file, snapshot)
            if age < RECENT and ended.has_apache():
                found.append(ended)
    return found


def _files(folder: PrivateDir, suffix: str) -> list[str]:
    return sorted(name for name in folder.names() if name.endswith(suffix))[:MOST_FILES]


def _read(path: str, folder: PrivateDir) -> list[RunningMonitor]:
    """Return the monitors of a folder; remove the status files of processes that have ended."""
    found = []
    for file in _files(folder, STATE):
        # Any user may have written it: whatever is wrong with it concerns no other file.
        with contextlib.suppress(Exception):
            snapshot = parse(folder.read(file, MOST_BYTES))
            monitor = RunningMonitor(path, file.removesuffix(STATE), snapshot)
            if not monitor.is_alive():
                folder.remove(file)
            # Believe a folder only about its owner's processes: anyone can create one in /tmp.
            elif processes.owner(monitor.status.pid) in (folder.owner, None):
                found.append(monitor)
    return found
