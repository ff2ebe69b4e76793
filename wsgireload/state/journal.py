"""What earlier generations of this application did, kept outside the process.

A journal is a few small files, one a restart, in a folder that belongs to this user alone. It is
read and written through that folder's own handle, so that nothing planted in its path is followed.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager

from wsgireload.log import shown
from wsgireload.record import Record
from wsgireload.state.private_dir import Private, first_private

ASKED, ANSWERED = ".asked", ".answered"
MOST_BYTES = 65536
LATELY = 10.0  # seconds for which the processes of a group are about the same change
KEEP_SECONDS = 86400.0
KEEP_FILES = 200
LASTING = (".call", ".roll")  # somebody has them open, and their names come back: few ever
RECENT = 20  # restarts that are told


class Entry(Record):
    """One restart: `at` on the system's monotonic clock, which all its processes share.

    `generation` is how many restarts the process that this one makes comes after, `up` when that
    process had taken its first look, None as long as nobody has.
    """

    at: float
    pid: int
    reason: str
    what: str  # a fingerprint of the change
    paths: tuple[str, ...] = ()
    generation: int = 1
    up: float | None = None


class Journal:
    """The restarts of one application under one parent process."""

    def __init__(
        self,
        folders: Sequence[str],
        application: str,
        trouble: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`folders`: where it may lie, the first that serves is taken; `trouble` hears of others.

        `application` names, as part of a file's name, what restarts together.
        """
        self._trouble = trouble
        self._clock = clock
        self._folders = folders
        self._application = application

    def record(self, entry: Entry) -> str | None:
        """Write an entry; its name, or None where it cannot be written, which is said."""
        name = self._name(entry) + ASKED
        return name if self._write(name, entry) else None

    def answered(self, entry: Entry) -> None:
        """Complete an entry that was claimed: the new process is up."""
        self._write(self._name(entry) + ANSWERED, entry)

    def _name(self, entry: Entry) -> str:
        return f"{self._application}-{int(entry.at * 1e9):020d}-{entry.pid}"

    def _write(self, name: str, entry: Entry) -> bool:
        import json  # not before it is needed: most processes never write or read an entry

        text = json.dumps(entry.asdict()).encode()
        with self._folder() as folder:
            if folder is None:
                return False
            try:
                folder.write(name, text)
            except OSError as error:
                self._trouble(f"the journal cannot be written: {error.strerror}")
                return False
        return True

    def withdraw(self, name: str | None) -> None:
        """Take an entry back: what it tells did not happen."""
        with self._folder() as folder:
            if folder is not None and name is not None:
                folder.remove(name)

    def first(self, name: str) -> bool:
        """Whether nobody else of this application has said `first` to this name lately."""
        with self._folder() as folder:
            if folder is None:
                return True
            own = f"{self._application}-{name}"
            with contextlib.suppress(OSError):
                if _age(folder, own) > LATELY:
                    folder.remove(own)
            return folder.create(own)

    def tell(self, name: str, text: str) -> None:
        """Leave a text for the other processes of this application."""
        with self._folder() as folder, contextlib.suppress(OSError):
            if folder is not None:
                folder.write(f"{self._application}-{name}", text.encode())

    def told(self, name: str, younger_than: float) -> str | None:
        """What one of them has left, if that is not older than so many seconds."""
        own = f"{self._application}-{name}"
        with self._folder() as folder, contextlib.suppress(OSError, ValueError):
            if folder is not None and _age(folder, own) < younger_than:
                return folder.read(own, MOST_BYTES).decode("utf-8", "replace")
        return None

    def entries(self, most: int = KEEP_FILES) -> list[Entry] | None:
        """The last entries, oldest first; None where there can be no journal."""
        with self._folder() as folder:
            if folder is None:
                return None
            return [entry for _, entry in self._read(folder, self._names(folder)[-most:])]

    def claim(self) -> Entry | None:
        """The oldest restart that no process has answered yet: the one that made this process."""
        with self._folder() as folder:
            if folder is None:
                return None
            _sweep(folder)
            asked = [name for name in self._names(folder) if name.endswith(ASKED)]
            for name, entry in self._read(folder, asked):
                with contextlib.suppress(OSError):
                    if entry.pid != os.getpid():
                        folder.rename(name, name.removesuffix(ASKED) + ANSWERED)
                        return entry
        return None

    def _names(self, folder: Private) -> list[str]:
        """The names of all entries, oldest first; those that are too many are removed."""
        ours = sorted(name for name in folder.names() if name.startswith(f"{self._application}-"))
        ours = [name for name in ours if name.endswith((ASKED, ANSWERED))]
        for name in ours[:-KEEP_FILES]:
            folder.remove(name)
        return ours[-KEEP_FILES:]

    def _read(self, folder: Private, names: Iterable[str]) -> Iterator[tuple[str, Entry]]:
        """Name and entry; old and damaged ones are put out of the way."""
        for name in names:
            try:
                entry = _parse(folder.read(name, MOST_BYTES))
            except FileNotFoundError:
                continue
            except Exception as error:  # it may hold anything
                self._trouble(f"the journal's {shown(name)} is damaged and set aside: {error}")
                with contextlib.suppress(OSError):
                    folder.rename(name, "damaged")
                continue
            if 0 <= self._clock() - entry.at < KEEP_SECONDS:
                yield name, entry
            else:  # long ago, or before the machine was started
                folder.remove(name)

    def _folder(self) -> AbstractContextManager[Private | None]:
        return first_private(self._folders, self._trouble)


def _parse(content: bytes) -> Entry:
    import json

    told = json.loads(content)
    return Entry(
        float(told["at"]),
        int(told["pid"]),
        str(told["reason"]),
        str(told["what"]),
        tuple(map(str, told["paths"])),
        int(told["generation"]),
        None if told["up"] is None else float(told["up"]),
    )


def _sweep(folder: Private) -> None:
    """Remove what other applications left behind long ago: their parents' pids do not come back."""
    for name in folder.names():
        if name.endswith(LASTING):
            continue
        with contextlib.suppress(OSError):
            if _age(folder, name) > KEEP_SECONDS:
                folder.remove(name)


def _age(folder: Private, name: str) -> float:
    """Seconds since a file was written, or by which the clock was set back since then."""
    return abs(time.time() - folder.modified(name))
