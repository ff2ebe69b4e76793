"""Would the server start again with the configuration that is on disk now?

A restarted Apache on Windows reads all of its configuration again, and an error there ends it: the
site is down. `httpd -k restart` checks first; a signal from the inside does not, so this does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wsgireload.changes import Changes
from wsgireload.decide.command import Command
from wsgireload.decide.verdict import GO, Gate, Hold, Verdict, Wait

LIMIT = 30.0  # seconds that a check may take
FRESH = 2.0  # seconds for which an answer counts
SHARE, SELDOM = 10, 30.0  # a broken one is checked again after a tenth of its time, or 30 s
POLL = 0.02
FAILED = "could not check Apache's configuration"


class ApacheConfig(Gate):
    """Runs the server's own check in the background, from the first event of a change on."""

    def __init__(
        self, command: str, environment: Mapping[str, str], clock: Callable[[], float]
    ) -> None:
        """`command` is how this server was started; `environment` what it runs in."""
        self._command = check_command(f"{command} -t", environment, clock)
        self._clock = clock
        self._began = float("-inf")
        self._held_since = clock()
        self._verdict: Verdict = GO
        self._prefetched_in_vain = False

    def prefetch(self) -> None:
        # A file that is touched for ever costs one check.
        if not self._command.running and not self._prefetched_in_vain:
            self._prefetched_in_vain = True
            self._begin()

    def check(self, _changes: Changes) -> Verdict:
        if self._prefetched_in_vain and self._clock() - self._began >= FRESH:
            self.end()  # begun for an earlier event: the configuration may have changed since
        self._prefetched_in_vain = False
        held = self._clock() - self._held_since
        self._begin(min(max(FRESH, held / SHARE), SELDOM))
        if outcome := self._command.poll():
            if outcome.code == 0:
                self._verdict, self._held_since = GO, self._clock()
            elif outcome.code is None:
                self._verdict = Hold(f"checking Apache's configuration took more than {LIMIT:g} s")
            else:
                self._verdict = Hold(f"Apache's configuration is broken: {' '.join(outcome.lines)}")
        return Wait(POLL) if self._command.running else self._verdict

    def reset(self) -> None:
        self._held_since = self._clock()

    def end(self) -> None:
        self._command.end()

    def _begin(self, fresh: float = FRESH) -> None:
        """Begin a check, unless one runs or the last answer is so fresh."""
        if self._command.running or self._clock() - self._began < fresh:
            return
        self._began, self._verdict = self._clock(), Hold(FAILED)  # until there is an answer
        try:
            self._command.start()
        except Exception as error:
            self._verdict = Hold(f"{FAILED}: {error}")


def check_command(
    command: str, environment: Mapping[str, str], clock: Callable[[], float]
) -> Command:
    """A run of the server's own program beside this server; `command` has `-t`."""
    # An httpd that finds it believes that it is the child of a running one.
    passed = {name: value for name, value in environment.items() if name != "AP_PARENT_PID"}
    return Command(command, passed, None, LIMIT, clock)
