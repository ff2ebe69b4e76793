"""The flow: look, compare, wait for quiet, ask whether we may, restart. In this order.

A step is pure of time: clock, look and restart are handed in.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import chain

from wsgireload.decide import budget
from wsgireload.decide import syntax as guard
from wsgireload.decide.settle import Settle
from wsgireload.decide.syntax import Hold
from wsgireload.detect.detector import Watched
from wsgireload.detect.digests import EMPTY, MISSING, Digest, fingerprint
from wsgireload.log import Log, Word, few, shown
from wsgireload.settings import Settings
from wsgireload.state.journal import Entry, Journal
from wsgireload.watch.wakeup import Stir

TYPE_CHECKING = False  # as typing has it, without importing typing, which is large
if TYPE_CHECKING:
    from typing import Protocol

    from wsgireload.decide.apache_config import ConfigCheck
    from wsgireload.decide.preflight import Preflight
    from wsgireload.decide.rolling import Roll
    from wsgireload.decide.timing import Moment

    class Restart(Protocol):
        """How a restart is asked for: see restart.py."""

        def ask(self) -> bool: ...
        def ask_again(self) -> None: ...
        def freshen(self, sources: Iterable[str]) -> list[str]: ...


ANYWHERE = Stir()
NOWHERE: frozenset[str] = frozenset()  # what differs already is looked at all the same
SHARE = 10  # a look may take a tenth of the time: where it takes long, we look more seldom
GROWING = 0.1  # seconds between two looks while modules are being imported
TAKEN_UP = 30.0  # seconds in which a server that was asked to restart has done so
SELDOM = 3600.0  # or it is asked again, ever more seldom, but as often as that


class Reloader:
    """Decides when this process is to be replaced."""

    def __init__(
        self,
        settings: Settings,
        watched: Watched,
        journal: Journal,
        restart: Restart,
        log: Log,
        clock: Callable[[], float],
        processes: int = 1,
        check: ConfigCheck | None = None,
        moment: Moment | None = None,
        preflight: Preflight | None = None,
        roll: Roll | None = None,
    ) -> None:
        self._settings = settings
        self._watched = watched
        self._journal = journal
        self._restart = restart
        self._log = log
        self._clock = clock
        self._processes = processes
        self._check = check
        self._moment = moment
        self._preflight = preflight
        self._roll = roll
        self._settle = Settle(settings.settle)
        self._started = clock()
        self._cost = 0.0  # of the last look, in seconds
        self._asked: float | None = None
        self._grace = TAKEN_UP
        self._ours = False  # it was this monitor that asked
        self._judged: dict[str, Digest] | None = {}  # the changes that were seen to compile or not
        self._judgement: Hold | None = None
        self.generation = 0  # how many restarts this process comes after
        self.by_hand: str | None = None  # why somebody wants a restart, whatever changed
        self.differs: dict[str, Digest] = {}
        self.hold: Hold | None = None
        self.looks = 0

    @property
    def patience(self) -> float:
        """Seconds for which somebody who goes on writing is waited for, at most."""
        return self._settle.bound

    @property
    def restarting(self) -> bool:
        """Whether a restart was asked for, or comes with the next request."""
        pending = self._moment is not None and self._moment.pending
        return self._asked is not None or pending

    def step(self, stir: Stir = ANYWHERE) -> float:
        """One turn, where something may have changed; returns the seconds until the next is due."""
        now = self._clock()
        if self._asked is not None:
            if now - self._asked < self._grace:
                return self._asked + self._grace - now
            self._not_taken_up()
            stir = ANYWHERE  # we did not look for all that time
        if self._moment is not None and self._moment.called():
            stir = Stir(last=stir.last)  # another process says that something differs
        before, self.differs = self.differs, self._look(stir.paths)
        pause = self._pause(self._clock() - now)
        self.looks += 1
        self._announce(before)
        if not self.differs and self.by_hand is None:
            self._settle.left({}, now)
            self._settle.decided()
            self.hold, self._grace = None, TAKEN_UP
            self._stay()
            if self._moment is not None and stir.paths is None:
                self._moment.same(now)
            return pause
        if self._check is not None:  # beside the waiting, so that it costs no time of its own
            self._check.begin()
        left = self._unsettled(now, stir.last) or self._judge() or self._unanswered()
        if left:
            self._stay()
            return min(left, pause)
        self._settle.decided()
        wait: Hold | float | None
        wait = self._judgement or self._refused() or self._budget_spent()
        wait = wait or self._turn() or self._wait() or self._ask()
        if isinstance(wait, Hold):
            self._stay(held=True)
            if wait != self.hold:
                self._log.say(Word.HOLDING, wait.reason)
            self.hold = wait
            return pause
        self.hold = None
        return self._grace if wait is None else min(wait, pause)

    def _look(self, stirred: Collection[str] | None) -> dict[str, Digest]:
        """What differs, once the trigger does, where there is one: it alone decides."""
        differs = self._watched.look(stirred)
        trigger = self._settings.trigger
        return differs if trigger is None or trigger in differs else {}

    def _pause(self, cost: float) -> float:
        """Seconds between two looks. One dear look, as the first is, is not what looks cost."""
        usual, self._cost = min(cost, self._cost), cost
        interval = self._settings.interval
        awaited = self._roll is not None and not self._roll.arrived()
        if awaited or self._watched.growing:  # what is edited once it is imported is noticed
            interval = min(interval, GROWING)
        return max(interval, SHARE * usual)

    def _judge(self) -> float:
        """See whether the changes compile; returns seconds to wait if they went on meanwhile."""
        if self.differs == self._judged:
            return 0.0
        self._judgement = self._nothing_left() or self._does_not_compile()
        after = self._look(NOWHERE)
        again = after != self.differs or (self._judgement and self._judgement.passing)
        self._judged = None if again else self.differs
        self.differs = after
        return self._unsettled(self._clock())

    def _unsettled(self, now: float, last: float | None = None) -> float:
        """Seconds to wait for quiet. A source that is gone, or that was emptied, is likely to be in
        the midst of being written.
        """
        unfinished = any(
            digest in (MISSING, EMPTY) and self._watched.is_python(path)
            for path, digest in self.differs.items()
        )
        return self._settle.left(self.differs, now, last, patient=unfinished)

    def _announce(self, before: Mapping[str, Digest]) -> None:
        """Say what changed, when it is noticed, and when it is no change any more."""
        if self.differs and not before:
            self._log.say(Word.CHANGED, self._what())
        elif before and not self.differs:
            self._log.say(
                Word.CHANGED, f"{few(map(shown, before))}: again what was loaded, nothing to do"
            )

    def _nothing_left(self) -> Hold | None:
        """Where code is gone and nothing else has changed, what needed it needs it still."""
        if any(digest != MISSING for digest in self.differs.values()):
            return None
        sources = filter(self._watched.is_python, self.differs)
        return next(filter(None, map(guard.gone_with_its_folder, sources)), None)

    def _does_not_compile(self) -> Hold | None:
        for path in self.differs:
            self._watched.checkpoint()
            if self._watched.is_python(path) and (hold := guard.compiles(path)):
                return hold
        return None

    def _budget_spent(self) -> Hold | None:
        """A hold where restarts come too often; a person who requests one is no loop."""
        if self.by_hand is not None:
            return None
        most, window = self._settings.budget
        now = self._clock()
        entries = self._journal.entries()
        if entries is None:
            return self._uncounted()
        times = budget.distinct(((entry.at, entry.what) for entry in entries), self._processes)
        pause = budget.pause(times, (most, window))
        if not times or now >= times[-1] + pause:
            return None
        worst = budget.culprit(path for entry in entries for path in entry.paths)
        often = f"; {shown(worst)} keeps changing" if worst else ""
        return Hold(
            f"the budget of {most} restarts in {window:g} s is spent{often}; "
            f"the next may come {pause:g} s after the last"
        )

    def _uncounted(self) -> Hold | None:
        """Where nobody counts the restarts, slowness alone stops a wild loop."""
        most, window = self._settings.budget
        lived = window / most
        reason = f"without a journal, a process has to run {lived:g} s before it is replaced"
        return Hold(reason) if self._clock() - self._started < lived else None

    def _unanswered(self) -> float:
        """Seconds until those who are asked have answered; not of what does not even compile."""
        left = self._check.left() if self._check is not None else 0.0
        if not left and self._preflight is not None and self._judgement is None:
            left = self._preflight.left(self._fingerprint())
        return left

    def _refused(self) -> Hold | None:
        """What the server says of its configuration, and the user's command of the code."""
        refused = self._check.answer() if self._check is not None else None
        if refused is None and self._preflight is not None:
            refused = self._preflight.answer()
        return refused

    def _wait(self) -> Hold | float:
        """How long to wait for the right moment: see moment.py."""
        if self._moment is None or self.by_hand is not None:
            return 0.0
        before, wait = self._moment.pending, self._moment.wait()
        if wait and self._moment.pending and not before:
            self._freshen()
            self._log.say(Word.RESTARTING, f"{self._what('changed')}; with the next request")
        return wait

    def _turn(self) -> Hold | float:
        return self._roll.turn() if self._roll is not None else 0.0

    def stay(self) -> None:
        """Nobody looks any more: what was not asked for yet does not happen."""
        if self._asked is None:
            self._stay()

    def _stay(self, *, held: bool = False) -> None:
        """Nothing comes of a restart, for now: let requests be answered, and others go."""
        if self._moment is not None:
            self._moment.passed(held=held)
        if self._roll is not None:
            self._roll.passed()

    def leave(self) -> None:
        """Note the restart that a request has brought about: this process ends."""
        if self._moment is None or self._asked is not None:
            return
        if self._moment.pending:
            self._journal.record(self._entry(self._what("changed")))
        elif self._moment.called():
            self._log.say(Word.RESTARTING, "another process of the group noticed a change first")

    def _freshen(self) -> None:
        for cache in self._restart.freshen([path for path in self.differs if _is_source(path)]):
            self._log.say(Word.HOLDING, f"{shown(cache)} is out of date and cannot be removed")

    def _ask(self) -> Hold | None:
        """Ask for the restart; a hold where the server could not even be asked."""
        self._freshen()
        what = self._what("changed")
        # State before signal: mod_wsgi's shutdown callback calls leave() before ask() returns.
        self._asked = self._clock()
        name = self._journal.record(self._entry(what))
        if name is None and self.by_hand is None and (hold := self._uncounted()):
            self._asked = None
            return hold
        try:
            asked = self._restart.ask()
        except Exception as error:  # most likely a NativeError
            self._asked = None
            self._journal.withdraw(name)
            return Hold(f"the restart cannot be asked for: {error}")
        self._ours = asked
        if not asked:
            self._journal.withdraw(name)
            what = f"another application of this process has asked already ({what})"
        self._log.say(Word.RESTARTING, what + (self._moment.note if self._moment else ""))
        self.by_hand = None
        return None

    def _entry(self, what: str) -> Entry:
        at, paths = self._clock(), tuple(sorted(self.differs)[:10])
        generation = self.generation + 1
        return Entry(at, os.getpid(), what, self._fingerprint(), paths, generation)

    def _fingerprint(self) -> str:
        """A name for what differs: the same in each process that runs the same code."""
        changes = sorted(self.differs.items())
        named = ((path.encode("utf-8", "surrogatepass"), digest) for path, digest in changes)
        return fingerprint(*chain.from_iterable(named))

    def _not_taken_up(self) -> None:
        self._log.say(
            Word.HOLDING,
            f"the restart asked for {self._grace:g} s ago did not happen: looking again",
        )
        self._grace = min(2 * self._grace, SELDOM)
        self._asked = None
        if self._ours:  # whoever asked asks again: were all to, all would
            self._restart.ask_again()

    def _what(self, modified: str = "modified") -> str:
        """What changed, in words; `modified` is the word for the most usual kind."""
        if not self.differs:
            return f"asked for by hand: {self.by_hand}"
        kinds = ((path, self._watched.kind(path)) for path in self.differs)
        return few(
            f"{shown(path)} {modified if kind == 'modified' else kind}" for path, kind in kinds
        )


def _is_source(path: str) -> bool:
    return path.endswith(".py")
