"""Stop restarts that cause each other, without ever holding a person's save.

What distinguishes them is who wrote the changed file: see state/own_writes.py. If the application
itself writes it again and again, the restart is held. A file that another program rewrites for ever
looks like a person with a fast editor, so its restarts are only spaced, more and more widely.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial

from wsgireload.changes import Changes
from wsgireload.decide.verdict import GO, Gate, Hold, Verdict
from wsgireload.log import few, shown
from wsgireload.report import Restarted
from wsgireload.state.journal import Entry, Journal, distinct
from wsgireload.state.own_writes import OwnWrites
from wsgireload.threads import time

LONGEST = 3600.0  # seconds for which a spent budget holds at most
RECENT = 20  # restarts that are reported
MOST_PATHS = 10  # recorded of one change
PATIENT = 4  # budgets that one file may use up at any pace: a person may save 40 times in a minute
USUAL = 6.0  # seconds for each restart of the default budget
GENTLE = 300  # each restart beyond that adds pace / GENTLE to the next wait: 0.02 s by default


class Budget(Gate):
    """Holds restarts that cause each other, and records each one in the journal.

    `limit`: the restarts allowed in a row, and the seconds between two of them at most. After
    `recall`: `generation`, the number of restarts before this process, or None without a journal;
    `made_by`, the restart that started this process; `history`, the last 20 restarts, newest first.
    """

    def __init__(
        self,
        limit: tuple[int, float],
        journal: Journal,
        own_writes: OwnWrites,
        processes: int,
        clock: Callable[[], float],
    ) -> None:
        self._limit = limit
        self._journal = journal
        self._own_writes = own_writes
        self._processes = processes
        self._clock = clock
        self._started = clock()
        self._unspent = [True]  # the thread that pops it records this process's restart
        self._spent: Entry | None = None
        self._past: list[Entry] = []
        self.generation: int | None = None
        self.made_by: Entry | None = None
        self.history: tuple[Restarted, ...] = ()

    def recall(self) -> None:
        """Read the restarts before this process, and claim the one that started it."""
        self.made_by = self._journal.claim(self._processes)
        past = self._journal.entries()
        if past is not None:
            self.generation = self._journal.generation()
            self._remember(past)
            if self._is_suspicious(past):
                self._own_writes.observe(self._journal.paths())

    def complete(self, made_by: Entry) -> None:
        """Record that the application of this process is loaded."""
        self._journal.complete(made_by)
        self._remember([made_by if each.at == made_by.at else each for each in self._past])

    def repeated(self) -> str:
        """A note for the log at every tenth restart in a row for the same files; else ''."""
        entry = self.made_by
        if entry is None or entry.row < 2 or entry.row % self._limit[0]:
            return ""
        return f"; {_named(entry.paths)} alone caused the last {entry.row} restarts"

    def check(self, changes: Changes) -> Verdict:
        if changes.by_hand:
            return GO
        past = self._journal.entries()
        if past is None:
            return self._uncounted()
        past, paths = distinct(past, self._processes), _paths(changes)
        most, window = self._limit
        if self._own_writes.wrote(paths):
            wait = pause(_maybe_loop(past), self._limit)
            reason = (
                f"the budget of {most} restarts in {window:g} s is spent; "
                f"the application itself writes {_named(paths)}"
            )
        else:
            last = past[-1] if past and past[-1].paths == paths else None
            wait = slowness(last.burst, self._limit) if last else 0.0
            reason = f"{_named(paths)} alone caused the last {last.row if last else 0} restarts"
        if not wait or self._clock() >= past[-1].at + wait:
            return GO
        return Hold(f"{reason}; the next may come {max(0.1, round(wait, 1)):g} s after the last")

    def spend(self, changes: Changes) -> Verdict:
        """Record the coming restart. Of several calls, in any threads, only the first records."""
        try:
            self._unspent.pop()
        except IndexError:
            return GO
        self._spent = self._journal.record(partial(self._entry, changes))
        if self._spent is None and not (changes.by_hand or changes.closed):
            verdict = self._uncounted()
            if verdict != GO:
                self._unspent.append(True)
            return verdict
        return GO

    def spend_at_end(self, changes: Changes) -> None:
        """The same as this process ends, unless another interpreter of it has recorded that."""
        past, here = self._journal.entries() or (), os.getpid()
        if not any(each.pid == here and each.at >= self._started for each in past):
            self.spend(changes)

    def refund(self) -> None:
        """Withdraw the record: the restart did not happen."""
        if self._spent is not None:
            self._journal.withdraw(self._spent)
        self.renew()

    def renew(self) -> None:
        """Allow another record: the recorded restart had no effect."""
        self._spent, self._unspent = None, [True]

    def announce(self) -> bool:
        return self._own_writes.loaded()

    def end(self) -> None:
        self._own_writes.ignore()

    def _entry(self, changes: Changes, past: list[Entry]) -> Entry:
        at, paths = self._clock(), _paths(changes)
        entry = Entry(
            at,
            os.getpid(),
            changes.described("changed"),
            changes.fingerprint(),
            paths,
            (self.generation or 0) + 1,
            by_us=self._own_writes.wrote(paths),
        )
        last = distinct(past, self._processes)[-1] if past else None
        if last is None or last.paths != paths or not paths:
            return entry
        if last.what == entry.what and self._processes > 1:  # the same restart, of another process
            return entry._replace(row=last.row, burst=last.burst)
        most, window = self._limit
        quick = at - last.at <= max(window / most, 2 * slowness(last.burst, self._limit))
        return entry._replace(row=last.row + 1, burst=last.burst + 1 if quick else 1)

    def _is_suspicious(self, past: list[Entry]) -> bool:
        """Whether the restarts may be a loop: half of the budget is spent."""
        most, window = self._limit
        times = _maybe_loop(distinct(past, self._processes))
        wait = pause(times, (max(1, most // 2), window))
        return wait > 0 and self._clock() - times[-1] <= max(window, 2 * wait)

    def _uncounted(self) -> Verdict:
        """The verdict without a journal to count in: a loop can only be slowed down."""
        most, window = self._limit
        lived = window / most
        reason = f"without a journal, a process has to run {lived:g} s before it is replaced"
        return Hold(reason) if self._clock() - self._started < lived else GO

    def _remember(self, past: list[Entry]) -> None:
        self._past = past
        self.history = restarts(distinct(past, self._processes), time.time() - time.monotonic())


def restarts(entries: Sequence[Entry], offset: float) -> tuple[Restarted, ...]:
    """The last 20 of these restarts as a status reports them, newest first.

    `offset` plus `Entry.at` is the time in seconds since 1970. Pass `distinct` restarts.
    """
    return tuple(
        Restarted(offset + each.at, each.reason, None if each.up is None else each.up - each.at)
        for each in entries[-RECENT:][::-1]
    )


def pause(times: Sequence[float], budget: tuple[int, float]) -> float:
    """Seconds that must pass after the last of these restarts; 0.0 if none.

    `times` are ascending. After `budget[0]` restarts in a row, each within `budget[1]` seconds of
    the one before, the next one waits `budget[1]` seconds, and each further one twice as long, an
    hour at most. A pause of more than `budget[1]` seconds and twice the last wait ends the row.
    """
    most, window = budget
    waiting, row, last = 0.0, 0, float("-inf")
    for at in times:
        if at - last > max(window, 2 * waiting):
            waiting, row = 0.0, 0
        row, last = row + 1, at
        if row >= most:
            waiting = min(max(window, 2 * waiting), LONGEST)
    return waiting


def slowness(burst: int, budget: tuple[int, float]) -> float:
    """Seconds that must pass after `burst` restarts for one file in quick succession.

    A budget that is stricter than the default one keeps its own pace.
    """
    most, window = budget
    beyond, pace = max(0, burst - PATIENT * most), window / most
    wait = beyond * pace / GENTLE
    return min(max(wait, pace) if beyond and pace > USUAL else wait, LONGEST)


def _maybe_loop(past: Sequence[Entry]) -> list[float]:
    """The times of the restarts since the last one that was caused from outside."""
    since = max((at for at, entry in enumerate(past, 1) if entry.by_us is False), default=0)
    return [entry.at for entry in past[since:]]


def _paths(changes: Changes) -> tuple[str, ...]:
    return tuple(sorted(changes.files)[:MOST_PATHS])


def _named(paths: Sequence[str]) -> str:
    return few(map(shown, paths))
