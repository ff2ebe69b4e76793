"""The idea: scan, pass the gates, restart. In this order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from wsgireload.changes import NONE, Change, Changes
from wsgireload.decide.budget import Budget
from wsgireload.decide.timing import Handover
from wsgireload.decide.verdict import GO, NEVER, Gate, Go, Hold, Verdict, Wait
from wsgireload.log import Event, Log, Word, few, shown
from wsgireload.report import NEXT_REQUEST, Awaited
from wsgireload.server.restart import Restart
from wsgireload.threads import time


class Detector(Protocol):
    """What differs from the running code: see detect/detector.py."""

    def scan(
        self, paths: Collection[str] | None = None, *, requested: bool = False
    ) -> dict[str, Change]: ...


class Reloader:
    """Decides when this process is replaced. One thread takes the steps; others may request."""

    def __init__(
        self,
        detector: Detector,
        gates: Sequence[Gate],
        restart: Restart,
        budget: Budget,
        handover: Handover,
        log: Log,
    ) -> None:
        """`gates` are checked in order; `budget` is one of them, and records the restarts."""
        self._detector = detector
        self._gates = gates
        self._restart = restart
        self._budget = budget
        self._handover = handover
        self._log = log
        self._requested: str | None = None
        self._requested_anew = self._was_held = False
        self._verdict: Verdict = GO
        self._held_by: Gate | None = None
        self._is_reset = True  # the gates: a step without changes costs next to nothing
        self._in_vain: Hold | None = None  # the server did not act on the last request
        self.hold: Hold | None = None
        self.changes = NONE
        self.scans = 0

    @property
    def restarting(self) -> bool:
        """Whether a restart was requested, or waits for requests to end, or for the next one."""
        return self._restart.requested or self._handover.due

    @property
    def is_due(self) -> bool:
        """Whether this process is to be replaced, now that no gate holds it, or with its group."""
        return self.restarting or self._is_behind_group()

    @property
    def is_coming(self) -> bool:
        """The same, or another interpreter of this process was first with the same changes."""
        return self.is_due or bool(self.changes)

    @property
    def is_decided(self) -> bool:
        """Whether no gate still waits to decide about what the last scan found."""
        return not self.changes or self.restarting or isinstance(self._verdict, Hold)

    @property
    def is_calm(self) -> bool:
        """Whether nothing has changed, and no request was rejected."""
        return not self.changes and not self._restart.has_rejected

    @property
    def awaited(self) -> tuple[Awaited, ...]:
        """What a restart has waited for, and for some time; or the next request."""
        verdict = self._verdict
        if isinstance(verdict, Wait) and verdict.seconds == NEVER:
            return (NEXT_REQUEST,)
        by_gates = (each for gate in self._gates for each in gate.awaited)
        return (*self._handover.awaited, *by_gates)

    def request(self, reason: str) -> None:
        """Let a person's restart pass the gates, with the next step."""
        self._requested, self._requested_anew = reason, True

    def step(self, paths: Collection[str] | None = None) -> float:
        """Scan where something may have changed (None: anywhere), check the gates, restart.

        Returns the seconds until the next step is due; infinite: after the next change.
        """
        if self._restart.requested:
            if left := self._restart.left():
                return left
            self._retry()
            paths = None  # nothing was scanned meanwhile
        if self._is_behind_group():
            paths = None
        if self._requested_anew:  # then no earlier verdict counts
            self._requested_anew = self._was_held = False
            self._reset()
        self._scan(paths)
        if not self.changes:
            if paths is None or paths or not self._is_reset:  # an event had them prefetch
                self._reset()
            if paths is None:
                self._handover.group.up_to_date()
            return NEVER
        self._is_reset = False
        # No gate holds a closed process: it answers no request.
        verdict = GO if self.changes.closed else self._check_gates()
        if isinstance(verdict, Go):
            verdict = self._replace(verdict.note)
        self._report(verdict)
        return verdict.seconds if isinstance(verdict, Wait) else NEVER

    def _scan(self, paths: Collection[str] | None) -> None:
        self._handover.group.scanning()
        before = self.changes.files
        requested = self._requested  # of one that comes meanwhile the next scan finds what to load
        found = self._detector.scan(paths, requested=requested is not None)
        self.changes = Changes(found, requested, self._restart.is_closed, self._was_held)
        self.scans += 1
        if self.changes.files and not before:
            self._log.say(Word.CHANGED, self.changes.described(), event=self._event("changed"))
            for gate in self._gates:
                gate.prefetch()
        elif before and not self.changes.files:
            self.withdraw()  # before the log line: a request may come at once
            files = few(map(shown, before))
            self._log.say(
                f"{Word.CHANGED} back", f"{files} matches the running code; no restart needed"
            )

    def _reset(self) -> None:
        for gate in self._gates:
            gate.reset()
        self._restart.reset()
        self.hold, self._in_vain, self._verdict, self._is_reset = None, None, GO, True

    def _check_gates(self) -> Verdict:
        """The verdict of the first gate that is not GO; those after it have nothing to decide."""
        note = ""
        for number, gate in enumerate(self._gates):
            verdict = gate.check(self.changes)
            if not isinstance(verdict, Go):
                for later in self._gates[number + 1 :]:
                    later.reset()
                if isinstance(verdict, Hold):
                    self._held_by = gate
                return verdict
            note += verdict.note
            if gate is self._held_by:
                self.hold = self._held_by = None
        return Go(note)

    def _replace(self, note: str) -> Verdict:
        """Record the restart, log it and request it, in this order: it may end this process."""
        verdict = self._budget.spend(self.changes)
        if not isinstance(verdict, Go):
            return verdict
        by = "; by SIGTERM" if self._restart.next_signal() == "SIGTERM" else ""
        # Once: a request that fails is made again and again.
        text = self.changes.described("changed") + note + by
        self._log.say_once(Word.RESTARTING, text, event=self._event("restarting"))
        try:
            first = self._restart.request()
        except Exception as error:  # most likely a NativeError
            self._budget.refund()
            return Hold(f"could not request the restart: {error}")
        if not first:
            self._budget.refund()
            self._log.say(Word.RESTARTING, "this process is being replaced already")
        self.hold = self._in_vain
        if self._in_vain:  # this may be so again: let others be replaced meanwhile
            self._requested = None  # a person's request is worth a try of each signal
            self._release()
        return Wait(self._restart.left())

    def _report(self, verdict: Verdict) -> None:
        if isinstance(verdict, Hold):
            self._was_held = True
            self.withdraw()
            if verdict != self.hold:
                self._log.say(Word.HOLDING, verdict.reason, event=self._event("held", verdict))
                if verdict.place and verdict.output:  # a traceback
                    self._log.quote(Word.HOLDING, verdict.output)
            self.hold = verdict
        elif isinstance(verdict, Wait) and verdict.announcement and verdict != self._verdict:
            what = self.changes.described("changed")
            event = self._event("restarting")
            self._log.say(Word.RESTARTING, f"{what}; {verdict.announcement}", event=event)
        self._verdict = verdict

    def _event(self, kind: str, hold: Hold | None = None) -> Event:
        """What happens to the changes; of a `hold` the file at fault."""
        place, output = (hold.place, hold.output) if hold else (None, None)
        if place is None:
            return Event(kind, paths=tuple(self.changes.files), details=output)
        return Event(kind, paths=(place.path,), line=place.line, details=output)

    def _retry(self) -> None:
        signal, waited = self._restart.signal, self._restart.give_up()
        self._budget.refund()
        self.withdraw()
        again = "; retrying" if self.changes.files or self._requested else ""
        text = f"no restart {waited:g} s after it was requested{again}"
        self._in_vain = Hold(f"{text}, as {signal} had no effect" if signal else text)
        self._log.say(Word.HOLDING, self._in_vain.reason, event=self._event("held"))

    def _is_behind_group(self) -> bool:
        """Whether the group runs newer code. A process that holds does not follow it."""
        return not isinstance(self._verdict, Hold) and self._handover.group.is_over()

    def reload_required(self) -> bool:
        """Whether the next process has to answer this request; called in the request's thread."""
        behind = self._is_behind_group() and self._handover.follows()
        if rejects := self._handover.required() or behind:
            self._restart.rejects()
        return rejects

    def withdraw(self) -> None:
        """Let requests be answered here, and other processes be replaced."""
        if not self._restart.requested:
            self._release()

    def _release(self) -> None:
        for gate in self._gates:
            gate.release()

    def leave(self) -> None:
        """This process ends: record the restart, if a request or Apache has forestalled it."""
        if self._restart.requested:
            return
        if self._handover.due:
            self._budget.spend_at_end(self.changes)
        elif self._is_behind_group():
            self._log.say(Word.RESTARTING, "another process of the group noticed a change first")

    def report_end(self, awaited: tuple[Awaited, ...]) -> None:
        """Log what delays the end of this process, which is being replaced."""
        self._handover.awaited = awaited
        named = few(each.described(time.time()) for each in awaited)
        self._log.say(Word.RESTARTING, f"before it ends, this process still waits for {named}")
