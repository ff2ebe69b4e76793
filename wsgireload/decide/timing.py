"""A restart that is due waits until it costs no request.

Requests that run for longer than `shutdown-timeout` are cut, whatever has the process replaced: the
best moment is one at which none runs. Or the next request brings the restart about: mod_wsgi calls
a WSGI script's `reload_required` before each request. If that returns true, the daemon process
rejects the request and is replaced, and Apache replays the request on the next process: new code
answers it, and the client notices nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from wsgireload.changes import Changes
from wsgireload.decide.verdict import GO, Gate, Go, Hold, Verdict, Wait
from wsgireload.state.group_epoch import GroupEpoch

LINE = "reload_required = wsgireload.reload_required"
SOON = 0.05  # seconds between two checks whether a request runs
UNASKED = 5.0  # seconds: if requests run for so long and mod_wsgi did not call, it never will
NEXT = "with the next request"
CUT = "; requests that run longer than shutdown-timeout are cut"


class Handover:
    """Whether the next request has this process replaced; `group` are the other processes.

    `taken`: mod_wsgi has called for a request since that began. `follows` returns whether this
    process ends once mod_wsgi rejects a request.
    """

    def __init__(self, group: GroupEpoch, follows: Callable[[], bool] = lambda: True) -> None:
        self.group = group
        self.follows = follows
        self.pending = self.taken = False

    def begin(self) -> None:
        """Hand over requests from now on, in the other processes of the group as well."""
        if not self.pending:
            self.pending, self.taken = True, False
            self.group.announce()

    def withdraw(self) -> None:
        """Answer requests here again."""
        if self.pending:
            self.group.retract()
        self.pending = False

    def required(self) -> bool:
        """The answer to mod_wsgi about one request, in that request's thread."""
        self.taken = self.taken or self.pending
        return self.pending and self.follows()


class Timing(Gate):
    """`when` is next-request, or auto: as soon as no request runs, or else the next request.

    `running` returns how many requests run, None where that is unknown; `has_line` whether the WSGI
    script has a `reload_required`.
    """

    def __init__(
        self,
        when: str,
        handover: Handover,
        running: Callable[[], int | None],
        has_line: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self._when = when
        self._handover = handover
        self._running = running
        self._has_line = has_line
        self._clock = clock
        self._since = 0.0

    def check(self, changes: Changes) -> Verdict:
        if changes.requested is not None:
            return GO
        if not self._has_line():
            missing = f"the WSGI script lacks the line: {LINE}"
            if self._when == "next-request":
                return Hold(f"no request can trigger the restart: {missing}")
            return Go(f"{CUT}: {missing}")
        if not self._handover.follows():
            return Go(f"{CUT}: other code has taken SIGINT from mod_wsgi")
        if not self._handover.pending:
            self._since = self._clock()
            self._handover.begin()
        if self._when == "next-request":
            return Wait(float("inf"), NEXT)
        return Wait(SOON, NEXT) if self._running() and not self._in_vain() else GO

    def release(self) -> None:
        self._handover.withdraw()

    def _in_vain(self) -> bool:
        """Whether requests came and mod_wsgi did not call: WSGIScriptReloading is off."""
        return not self._handover.taken and self._clock() - self._since > UNASKED
