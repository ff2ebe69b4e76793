"""A process of a group has requests that are to end before any process of it is replaced.

Once one process is replaced, all others turn requests away, and what runs in them has no more than
mod_wsgi's `shutdown-timeout`. So a process that waits for requests has the others wait as well. A
lease ends by itself: a process that ends while it holds one keeps nobody waiting.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from contextlib import closing

from wsgireload.state.private_dir import Candidates, PrivateFile

LONGEST = 0.5  # seconds
SIZE = 32  # bytes: the time at which the lease ends, of the monotonic clock, in seconds
NO_GROUP = Candidates((), lambda _trouble: None)


class GroupLease:
    """The latest lease, in a file that the processes share. Without folders there is no group."""

    def __init__(
        self,
        folders: Candidates = NO_GROUP,
        name: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`name` is that of the file."""
        self._folders = folders
        self._name = name
        self._clock = clock
        self._ours = 0.0  # the end of this process's own lease

    def extend(self, seconds: float) -> None:
        """Have the other processes wait for so long, for LONGEST at most; it shortens no lease."""
        with contextlib.suppress(OSError), closing(self._open()) as file:
            until = self._clock() + min(seconds, LONGEST)
            if self._left(file) < until - self._clock():
                self._ours = until
                file.write(f"{until!r}".encode())

    def is_taken(self) -> bool:
        """Whether another process has this one wait."""
        with contextlib.suppress(OSError), closing(self._open()) as file:
            return self._left(file) > 0 and self._read(file) != self._ours
        return False

    def _open(self) -> PrivateFile:
        if not self._folders.paths:
            raise FileNotFoundError(self._name)
        return self._folders.open_file(self._name)

    def _left(self, file: PrivateFile) -> float:
        """Seconds left of the lease. One that is longer than any is from before the last boot."""
        left = self._read(file) - self._clock()
        return left if left <= LONGEST else 0.0

    def _read(self, file: PrivateFile) -> float:
        try:
            return float(file.read(SIZE))
        except ValueError:  # empty, or damaged
            return 0.0
