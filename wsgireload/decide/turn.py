"""The turn of a fleet: of all processes on all machines, one is replaced at a time.

The process that has the lock of its machine takes the turn from the coordinator, and renews it as
long as it has it. Its successor renews it until it is up, and then gives it back, with the lock of
the machine. So does every process that comes up: its machine may have died with the turn.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from wsgireload.changes import Changes, fingerprint
from wsgireload.coordinator import NOT_YET, STOPPED, YES
from wsgireload.decide.coordinator import GIVE, KEEP, TAKE, Answer, Requests
from wsgireload.decide.rolling import POLL, Rolling
from wsgireload.decide.verdict import GO, NEVER, Gate, Go, Hold, Verdict, Wait
from wsgireload.report import Awaited
from wsgireload.server import files

RETRY = 1.0  # seconds between two requests for the turn
SELDOM = 10.0  # while none helps: then every process of the machine asks, each by a program
LONGEST = 64  # characters of a version
WAIT = Wait(POLL)


class Turn(Gate):
    """`awaited` is the turn of another machine, while this process waits for its end."""

    _may_have: bool  # the turn, as far as is known
    _holds: bool  # the last verdict was to hold
    _confirmed: float  # when the coordinator said yes
    _wanted: str  # the version for which the turn is taken
    _announcement: str  # that is logged
    _verdict: Verdict  # until there is another answer
    _refused: Answer | None  # the last one that was not yes, and since when
    _since = 0.0

    def __init__(
        self,
        machine: Rolling,
        requests: Requests,
        version: Callable[[Changes], str],
        trouble: Callable[[str], None],
        life: float,
        clock: Callable[[], float],
    ) -> None:
        """`version` names the changes; `life` are the seconds that a turn lasts unless renewed."""
        self._machine = machine
        self._requests = requests
        self._version = version
        self._trouble = trouble
        self._life = life
        self._clock = clock
        self._renew_at = clock() + life / 3
        self._again = -NEVER  # when the next request may be made
        self._pause = RETRY
        self._owes = True  # this machine may have the turn, and this process has no use for it
        self._forget_turn()

    def check(self, changes: Changes) -> Verdict:
        self._poll()
        self._holds = False
        if self._requests.verb == GIVE:
            return WAIT
        if not self._machine.is_held:  # another process may have given the turn back since then
            self._confirmed = -NEVER
        verdict = self._machine.check(changes)
        if not isinstance(verdict, Go) or not self._machine.is_held:  # it does not serve
            return verdict
        version = self._version(changes)
        if version == self._wanted and self._clock() < self._confirmed + 2 * self._life / 3:
            return GO
        if version != self._wanted or (
            self._requests.verb != TAKE and self._clock() >= self._again
        ):
            self._wanted, self._confirmed = version, -NEVER
            self._owes, self._may_have = False, True  # the answer may be lost
            self._requests.begin(TAKE, version)
        is_asking = self._requests.verb == TAKE
        if is_asking and isinstance(self._verdict, Hold):  # keep the lock until there is an answer
            return WAIT
        self._holds = isinstance(self._verdict, Hold)
        return self._verdict

    def reset(self) -> None:
        self._holds = False
        self.release()

    def release(self) -> None:
        if self._requests.verb == GIVE:  # the lock is needed until it is given
            return
        if self._holds:  # still wanted, and another process may have more luck
            self._machine.release()
            return
        if self._requests.verb == TAKE:
            self._requests.end()
        if self._may_have:
            self._owes = True
        else:
            self._machine.release()
        self._forget_turn()

    def announce(self) -> bool:
        self._poll()
        now = self._clock()
        is_up = self._machine.serves()
        if not self._requests.verb:
            if self._owes and is_up:
                if now >= self._again:
                    self._give(now)
            elif now >= self._renew_at and (self._confirmed > -NEVER or not is_up):
                self._requests.begin(KEEP)
        has_it = self._may_have and not self._holds
        return not (self._requests.verb or self._owes or has_it)

    def end(self) -> None:
        self._requests.end()

    def forget(self) -> None:
        self._machine.forget()

    def _give(self, now: float) -> None:
        try:
            held = self._machine.lock()
        except OSError as error:
            self._trouble(f"cannot take the rolling-restart lock: {error}")
            held = False
        if held:
            self._requests.begin(GIVE)
        elif held is None:  # the turn serves another process now, whose successor gives it
            self._owes, self._renew_at = False, NEVER
        else:
            self._again = now + POLL

    def _poll(self) -> None:
        """Take the answer to the request that runs, if there is one."""
        verb, answer, now = self._requests.verb, self._requests.poll(), self._clock()
        if answer is None:
            return
        if verb == GIVE:
            self._given(answer, now)
        elif answer.code == YES:
            self._confirmed, self._renew_at = now, now + self._life / 3
            self._again, self._pause = now, RETRY
            self._verdict, self._refused, self.awaited = WAIT, None, ()
            if not self._machine.serves():  # the fleet waits for this very process
                self.awaited = (_awaited(answer),)
        elif answer.code is None and verb == KEEP:
            self._renew_at = now + self._rest()
        elif verb == KEEP:  # it has ended, and another machine has it
            self._confirmed, self._renew_at = -NEVER, NEVER
        else:
            self._wait(answer, now)

    def _given(self, answer: Answer, now: float) -> None:
        if answer.code == YES:
            self._owes, self._renew_at, self.awaited = False, NEVER, ()
            self._pause = RETRY
        else:
            self._trouble(f"could not give back the turn of the fleet, retrying: {answer.text}")
            self._again = now + self._rest()
        self._machine.release()

    def _wait(self, answer: Answer, now: float) -> None:
        """Wait for another machine, or hold: the same answer is not logged again."""
        if answer.code is not None:
            self._may_have, self._renew_at = False, NEVER
        known = answer if answer.code is not None else answer._replace(text="")  # errors vary
        if known != self._refused:
            if isinstance(self._verdict, Hold):  # what is awaited after it is logged anew
                self._announcement = ""
            self._refused, self._since, self._verdict = known, now, WAIT
        is_late = now - self._since >= 2 * self._life
        if answer.code == NOT_YET and not is_late:
            self._again, self._pause = now + RETRY, RETRY
            self._machine.refresh()
            if self._verdict == WAIT:
                self.awaited = (_awaited(answer),)
            self._announcement = self._announcement or f"waiting for {self.awaited[0].what}"
            self._verdict = Wait(POLL, self._announcement)
            return
        self._again = now + self._rest()
        if not isinstance(self._verdict, Hold):
            self._verdict, self.awaited = Hold(_reason(answer)), ()

    def _rest(self) -> float:
        """Seconds until the next request after one that did not help: doubled each time."""
        rest, self._pause = self._pause, min(2 * self._pause, SELDOM)
        return rest

    def _forget_turn(self) -> None:
        """This process neither has nor wants the turn."""
        self._may_have = self._holds = False
        self._confirmed = -NEVER
        self._wanted = self._announcement = ""
        self._verdict, self._refused, self.awaited = WAIT, None, ()


def _awaited(answer: Answer) -> Awaited:
    return Awaited(f"the turn of the fleet: {answer.text}")


def _reason(answer: Answer) -> str:
    if answer.code is None:
        return f"no answer from the coordinator of the fleet, retrying: {answer.text}"
    if answer.code == STOPPED:
        return f"the roll of the fleet has stopped: {answer.text}"
    return f"the roll of the fleet does not go on: {answer.text}"


def version(trigger: str | None, changes: Changes) -> str:
    """The content of the trigger if that is a word, else a fingerprint of it or of the changes.

    The same on machines where the application lies in other folders.
    """
    with contextlib.suppress(OSError):
        if trigger is not None:
            content = files.content(trigger)
            word = content.strip().decode("ascii", "replace")
            is_word = word.isprintable() and not set(word) & set(" \ufffd")
            return word if is_word and 0 < len(word) <= LONGEST else fingerprint(content)
    return fingerprint(*sorted(change.digest for change in changes.files.values()))
