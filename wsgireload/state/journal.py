"""The restarts of one application, across its processes: a file of JSON lines under a lock."""

import contextlib
import errno
import json
import os
from collections.abc import Callable, Iterable
from contextlib import closing
from operator import attrgetter
from typing import NamedTuple, TypeVar

from wsgireload import report
from wsgireload.state.private_dir import Candidates, PrivateDir
from wsgireload.threads import time

Result = TypeVar("Result")

SUFFIX, LOCK = ".journal", "journal.lock"
LASTING = (".call", ".wait", ".roll", LOCK)  # few, shared by processes: their names come back
MOST_BYTES = 1 << 24
KEEP_SECONDS = 86400.0
KEEP_JOURNAL = 30 * KEEP_SECONDS  # its server may run on: a process continues its generation
KEEP = 200  # restarts
LATEST = 10  # restarts that are examined for a loop
BY_TIME = attrgetter("at")
GRAIN = 0.05  # seconds: the system knows the start of a process to a hundredth
# What opening reports of a folder, a link, a socket, an unreadable file, and a pipe (None).
UNUSABLE = {errno.EISDIR, errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EACCES, None}


class Entry(NamedTuple):
    """One restart: `at` on the system's monotonic clock, which all its processes share.

    `generation` counts the restarts before the new process, `up` is when that had loaded
    the application, None until then; `claimed` says that a process knows itself to be the new one.
    `by_us`: whether the application itself wrote the changed files, None if that is not known.
    `row` counts the restarts for these files alone, one after another; `burst` those of them that
    came in quick succession.
    """

    at: float
    pid: int
    reason: str
    what: str  # the fingerprint of the change
    paths: tuple[str, ...] = ()
    generation: int = 1
    up: float | None = None
    claimed: bool = False
    by_us: bool | None = None
    row: int = 1
    burst: int = 1


