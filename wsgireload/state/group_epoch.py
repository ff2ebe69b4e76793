"""One moment for a process group: from it on, none of its old processes answers a request.

Each process notices a change by itself, some milliseconds before or after the others; without this,
an old one could still answer when the first new one does already.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from wsgireload.state.private_dir import PrivateFile

FRESH = 0.002  # seconds to cache what was read: no process can be replaced in so short a time
SIZE = 8  # bytes: the moment of the latest announcement, in nanoseconds of the monotonic clock


class GroupEpoch:
    """The latest announcement, in a file that the processes of the group share.

    Without a file this process has no group. The file is not mapped into memory: damage to it would
    then be a signal that ends the process, and not an error. OSError where it cannot be used.
    """

    def __init__(
        self, file: PrivateFile | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._file = file
        self._clock = clock
        self._loaded = self._scanned = self._now()  # this process runs the code of that moment
        self._announced, self._read_again = 0, clock()
        if file is not None:
            content = file.read(SIZE + 1)
            if len(content) != SIZE or int.from_bytes(content, "little") > self._loaded:
                file.write(bytes(SIZE))  # new, or from before the machine was started

    def is_over(self) -> bool:
        """Whether another process announced a change that this one has not loaded."""
        now = self._clock()
        if now >= self._read_again:
            self._read_again, self._announced = now + FRESH, self._read()
        return self._announced > self._loaded

    def scanning(self) -> None:
        """A scan of everything begins."""
        self._scanned = self._now()

    def up_to_date(self) -> None:
        """That scan found that this process runs the latest code."""
        self._loaded = max(self._loaded, self._scanned)

    def announce(self) -> None:
        """From now on the processes that run, this one too, are to be replaced."""
        self._write(self._now())

    def retract(self) -> None:
        """No process has to be replaced after all."""
        self._write(0)

    def _read(self) -> int:
        try:
            return int.from_bytes(self._file.peek(SIZE), "little") if self._file else 0
        except OSError:
            return 0

    def _write(self, moment: int) -> None:
        self._read_again = self._clock()
        if self._file is not None:
            with contextlib.suppress(OSError):  # then each process notices by itself, as ever
                self._file.write(moment.to_bytes(SIZE, "little"))

    def _now(self) -> int:
        return int(self._clock() * 1e9)
