"""What earlier generations of this application did, kept outside the process.

A journal is a few small files, one a restart, in a folder that belongs to this user alone. It is
read and written through that folder's own handle, so that nothing planted in its path is followed.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence

from wsgireload.record import Record

ASKED, ANSWERED = ".asked", ".answered"
MOST_BYTES = 65536
KEEP_SECONDS = 86400.0
KEEP_FILES = 200


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
                new = os.open(name + ".new", NEW, 0o600, dir_fd=folder)
                with open(new, "wb") as file:
                    file.write(text)
                os.rename(name + ".new", name, src_dir_fd=folder, dst_dir_fd=folder)
            except OSError as error:
                self._trouble(f"the journal cannot be written: {error}")
                return None
        return name

    def withdraw(self, name: str | None) -> None:
        """Take an entry back: what it tells did not happen."""
        with self._folder() as folder:
            if folder is not None and name is not None:
                _remove(name, folder)

    def entries(self) -> list[Entry] | None:
        """All entries, oldest first; None where there can be no journal."""
        with self._folder() as folder:
            return None if folder is None else [entry for _, entry in self._read(folder)]

    def claim(self) -> Entry | None:
        """The oldest restart that no process has answered yet: the one that made this process."""
        with self._folder() as folder:
            if folder is not None:
                _sweep(folder)
            for name, entry in self._read(folder):
                answered = name.removesuffix(ASKED) + ANSWERED
                with contextlib.suppress(OSError):
                    if name.endswith(ASKED) and entry.pid != os.getpid():
                        os.rename(name, answered, src_dir_fd=folder, dst_dir_fd=folder)
                        return entry
        return None

    def _read(self, folder: int | None) -> Iterator[tuple[str, Entry]]:
        """Name and entry, oldest first; old and damaged ones are put out of the way."""
        if folder is None:
            return
        ours = sorted(
            name for name in os.listdir(folder) if name.startswith(f"{self._application}-")
        )
        ours = [name for name in ours if name.endswith((ASKED, ANSWERED))]
        for name in ours[:-KEEP_FILES]:
            _remove(name, folder)
        for name in ours[-KEEP_FILES:]:
            try:
                entry = _parse(name, folder)
            except FileNotFoundError:
                continue
            except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
                self._trouble(f"the journal's {name} is damaged and set aside: {error}")
                with contextlib.suppress(OSError):
                    os.replace(name, "damaged", src_dir_fd=folder, dst_dir_fd=folder)
                continue
            if 0 <= self._clock() - entry.at < KEEP_SECONDS:
                yield name, entry
            else:  # long ago, or before the machine was started
                _remove(name, folder)

    @contextlib.contextmanager
    def _folder(self) -> Iterator[int | None]:
        folder = self._open()
        try:
            yield folder
        finally:
            if folder is not None:
                os.close(folder)

    def _open(self) -> int | None:
        """A handle on the first folder that is ours alone; it is made where it is missing."""
        for path in self._folders:
            try:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(path, 0o700)
                folder = os.open(path, FOLDER)
            except OSError as error:
                self._trouble(f"no journal in {path}: {error}")
                continue
            found = os.fstat(folder)
            if found.st_uid == os.geteuid() and not stat.S_IMODE(found.st_mode) & 0o077:
                return folder
            os.close(folder)
            self._trouble(f"no journal in {path}: other users may write there or it is not ours")
        return None


FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
PLAIN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


def _parse(name: str, folder: int) -> Entry:
    import json

    with open(os.open(name, PLAIN, dir_fd=folder), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("not a regular file")
        told = json.loads(file.read(MOST_BYTES))
    return Entry(
        float(told["at"]),
        int(told["pid"]),
        str(told["reason"]),
        str(told["what"]),
        tuple(map(str, told["paths"])),
    )


def _sweep(folder: int) -> None:
    """Remove what other applications left behind long ago: their parents' pids do not come back."""
    for name in os.listdir(folder):
        with contextlib.suppress(OSError):
            if time.time() - os.lstat(name, dir_fd=folder).st_mtime > KEEP_SECONDS:
                _remove(name, folder)


def _remove(name: str, folder: int) -> None:
    with contextlib.suppress(OSError):
        os.unlink(name, dir_fd=folder)