class Journal:
    """Restarts by their time. Errors are reported, not raised."""

    def __init__(
        self,
        folders: Candidates,
        application: str,
        clock: Callable[[], float] = time.monotonic,
        began: float | None = None,
        first: bool = False,
    ) -> None:
        """`application` names the file.

        `began` is when this process did, None if unknown. `first`: it is the first one of its
        server, and restarts of other processes are those of an earlier server with the same pid.
        """
        self._folders = folders
        self._name = application + SUFFIX
        self._clock = clock
        self._began = began
        self._first = first
        self._parsed = hash(b""), list[Entry]()  # the restarts, by the hash of the file's content

    def record(self, make: Callable[[list[Entry]], Entry]) -> Entry | None:
        """Add the restart that `make` returns for those before it; None if it cannot be written.

        No other process records one in between.
        """
        made: list[Entry] = []

        def add(entries: list[Entry]) -> list[Entry]:
            made.append(make(entries))
            return [*entries, *made]

        return made[0] if self._change(add) else None

    def withdraw(self, entry: Entry) -> None:
        self._change(lambda entries: [each for each in entries if each != entry])

    def complete(self, entry: Entry) -> None:
        """Note when the new code of a claimed restart was up."""
        self._change(lambda entries: _replace(entries, [entry]))

    def claim(self, pending: int = KEEP) -> Entry | None:
        """The oldest restart that no process has claimed: the one that made this process.

        At most `pending` are: those before them had no effect, and are not claimed any more.
        """
        ours: list[Entry] = []

        def claim(entries: list[Entry]) -> list[Entry]:
            if self._first:
                return [each for each in entries if each.pid == os.getpid()]
            new = [each for each in entries if not each.claimed and self._is_before(each)]
            over = len(new) - pending
            claimed = [entry._replace(claimed=True) for entry in new[: max(0, over) + 1]]
            ours.extend(claimed[-1:])
            return _replace(entries, claimed)

        return ours[0] if self._change(claim) and ours else None

    def sweep(self) -> None:
        """Remove files that other applications left behind: their pids do not return."""
        self._attempt(_sweep)

    def _is_before(self, entry: Entry) -> bool:
        """Whether another process recorded a restart, be it one that had the same pid."""
        is_older = self._began is not None and entry.at < self._began + GRAIN
        return is_older or entry.pid != os.getpid()

    def paths(self) -> set[str]:
        """The files that caused the latest restarts of each application of this user."""

        def collect(folder: PrivateDir) -> set[str]:
            found: set[str] = set()
            for name in folder.names():
                if name.endswith(SUFFIX):
                    with contextlib.suppress(OSError):
                        entries = self._recent(self._parse(folder.read(name, MOST_BYTES))[0])
                        found.update(path for each in entries[-LATEST:] for path in each.paths)
            return found

        return self._attempt(collect) or set()

    def entries(self) -> list[Entry] | None:
        """The last restarts, oldest first; None if there can be no journal."""
        return self._attempt(self._read)

    def generation(self) -> int:
        """The restarts so far, even if the last is long ago; call `entries` before."""
        ours = (each for each in self._parsed[1] if not self._first or each.pid == os.getpid())
        return max((each.generation for each in ours), default=0)

    def _change(self, change: Callable[[list[Entry]], list[Entry]]) -> bool:
        """Read, change and write the restarts; False if that cannot be done."""

        def rewrite(folder: PrivateDir) -> bool:
            after = change(before := self._read(folder))
            return after == before or self._write(folder, after)

        return self._attempt(rewrite) or False

    def _attempt(self, work: Callable[[PrivateDir], Result]) -> Result | None:
        """Work in the folder while no other process uses the journal; None if that fails."""
        try:
            with (
                closing(self._folders.open()) as folder,
                closing(folder.open_file(LOCK)) as lock,
                lock.locked(),
            ):
                return work(folder)
        except OSError as error:
            self._folders.trouble(f"could not use the journal: {error.strerror or error}")
            return None

    def _write(self, folder: PrivateDir, entries: list[Entry]) -> bool:
        entries = sorted(entries, key=BY_TIME)[-KEEP:]
        content = "".join(json.dumps(entry._asdict()) + "\n" for entry in entries).encode()
        try:
            folder.write(self._name, content)
        except OSError as error:
            self._folders.trouble(f"could not write the journal: {error.strerror}")
            return False
        self._parsed = hash(content), entries
        return True

    def _read(self, folder: PrivateDir) -> list[Entry]:
        """The restarts of less than a day ago and after the start of the machine, oldest first."""
        content = self._content(folder)
        if hash(content) != self._parsed[0]:  # else a save would wait some ms for nothing
            entries, damaged = self._parse(content)
            self._parsed = hash(content), sorted(entries, key=BY_TIME)
            if damaged:
                self._folders.trouble("removed damaged lines from the journal; they do not count")
                self._write(folder, entries)
        return self._recent(self._parsed[1])

    def _recent(self, entries: list[Entry]) -> list[Entry]:
        now = self._clock()
        return [each for each in entries if now - each.at < KEEP_SECONDS]

    def _parse(self, content: bytes) -> tuple[list[Entry], bool]:
        """The restarts since the machine started, and whether there are lines that are none."""
        now, entries, damaged = self._clock(), list[Entry](), False
        for line in content.splitlines():
            try:
                entry = report.parse(Entry, json.loads(line))
            except Exception:  # any process of this user may have written anything
                damaged = True
                continue
            if entry.at <= now:
                entries.append(entry)
        return entries, damaged

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


def _sweep(folder: PrivateDir) -> None:
    for name in folder.names():
        with contextlib.suppress(OSError):
            age = abs(time.time() - folder.modified(name))  # the clock may be set back
            most = KEEP_JOURNAL if name.endswith(SUFFIX) else KEEP_SECONDS
            if age > most and not name.endswith(LASTING):
                folder.remove(name)


def _replace(entries: list[Entry], new: list[Entry]) -> list[Entry]:
    by_process = {(each.at, each.pid): each for each in new}
    return [by_process.get((each.at, each.pid), each) for each in entries]
