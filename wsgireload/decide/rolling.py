"""Replace one process of a group at a time; the next one when its successor is up.

Only the process that holds a lock is replaced. The system releases the lock when that process ends,
however that happens. The holder writes a note into the locked file, and its successor removes it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from wsgireload.changes import Changes
from wsgireload.decide.verdict import GO, NEVER, Gate, Hold, Verdict, Wait
from wsgireload.server import native
from wsgireload.state.private_dir import Candidates, PrivateFile

POLL = 0.1  # seconds between two attempts to take the lock
LATE = 30.0  # seconds without a successor, after which the rolling restart has stopped
BRIEF = 1.0  # seconds for which at most a process locks the file to read the note
MOST_BYTES = 64


class Rolling(Gate):
    """Processes with the same `name` and user roll together.

    `serves` returns whether this process has loaded its application, and so can answer requests.
    """

    def __init__(
        self,
        folders: Candidates,
        name: str,
        serves: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self._folders = folders
        self._name = f"{name}.roll"
        self.serves = serves
        self._clock = clock
        self._began = clock()
        self._announced = False
        self._ours: PrivateFile | None = None  # the locked file, while this process holds the lock
        self._awaited: bytes | None = None  # the note of the process that was replaced last
        self._free_since = 0.0  # when that process had ended: its successor's time begins
        self._locked_since = NEVER

    @property
    def is_held(self) -> bool:
        return self._ours is not None

    def check(self, _changes: Changes) -> Verdict:
        if self._ours is not None or not self.serves():  # one that does not serve leaves no gap
            return GO
        try:
            with self._opened() as file:
                return self._take(file) if file.lock() else self._wait_for_holder(file)
        except OSError as error:
            return Hold(f"cannot take the rolling-restart lock: {error}")

    def lock(self) -> bool | None:
        """Take the lock as a successor does, until `release`; None if another one is awaited.

        False while another process has it. OSError if there can be none.
        """
        if self._ours is None:
            with self._opened() as file:
                if not file.lock():
                    return False
                if not self._came_after(file.read(MOST_BYTES)):
                    return None
                self._ours = file
        return True

    def refresh(self) -> None:
        """Report to the processes that wait for the lock that this one waits as well."""
        self._rewrite(self._note(), "keep")

    def release(self) -> None:
        self._rewrite(b"", "release")
        self.forget()

    def announce(self) -> bool:
        if not self._announced and self.serves():
            try:
                with self._opened() as file:
                    self._announced = file.lock()
                    if self._announced and self._came_after(file.read(MOST_BYTES)):
                        file.write(b"")
            except OSError as error:
                text = f"could not report to the rolling restart that this process is up: {error}"
                self._folders.trouble(text)
        return self._announced

    def forget(self) -> None:
        # Close the file and nothing else: in a forked child the lock is the parent's.
        if self._ours is not None:
            _close(self._ours)
            self._ours = None

    @contextlib.contextmanager
    def _opened(self) -> Iterator[PrivateFile]:
        """Open the file; it stays open only if this process keeps the lock."""
        file = self._folders.open_file(self._name)
        # A forked child shares the lock, and may outlive this process.
        native.close_on_fork(file.descriptor, on=True)
        try:
            yield file
        finally:
            if file is not self._ours:
                _close(file)

    def _take(self, file: PrivateFile) -> Verdict:
        note = file.read(MOST_BYTES)
        if self._came_after(note):
            file.write(self._note())
            self._ours = file
            return GO
        if not self._is_late(note, locked=False):
            return Wait(POLL)
        return Hold(
            f"the rolling restart has stopped: for {LATE:g} s no process came up with the new "
            "code (either it fails to start, or no request has reached it)"
        )

    def _wait_for_holder(self, file: PrivateFile) -> Verdict:
        """Another process is being replaced, or waits to be."""
        if not self._is_late(file.read(MOST_BYTES), locked=True):
            return Wait(POLL)
        return Hold(
            f"another process has kept the rolling-restart lock for {LATE:g} s without ending"
        )

    def _is_late(self, note: bytes, *, locked: bool) -> bool:
        """Whether this note has stood there for too long, with the lock or without."""
        now = self._clock()
        if note != self._awaited:
            self._awaited, self._free_since, self._locked_since = note, now, NEVER
        if not locked:
            self._locked_since = NEVER
            return now - self._free_since >= LATE
        self._locked_since = min(self._locked_since, now)
        if now - self._locked_since >= BRIEF:  # it has not ended yet
            self._free_since = now
        return now - self._locked_since >= LATE

    def _note(self) -> bytes:
        return f"{self._clock()!r}".encode()

    def _rewrite(self, note: bytes, verb: str) -> None:
        """Write another note, if this process holds the lock."""
        if self._ours is not None:
            try:
                self._ours.write(note)
            except OSError as error:
                text = f"could not {verb} this process's rolling-restart lock: {error}"
                self._folders.trouble(text)

    def _came_after(self, note: bytes) -> bool:
        """Whether no successor is awaited: there is no note, or this very process is the one."""
        try:
            left = float(note)
        except ValueError:  # empty, or damaged
            return True
        # A later time than now is one from before the machine was started, and nan is none.
        return not self._began < left <= self._clock()


def _close(file: PrivateFile) -> None:
    native.close_on_fork(file.descriptor, on=False)
    file.close()
