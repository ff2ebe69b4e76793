"""A restart that causes the next one must not go on for ever."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Sequence

from wsgireload.changes import Changes
from wsgireload.decide.verdict import GO, Gate, Hold, Verdict
from wsgireload.log import shown
from wsgireload.report import Restarted
from wsgireload.state.journal import Entry, Journal, distinct, restarts

LONGEST = 3600.0  # seconds that a spent budget holds at most


class Budget(Gate):
    """Holds restarts that come too often, and records each one in the journal.

    `limit` is so many restarts in so many seconds. Of the past, `recall` makes known: `generation`,
    the number of restarts before this process, None without a journal; `made_by`, the restart that
    made it; `history`, the last 20 restarts, newest first.
    """

    def __init__(
        self,
        limit: tuple[int, float],
        journal: Journal,
        processes: int,
        clock: Callable[[], float],
    ) -> None:
        self._limit = limit
        self._journal = journal
        self._processes = processes
        self._clock = clock
        self._started = clock()
        self._unspent = [True]  # of two threads, the one that pops it records this process's end
        self._spent: Entry | None = None
        self._past: list[Entry] = []
        self.generation: int | None = None
        self.made_by: Entry | None = None
        self.history: tuple[Restarted, ...] = ()

    def recall(self) -> None:
        """Read the restarts before this process, and claim the one that made it."""
        self.made_by = self._journal.claim()
        past = self._journal.entries()
        if past is not None:
            self.generation = max((entry.generation for entry in past), default=0)
            self._remember(past)

    def complete(self, made_by: Entry) -> None:
        """Note when the code of this process was up."""
        self._journal.complete(made_by)
        self._remember([made_by if each.at == made_by.at else each for each in self._past])

    def check(self, changes: Changes) -> Verdict:
        if changes.requested is not None:  # a person is no loop
            return GO
        most, window = self._limit
        entries = self._journal.entries()
        if entries is None:
            return self._uncounted()
        times = [entry.at for entry in distinct(entries, self._processes)]
        wait = pause(times, self._limit)
        if not wait or self._clock() >= times[-1] + wait:
            return GO
        causes = Counter(path for entry in entries for path in entry.paths)
        often = [f"; {shown(path)} keeps changing" for path, _ in causes.most_common(1)]
        return Hold(
            f"the budget of {most} restarts in {window:g} s is spent{''.join(often)}; "
            f"the next may come {wait:g} s after the last"
        )

    def spend(self, changes: Changes) -> Verdict:
        """Record the restart that is about to happen; only the first call does, in any thread."""
        try:
            self._unspent.pop()
        except IndexError:
            return GO
        at, paths = self._clock(), tuple(sorted(changes.files)[:10])
        reason, what = changes.described("changed"), changes.fingerprint()
        entry = Entry(at, os.getpid(), reason, what, paths, (self.generation or 0) + 1)
        if self._journal.record(entry):
            self._spent = entry
        elif changes.requested is None and (verdict := self._uncounted()) != GO:
            self._unspent.append(True)
            return verdict
        return GO

    def refund(self) -> None:
        """The restart did not happen."""
        if self._spent is not None:
            self._journal.withdraw(self._spent)
        self.renew()

    def renew(self) -> None:
        """The restart that was recorded had no effect: another one may be recorded."""
        self._spent, self._unspent = None, [True]

    def _uncounted(self) -> Verdict:
        """Without a count, only slowness stops a loop."""
        most, window = self._limit
        lived = window / most
        reason = f"without a journal, a process has to run {lived:g} s before it is replaced"
        return Hold(reason) if self._clock() - self._started < lived else GO

    def _remember(self, past: list[Entry]) -> None:
        self._past = past
        self.history = restarts(distinct(past, self._processes), time.time() - time.monotonic())


def pause(times: Sequence[float], budget: tuple[int, float]) -> float:
    """Seconds that have to pass after the last of these restarts; 0.0 where none have to.

    `times` are ascending. Once `budget[0]` of them fall into `budget[1]` seconds, the next waits
    that long, the one after it twice as long, and so on, an hour at most, until the restarts come
    slower than that by half.
    """
    most, window = budget
    waiting, recent = 0.0, list[float]()
    for at in times:
        if recent and at - recent[-1] > max(window, 2 * waiting):
            waiting, recent = 0.0, []
        recent = [earlier for earlier in recent if at - earlier < window] + [at]
        if waiting or len(recent) >= most:
            waiting = min(max(window, 2 * waiting), LONGEST)
    return waiting
