"""Whose turn: with `rolling`, one process goes at a time, and the next one when the successor of
the last is up with the new code.

The turn is a lock, which the system lets go of when its holder ends, however that happens. Who has
it leaves a note in the locked file, and the successor takes the note out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wsgireload.decide.syntax import Hold
from wsgireload.state.private_dir import Kept, first_private

POLL = 0.1  # seconds between two questions whether it is our turn
LATE = 30.0  # seconds without a successor after which the roll has stopped
MOST_BYTES = 64


class Roll:
    """`turn` says whether this process may go, `arrived` whether it has said that it is up.

    Those with the same `name` and user roll together. `up` says whether this process has loaded
    its application, and so can answer requests.
    """

    def __init__(
        self,
        folders: Sequence[str],
        name: str,
        up: Callable[[], bool],
        trouble: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        self._folders = folders
        self._name = f"{name}.roll"
        self._up = up
        self._trouble = trouble
        self._clock = clock
        self._began = clock()
        self._arrived = False
        self._ours: Kept | None = None  # the locked file, while it is our turn
        self._awaited = b""  # the note of who went last
        self._since = 0.0
        self._locked_since: float | None = None

    def turn(self) -> Hold | float:
        """0.0: it is our turn, until `passed`. Else the seconds after which to ask again, or why
        the roll has stopped.
        """
        if self._ours is not None or not self._up():  # who does not serve leaves no gap
            return 0.0
        try:
            file = self._locked()
            if file is None:
                return self._anothers()
            self._locked_since = None
            try:
                return self._taken(file)
            finally:
                if self._ours is None:
                    file.close()
        except OSError as error:
            return Hold(f"nobody can tell whose turn it is in a rolling restart: {error}")

    def arrived(self) -> bool:
        """Whether this process is up, and those who wait for it know that."""
        if not self._arrived and self._up():
            try:
                file = self._locked()
                if file is not None:
                    if self._came_after(file.read(MOST_BYTES)):
                        file.write(b"")
                    file.close()
                    self._arrived = True
            except OSError as error:
                self._trouble(f"a rolling restart does not hear that this process is up: {error}")
        return self._arrived

    def passed(self) -> None:
        """Let others go: this process stays."""
        if self._ours is not None:
            try:
                self._ours.write(b"")
            except OSError as error:
                self._trouble(f"a rolling restart waits in vain: {error}")
            self.forget()

    def forget(self) -> None:
        """Close the file and nothing else: in a forked child the lock is the parent's."""
        ours, self._ours = self._ours, None
        if ours is not None:
            ours.close()

    def _locked(self) -> Kept | None:
        """The file, if nobody else has locked it."""
        with first_private(self._folders, self._trouble) as folder:
            if folder is None:
                raise PermissionError("there is no folder of this user alone")
            file = folder.keep(self._name)
        if file.lock():
            return file
        file.close()
        return None

    def _taken(self, file: Kept) -> Hold | float:
        note = file.read(MOST_BYTES)
        if self._came_after(note):
            file.write(f"{self._clock()!r}".encode())
            self._ours = file
            return 0.0
        if note != self._awaited:
            self._awaited, self._since = note, self._clock()
        if self._clock() - self._since < LATE:
            return POLL
        return Hold(
            f"the rolling restart has stopped: for {LATE:g} s no process came up with the new "
            "code (either it fails to start, or nobody has asked it for anything)"
        )

    def _anothers(self) -> Hold | float:
        """Somebody else has the lock: one who goes, or who waits to, for a while."""
        now = self._clock()
        if self._locked_since is None:
            self._locked_since = now
        if now - self._locked_since < LATE:
            return POLL
        return Hold(
            f"another process has had the turn to restart for {LATE:g} s, and is still there"
        )

    def _came_after(self, note: bytes) -> bool:
        """Whether nobody is awaited: there is no note, or this very process came after it."""
        try:
            left = float(note)
        except ValueError:  # empty, or damaged
            return True
        # A later time than now is one from before the machine was started, and nan is none.
        return not self._began < left <= self._clock()
