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

from wsgireload.state.private_dir import NO_GROUP, Candidates, PrivateFile

LONGEST = 0.5  # seconds
SIZE = 32  # bytes: the time at which the lease ends, of the monotonic clock, in seconds


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
        with contextlib.suppress(OSError), closing(self._folders.open_file(self._name)) as file:
            until = self._clock() + min(seconds, LONGEST)
            if self._end(file) < until:
                self._ours = until
                file.write(f"{until!r}".encode())

    def is_taken(self) -> bool:
        """Whether another process has this one wait."""
        with contextlib.suppress(OSError), closing(self._folders.open_file(self._name)) as file:
            end = self._end(file)
            return end > self._clock() and end != self._ours
        return False

    def _end(self, file: PrivateFile) -> float:
        """The time at which the lease ends. One longer than any is from before the last boot."""
        try:
            end = float(file.read(SIZE))
        except ValueError:  # empty, or damaged
            return 0.0
        return end if end <= self._clock() + LONGEST else 0.0
