"""What the processes of a group share, each in a file: an epoch, a lease, and an answer."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from contextlib import closing

from wsgireload.state.private_dir import NO_GROUP, Candidates, PrivateFile
from wsgireload.threads import time

FRESH = 0.002  # seconds to cache what was read: no process can be replaced in so short a time
LONGEST = 0.5  # seconds that a lease may last
SIZE = 32  # bytes: the time at which the lease ends, of the monotonic clock, in seconds
LATELY = 10.0  # seconds in which the processes of a group notice the same change
MOST_BYTES = 65536  # of an answer


class GroupEpoch:
    """One moment from which on none of the group's old processes answers a request.

    Each process notices a change by itself, some milliseconds before or after the others; without
    this, an old one could still answer when the first new one does already.

    The moment is the latest announcement: the time of modification of a file that they share.
    That time is one of the monotonic clock, shortly after 1970. In a file that was only created, or
    is older than the machine's start, it lies ahead and announces nothing.

    Only an announcement opens the file, and nothing stays open: the file may be removed with its
    folder, and made anew. A process that begins writes nothing, so it undoes no announcement.
    """

    def __init__(
        self,
        folders: Candidates = NO_GROUP,
        name: str = "",
        clock: Callable[[], float] = time.monotonic,
        *,
        began: float | None = None,
    ) -> None:
        """`name` is that of the file. Without folders this process has no group.

        `began` is the time of the clock whose code this process runs; now if None.
        """
        self._folders = folders
        self._name = name
        self._paths = [os.path.join(path, name) for path in dict.fromkeys(folders.paths)]
        self._clock = clock
        # This process runs the code of that moment.
        self._loaded = self._scanned = self._now() if began is None else int(began * 1e9)
        self._announced, self._read_again = 0, clock()
        self._ours = 0  # the announcement of this process
        self._ahead = {time for time in self._times() if time > self._now()}

    @property
    def is_shared(self) -> bool:
        return bool(self._paths)

    def is_over(self) -> bool:
        """Whether another process announced a change that this one has not loaded."""
        if not self._paths:  # at each request there is nothing to ask
            return False
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
        self._change(lambda _latest: self._now())
        self._ahead.discard(self._ours)

    def retract(self) -> None:
        """No process has to be replaced after all. What another process announced, stays."""
        self._change(lambda latest: 0 if latest == self._ours else latest)

    def _read(self) -> int:
        """The latest announcement in any of the folders: another process may use another one."""
        times = self._times()
        now = self._now()
        return max((time for time in times if time <= now and time not in self._ahead), default=0)

    def _times(self) -> list[int]:
        times = []
        for path in self._paths:
            with contextlib.suppress(OSError):
                found = os.lstat(path)
                if found.st_uid == os.geteuid():  # else another user has planted it
                    times.append(found.st_mtime_ns)
        return times

    def _change(self, new: Callable[[int], int]) -> None:
        """Announce what `new` returns for the latest announcement; one process at a time does."""
        try:
            with closing(self._folders.open_file(self._name)) as file, file.locked():
                time = new(os.fstat(file.descriptor).st_mtime_ns)
                os.utime(file.descriptor, ns=(time, time))
                self._ours = os.fstat(file.descriptor).st_mtime_ns  # as the file system keeps it
        except OSError as error:
            self._folders.trouble(f"each process of the group notices changes by itself: {error}")
        self._read_again = self._clock()

    def _now(self) -> int:
        return int(self._clock() * 1e9)


class GroupLease:
    """A process has requests that are to end before any process of the group is replaced.

    Once one process is replaced, all others turn requests away, and what runs in them has no more
    than mod_wsgi's `shutdown-timeout`. So a process that waits for requests has the others wait as
    well. A lease ends by itself: a process that ends while it holds one keeps nobody waiting.
    """

    def __init__(
        self,
        folders: Candidates = NO_GROUP,
        name: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`name` is that of the file. Without folders this process has no group."""
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


class SharedAnswer:
    """One answer for the group: the process that has the lock finds it, the others read it.

    `take` a question, `publish` the answer. Without a file each process finds its own. `name` is
    the name of the file, the same for the whole group.
    """

    def __init__(self, folders: Candidates, name: str) -> None:
        self._folders = folders
        self._name = name
        self._locked: PrivateFile | None = None
        self._question = ""

    def take(self, question: str, lately: float = LATELY) -> str | bool:
        """The answer, if it was published so many seconds ago at most.

        True: find it yourself; False: another process does.
        """
        self.release()
        self._question = question
        try:
            self._locked = file = self._folders.lock_file(self._name)
            if file is None:
                return False
            answered, _, answer = file.read(MOST_BYTES).decode("utf-8", "replace").partition("\n")
            if answer and answered == question and file.age() < lately:
                self.release()
                return answer
        except OSError as error:
            self._report(error)
        return True

    def publish(self, answer: str) -> None:
        """Let the others read the answer, if this process has taken the question."""
        if self._locked is not None:
            try:
                self._locked.write(f"{self._question}\n{answer}".encode()[:MOST_BYTES])
                self._locked.unlock()
            except OSError as error:
                self._report(error)
            self.release()

    def release(self) -> None:
        """Let another process find the answer."""
        if self._locked is not None:
            self._locked.close()
            self._locked = None

    def _report(self, error: OSError) -> None:
        self._folders.trouble(f"each process of the group runs its own check: {error}")
