"""Told at once: from the moment on at which one process of a group is to be replaced by a request,
none of the group's old processes answers one.

Each notices a change by itself, some milliseconds before or after the others; without this, an old
one could still answer when the first new one does already.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from wsgireload.state.private_dir import Kept

# Seconds for which what was read is not read again, however many requests come: in so short a time
# no process has ended and another taken its place, and so nobody has seen new code yet.
FRESH = 0.002
SIZE = 8  # bytes: the moment of the latest call, in nanoseconds of the machine's monotonic clock


class Call:
    """The latest call, in a file that the processes of the group share.

    It is not mapped into memory: what is wrong with the file would then be a signal that ends the
    process, and not an error. OSError where it cannot be had.
    """

    def __init__(self, file: Kept, clock: Callable[[], float]) -> None:
        self._file = file
        self._clock = clock
        self._seen = self._now()
        self._moment, self._read_again = 0, clock()
        content = file.read(SIZE + 1)
        if len(content) != SIZE or int.from_bytes(content, "little") > self._seen:
            file.write(bytes(SIZE))  # new, or from before the machine was started

    def heard(self) -> bool:
        """Whether there was a call since this process was last seen to run the latest code."""
        now = self._clock()
        if now >= self._read_again:
            self._read_again, self._moment = now + FRESH, self._read()
        return self._moment > self._seen

    def _read(self) -> int:
        try:
            return int.from_bytes(self._file.peek(SIZE), "little")
        except OSError:
            return 0

    def answer(self, at: float) -> None:
        """This process runs the latest code, as a look that began at `at` has shown."""
        self._seen = max(self._seen, _nanoseconds(at))

    def make(self) -> None:
        """Call: those who run now, this process too, are to be replaced."""
        self._write(self._now())

    def retract(self) -> None:
        """Nobody has to be replaced after all."""
        self._write(0)

    def _write(self, moment: int) -> None:
        self._read_again = self._clock()
        with contextlib.suppress(OSError):  # then each process notices by itself, as ever
            self._file.write(moment.to_bytes(SIZE, "little"))

    def _now(self) -> int:
        return _nanoseconds(self._clock())


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
