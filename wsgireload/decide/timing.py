"""At which moment: a restart that may be made waits for one at which nobody loses by it.

mod_wsgi asks a WSGI script's `reload_required` before each request. Where that says yes, the daemon
process turns the request away and is replaced, and Apache gives the request to the next one: so new
code answers it, and nobody notices. What runs for longer than `shutdown-timeout` is cut, whoever
has the process replaced, and so the best moment is one at which nothing runs.
"""

from __future__ import annotations

from collections.abc import Callable

from wsgireload.decide.syntax import Hold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wsgireload.state.group_epoch import Call

LINE = "reload_required = wsgireload.reload_required"
SOON = 0.05  # seconds between two questions whether nothing runs
UNASKED = 5.0  # seconds: if requests run for so long and mod_wsgi did not ask, it never will


class Moment:
    """`when` is now, next-request or auto: as soon as nothing runs, or else the next request.

    `busy` tells how many requests run, None where that cannot be known; `has_line` whether the WSGI
    script asks us; `call` reaches the other processes of the group, where there are any.
    """

    def __init__(
        self,
        when: str,
        busy: Callable[[], int | None],
        has_line: Callable[[], bool],
        clock: Callable[[], float],
        call: Call | None = None,
    ) -> None:
        self._when = when
        self._busy = busy
        self._has_line = has_line
        self._clock = clock
        self._call = call
        self._held = False
        self._since = 0.0
        self.note = ""  # what there is to say of a restart that is made now
        self.pending = False  # a request may come: see reload_required
        self.asked = False  # one came and asked, since it is pending

    def required(self) -> bool:
        """What mod_wsgi is told before each request, in that request's thread."""
        self.asked = self.asked or self.pending
        return self.pending or self.called()

    def called(self) -> bool:
        """Whether another process of the group has found that all are to be replaced."""
        return self._call is not None and not self._held and self._call.heard()

    def same(self, at: float) -> None:
        """This process runs what lies on disk, as a look at everything showed that began then."""
        if self._call is not None:
            self._call.answer(at)

    def wait(self) -> Hold | float:
        """0.0: now. Else the seconds after which to ask again, or why nothing can come of it."""
        if self._when == "now":
            return 0.0
        if not self._has_line():
            missing = f"the WSGI script lacks the line: {LINE}"
            if self._when == "next-request":
                return Hold(f"no request can ask for the restart: {missing}")
            self.note = f"; what runs for longer than shutdown-timeout is cut: {missing}"
            return 0.0
        if not self.pending:
            self.pending, self.asked, self._since = True, False, self._clock()
            self._held = False
            if self._call is not None:
                self._call.make()
        if self._when == "next-request":
            return float("inf")
        return SOON if self._busy() and not self._in_vain() else 0.0

    def _in_vain(self) -> bool:
        """Whether requests came and nobody asked: WSGIScriptReloading is off."""
        return not self.asked and self._clock() - self._since > UNASKED

    def passed(self, *, held: bool = False) -> None:
        """There is nothing to wait for any more: not yet, not again, or it is `held`."""
        if self.pending and self._call is not None:
            self._call.retract()
        self.pending, self._held = False, held
