"""A restart that is due waits until it costs no request.

mod_wsgi cuts a request that still runs `shutdown-timeout` seconds after its process was signalled.
So the process first serves on with the old code, for at most `patience` seconds, until the requests
that ran when the restart became due have ended. A request that had run for longer than `patience`
by then is a stream, or stuck, and is not waited for.

The next request can also cause the restart: mod_wsgi calls the WSGI script's `reload_required`
before each request. If that returns true, the daemon process rejects the request and is replaced,
and Apache replays the request on the next process. The new code answers, and the client notices
nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from wsgireload.changes import Changes
from wsgireload.decide.verdict import GO, NEVER, Gate, Go, Hold, Verdict, Wait
from wsgireload.log import few
from wsgireload.report import Awaited
from wsgireload.server.running import NAMED, Request, Requests, awaited
from wsgireload.state.group import GroupEpoch, GroupLease
from wsgireload.threads import time

LINE = "reload_required = wsgireload.reload_required"
SOON = 0.05  # seconds between two checks whether a request runs
LEASE = 0.1  # seconds: the shortest lease by which a process has its group wait for its requests
LONG = 1.0  # seconds: a request that began after the restart became due counts once it is this old
CALLED = 1.0  # seconds after the handover; a request that begins later must have had mod_wsgi call
AGAIN = 1.0  # seconds: a restart that is due again so soon keeps its start (another save settled)
NEXT = "with the next request"
MISSING = f"the WSGI script lacks the line: {LINE}"
ANOTHER = f"mod_wsgi calls another function than that of the line: {LINE}"
BESIDE = "; with several processes old code may answer beside new"
UNASKED = "; when='auto' applies, as mod_wsgi does not call wsgireload.reload_required here"
OTHERS = (Awaited("requests of other applications or processes of this group"),)


class Handover:
    """Whether the next request is handed over to a new process, here and in the `group`.

    `pending`: requests are handed over. `taken`: mod_wsgi has called for a request since then.
    `due`: a restart has passed all other gates. `awaited`: what the restart waits for, if it has
    waited for `NAMED` seconds. `follows` returns whether this process ends once mod_wsgi rejects a
    request. `lease` lets the processes of the group wait for each other's requests.
    """

    def __init__(
        self,
        group: GroupEpoch,
        follows: Callable[[], bool] = lambda: True,
        lease: GroupLease | None = None,
    ) -> None:
        self.group = group
        self.follows = follows
        self.lease = lease or GroupLease()
        self.pending = self.taken = self.due = False
        self.awaited: tuple[Awaited, ...] = ()

    def begin(self) -> None:
        """Hand over requests from now on, in the other processes of the group as well."""
        self.due = True
        if not self.pending:
            self.taken = False  # first: a request may come at once
            self.pending = True
            self.group.announce()

    def withdraw(self) -> None:
        """Answer requests here again."""
        if self.pending:
            self.group.retract()
        self.pending = self.due = False
        self.awaited = ()

    def required(self) -> bool:
        """Return whether mod_wsgi has to reject a request; called in that request's thread."""
        pending = self.pending  # once: the monitor's thread may withdraw
        if pending:
            self.taken = True
        return pending and self.follows()


class Timing(Gate):
    """Delays a restart until running requests have ended (auto), or one comes (next-request).

    `hook` returns whether the WSGI script's `reload_required` is ours or may call ours; None if the
    script has none.
    """

    def __init__(
        self,
        when: str,
        patience: float,
        handover: Handover,
        requests: Requests,
        hook: Callable[[], bool | None],
        clock: Callable[[], float],
    ) -> None:
        self._when = when
        self._patience = patience
        self._handover = handover
        self._requests = requests
        self._hook = hook
        self._clock = clock
        self._since = 0.0  # when the restart became due
        self._released = float("-inf")  # when it was last no longer due; inf while it is due
        self._awaited: list[Request] | None = None
        self._announcement = ""

    def check(self, changes: Changes) -> Verdict:
        if changes.by_hand:
            return GO
        now, hook = self._clock(), self._hook()
        if now - self._released > AGAIN:
            self._since, self._awaited, self._announcement = now, None, ""
        self._released = NEVER
        if self._when == "next-request" and hook is None:
            return Hold(f"no request can trigger the restart: {MISSING}")
        if not self._handover.follows():
            return self._auto(now, f"{BESIDE}: other code has taken SIGINT from mod_wsgi")
        if self._when == "next-request":
            if hook is None or self._is_in_vain(hook):
                return self._auto(now, UNASKED)
            self._handover.begin()
            return Wait(NEVER, NEXT)
        is_called = hook or (hook is False and self._requests.asked)
        why = MISSING if hook is None else ANOTHER
        is_silent = is_called or not self._handover.group.is_shared
        return self._auto(now, "" if is_silent else f"{BESIDE}: {why}", hands_over=bool(is_called))

    def _auto(self, now: float, note: str, *, hands_over: bool = False) -> Verdict:
        self._handover.due = True
        running = [each for each in self._requests.running() if self._counts(each, now)]
        if now - self._since < self._patience and (running or self._is_busy_elsewhere()):
            self._extend_lease(running, now)
            return Wait(SOON, self._named(running, now))
        if hands_over:
            self._handover.begin()
        return Go(note)

    def prefetch(self) -> None:
        # Before the change has settled, so that the other processes see the lease in time.
        now = self._clock()
        running = self._requests.running() if self._when == "auto" else []
        self._extend_lease([each for each in running if now - each.began <= self._patience], now)

    def _extend_lease(self, running: list[Request], now: float) -> None:
        """Have the group wait for the oldest request, by as long as that has run so far."""
        if running:
            self._handover.lease.extend(max(LEASE, now - running[0].began))

    def _is_busy_elsewhere(self) -> bool:
        return self._requests.elsewhere() > 0 or self._handover.lease.is_taken()

    def _counts(self, request: Request, now: float) -> bool:
        """Whether to wait for a request: not for a stream, nor for a short one that began later."""
        if self._since - request.began > self._patience:
            return False
        return request.began <= self._since or now - request.began >= LONG

    def _named(self, running: list[Request], now: float) -> str:
        """Return the log line's note about the wait, and put the requests into the status."""
        if now - self._since >= NAMED and running != self._awaited:
            self._awaited = running
            self._handover.awaited = awaited(running, now) or OTHERS
            if not self._announcement:
                named = few(each.described(time.time()) for each in self._handover.awaited)
                self._announcement = f"waiting up to {self._patience:g} s for {named}"
        return self._announcement

    def _is_in_vain(self, hook: bool) -> bool:
        """Whether mod_wsgi never calls our hook, as with WSGIScriptReloading Off."""
        if not hook and not self._requests.asked:
            return True
        unasked = self._handover.pending and not self._handover.taken
        return unasked and self._requests.latest > self._since + CALLED

    def release(self) -> None:
        self._released = min(self._released, self._clock())
        self._handover.withdraw()
