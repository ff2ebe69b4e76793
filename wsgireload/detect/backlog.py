"""Large files, digested a slice at a time: whatever they weigh, they take a tenth of the time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from wsgireload.changes import Hasher
from wsgireload.server import native
from wsgireload.server.files import open_file

SLICE = 0.1  # seconds of reading at once: a save of a source is not noticed meanwhile
FIRST = 0.5  # of the first slice: most sites have no more, and from then on know each digest
REST = 9  # times a slice, before the next one
CHUNK = 1 << 20


class Backlog:
    """Reads the files that were put off: first those of which it matters whether they changed.

    `checkpoint` is called often and may raise: the next `work` continues there.
    """

    def __init__(self, checkpoint: Callable[[], None], clock: Callable[[], float]) -> None:
        self._checkpoint = checkpoint
        self._clock = clock
        self._urgent: dict[str, Reading | None] = {}
        self._others: dict[str, Reading | None] = {}
        self._is_first = True  # nothing was read yet
        self._rest_until = clock()

    def put(self, path: str, *, urgent: bool) -> None:
        """Have a file read."""
        reading = self._others.pop(path, None) if urgent else None
        (self._urgent if urgent or path in self._urgent else self._others).setdefault(path, reading)

    def drop(self, path: str) -> None:
        self._urgent.pop(path, None)
        self._others.pop(path, None)

    @property
    def is_urgent(self) -> bool:
        """Whether a file is still to be read of which it matters whether it changed."""
        return bool(self._urgent)

    @property
    def due_in(self) -> float:
        """Seconds until there is something to read; infinite if there is nothing."""
        waiting = self._urgent or self._others
        return max(0.0, self._rest_until - self._clock()) if waiting else float("inf")

    def work(self) -> Iterator[tuple[str, Reading | Exception | None]]:
        """Read on for a slice of time, unless it is time to rest.

        Returns each file that was read to its end; one that cannot be read, with the error; and one
        that is gone or has another size by now, with None.
        """
        began = self._clock()
        if self.due_in > 0:
            return
        first, self._is_first = self._is_first, False
        end = began + (FIRST if first else SLICE)
        while (queue := self._urgent or self._others) and self._clock() < end:
            path, reading = next(iter(queue.items()))
            outcome: Reading | Exception | None
            try:
                outcome = reading = queue[path] = reading or Reading(path)
                if not self._read_on(path, reading, end):
                    break
                if reading.done < reading.size:
                    outcome = None
            except (FileNotFoundError, NotADirectoryError):
                outcome = None
            except (OSError, ValueError) as error:
                outcome = error
            del queue[path]
            yield path, outcome
        spent = self._clock() - began
        self._rest_until = self._clock() + REST * (min(spent, SLICE) if first else spent)

    def _read_on(self, path: str, reading: Reading, until: float) -> bool:
        """Read on until this time, 1 MiB at least; returns whether there is no more to read."""
        handle = open_file(path)
        try:
            if os.fstat(handle).st_size != reading.size:
                return True
            os.lseek(handle, reading.done, os.SEEK_SET)
            while chunk := os.read(handle, min(CHUNK, reading.size - reading.done)):
                reading.hasher.update(chunk)
                reading.done += len(chunk)
                self._checkpoint()
                if self._clock() >= until:
                    break
            return not chunk or reading.done == reading.size
        finally:
            os.close(handle)


class Reading:
    """How far a file has been read; `mark` is from before that."""

    def __init__(self, path: str) -> None:
        self.mark = native.marks([path])[0]
        self.size = os.stat(path).st_size
        self.hasher = Hasher()
        self.done = 0
