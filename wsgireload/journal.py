"""What earlier generations of this application did, kept outside the process.

A journal is a few small files, one a restart, in a folder that belongs to this user alone. It is
read and written through that folder's own handle, so that nothing planted in its path is followed.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

from wsgireload.log import shown
from wsgireload.private import Private, first_private
from wsgireload.record import Record

ASKED, ANSWERED = ".asked", ".answered"
MOST_BYTES = 65536
LATELY = 10.0  # seconds for which the processes of a group are about the same change
KEEP_SECONDS = 86400.0
KEEP_FILES = 200
LASTING = (".call", ".roll")  # somebody has them open, and their names come back: few ever


class Entry(Record):
    """One restart: `at` on the system's monotonic clock, which all its processes share."""

    at: float
    pid: int
    reason: str
    what: str  # a fingerprint of the change
    paths: tuple[str, ...] = ()


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
        name = f"{self._application}-{int(entry.at * 1e9):020d}-{entry.pid}{ASKED}"
        import json  # not before it is needed: most processes never write or read an entry

        text = json.dumps(entry.asdict()).encode()
        with self._folder() as folder:
            if folder is None:
                return None
            try:
                folder.write(name, text)
            except OSError as error:
                self._trouble(f"the journal cannot be written: {error.strerror}")
                return None
        return name

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

    def entries(self) -> list[Entry] | None:
        """All entries, oldest first; None where there can be no journal."""
        with self._folder() as folder:
            return None if folder is None else [entry for _, entry in self._read(folder)]

    def claim(self) -> Entry | None:
        """The oldest restart that no process has answered yet: the one that made this process."""
        with self._folder() as folder:
            if folder is None:
                return None
            _sweep(folder)
            for name, entry in self._read(folder):
                answered = name.removesuffix(ASKED) + ANSWERED
                with contextlib.suppress(OSError):
                    if name.endswith(ASKED) and entry.pid != os.getpid():
                        folder.rename(name, answered)
                        return entry
        return None

    def _read(self, folder: Private | None) -> Iterator[tuple[str, Entry]]:
        """Name and entry, oldest first; old and damaged ones are put out of the way."""
        if folder is None:
            return
        ours = sorted(name for name in folder.names() if name.startswith(f"{self._application}-"))
        ours = [name for name in ours if name.endswith((ASKED, ANSWERED))]
        for name in ours[:-KEEP_FILES]:
            folder.remove(name)
        for name in ours[-KEEP_FILES:]:
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
