"""The restarts of one application, across its processes: a file of JSON lines under a lock."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from typing import NamedTuple, TypeVar

from wsgireload import report
from wsgireload.report import Restarted
from wsgireload.state.private_dir import Candidates, PrivateDir, PrivateFile

Result = TypeVar("Result")

SUFFIX, LOCK = ".journal", "journal.lock"
LASTING = (".call", ".roll", LOCK)  # open in living processes, and few: their names come back
MOST_BYTES = 1 << 24
KEEP_SECONDS = 86400.0
KEEP = 200  # restarts
RECENT = 20  # restarts that are reported
# What opening reports of a folder, a link, a socket, an unreadable file, and a pipe (None).
UNUSABLE = {errno.EISDIR, errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EACCES, None}
PATIENCE, RETRY = 1.0, 0.005  # seconds for the lock, which others hold for a millisecond


class Entry(NamedTuple):
    """One restart: `at` on the system's monotonic clock, which all its processes share.

    `generation` counts the restarts before the new process, `up` is when that had scanned its
    files, None until then; `claimed` says that a process knows itself to be the new one.
    """

    at: float
    pid: int
    reason: str
    what: str  # the fingerprint of the change
    paths: tuple[str, ...] = ()
    generation: int = 1
    up: float | None = None
    claimed: bool = False


class Journal:
    """Restarts by their time. Errors are reported, not raised."""

    def __init__(
        self,
        folders: Candidates,
        application: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`application` names the file."""
        self._folders = folders
        self._name = application + SUFFIX
        self._clock = clock

    def record(self, entry: Entry) -> bool:
        """Add a restart; False if it cannot be written."""
        return self._change(lambda entries: [*entries, entry])

    def withdraw(self, entry: Entry) -> None:
        """Remove a restart that did not happen."""
        self._change(lambda entries: [each for each in entries if each != entry])

    def complete(self, entry: Entry) -> None:
        """Note when the new code of a claimed restart was up."""
        self._change(lambda entries: _replace(entries, [entry]))

    def claim(self) -> Entry | None:
        """The oldest restart that no process has claimed: the one that made this process."""
        self._attempt(_sweep)
        claimed: list[Entry] = []

        def claim(entries: list[Entry]) -> list[Entry]:
            new = [each for each in entries if not each.claimed and each.pid != os.getpid()]
            claimed.extend(entry._replace(claimed=True) for entry in new[:1])
            return _replace(entries, claimed)

        return claimed[0] if self._change(claim) and claimed else None

    def entries(self) -> list[Entry] | None:
        """The last restarts, oldest first; None if there can be no journal."""
        return self._attempt(self._read)

    def _change(self, change: Callable[[list[Entry]], list[Entry]]) -> bool:
        """Read, change and write the restarts; False if that cannot be done."""

        def rewrite(folder: PrivateDir) -> bool:
            before = self._read(folder)
            after = change(before)
            return after == before or self._write(folder, after)

        return self._attempt(rewrite) or False

    def _attempt(self, work: Callable[[PrivateDir], Result]) -> Result | None:
        """Work in the folder while no other process uses the journal; None if that fails."""
        try:
            with contextlib.ExitStack() as stack:
                folder = stack.enter_context(closing(self._folders.open()))
                lock = stack.enter_context(closing(folder.open_file(LOCK)))
                _wait_for(lock)
                stack.callback(lock.unlock)
                return work(folder)
        except OSError as error:
            self._folders.trouble(f"could not use the journal: {error.strerror or error}")
            return None

    def _write(self, folder: PrivateDir, entries: list[Entry]) -> bool:
        lines = [json.dumps(entry._asdict()) + "\n" for entry in sorted(entries)[-KEEP:]]
        try:
            folder.write(self._name, "".join(lines).encode())
        except OSError as error:
            self._folders.trouble(f"could not write the journal: {error.strerror}")
            return False
        return True

    def _read(self, folder: PrivateDir) -> list[Entry]:
        """The restarts of less than a day ago and after the start of the machine, oldest first."""
        now, entries, damaged = self._clock(), list[Entry](), False
        for line in self._content(folder).splitlines():
            try:
                entry = report.parse(Entry, json.loads(line))
            except Exception:  # any process of this user may have written anything
                damaged = True
                continue
            if 0 <= now - entry.at < KEEP_SECONDS:
                entries.append(entry)
        if damaged:
            self._folders.trouble("removed damaged lines from the journal; they do not count")
            self._write(folder, entries)
        return sorted(entries)

    def _content(self, folder: PrivateDir) -> bytes:
        try:
            return folder.read(self._name, MOST_BYTES)
        except FileNotFoundError:
            return b""
        except OSError as error:
            if error.errno not in UNUSABLE:
                raise
            why = error.strerror or error
            self._folders.trouble(f"the journal is damaged and set aside: {why}")
            aside = f"{self._name}.{os.urandom(4).hex()}.damaged"
            folder.rename(self._name, aside)  # restarts have to be counted
            return b""


def distinct(entries: Iterable[Entry], processes: int) -> list[Entry]:
    """The restarts, where the processes of one group count once for one change.

    Each process of a group restarts for itself: up to `processes` in a row for the same change are
    one, and the first stands for them.
    """
    firsts: list[Entry] = []
    last, run = None, 0
    for entry in entries:
        run = run + 1 if entry.what == last and run < processes else 1
        last = entry.what
        if run == 1:
            firsts.append(entry)
    return firsts


def restarts(entries: Sequence[Entry], offset: float) -> tuple[Restarted, ...]:
    """The last 20 of these restarts as a status reports them, newest first.

    `offset` plus `Entry.at` is the time in seconds since 1970. Pass `distinct` restarts.
    """
    return tuple(
        Restarted(offset + each.at, each.reason, None if each.up is None else each.up - each.at)
        for each in entries[-RECENT:][::-1]
    )


def _sweep(folder: PrivateDir) -> None:
    """Remove files that other applications left behind a day ago: their pids do not return."""
    for name in folder.names():
        with contextlib.suppress(OSError):
            age = abs(time.time() - folder.modified(name))  # the clock may be set back
            if age > KEEP_SECONDS and not name.endswith(LASTING):
                folder.remove(name)


def _replace(entries: list[Entry], new: list[Entry]) -> list[Entry]:
    by_process = {(each.at, each.pid): each for each in new}
    return [by_process.get((each.at, each.pid), each) for each in entries]


def _wait_for(lock: PrivateFile) -> None:
    end = time.monotonic() + PATIENCE
    while not lock.lock():
        if time.monotonic() > end:
            raise TimeoutError("another process keeps it locked")
        time.sleep(RETRY)
