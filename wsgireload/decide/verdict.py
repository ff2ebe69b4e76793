"""May the process be replaced, and now? The protocol of every gate, and its verdicts."""

from typing import NamedTuple

from wsgireload.changes import Changes
from wsgireload.report import Awaited, Held

NEVER = float("inf")  # seconds


class Go(NamedTuple):
    """The restart may come now; `note` is added to its log line."""

    note: str = ""


class Wait(NamedTuple):
    """Check again after so many seconds; `announcement` is logged when the wait begins."""

    seconds: float
    announcement: str = ""


class Hold(NamedTuple):
    """The old code keeps serving: `reason` is one sentence, `place` the file at fault.

    `output` is what the check that rejects the new code has printed.
    """

    reason: str
    place: Held | None = None
    output: str | None = None


GO = Go()
Verdict = Go | Wait | Hold


class Gate:
    """One question that every restart has to pass. The gates are checked in one thread.

    `awaited`: what the gate waits for, for the status.
    """

    awaited: tuple[Awaited, ...] = ()

    def check(self, changes: Changes) -> Verdict:
        """Whether the process may be replaced because of these changes (never empty)."""
        raise NotImplementedError

    def prefetch(self) -> None:
        """Begin what may run meanwhile: something happened, and `check` will follow."""

    def reset(self) -> None:
        """There is nothing to decide: no change, or an earlier gate does not let it pass."""
        self.release()

    def release(self) -> None:
        """This process stays for now: others may be replaced, and requests are answered here."""

    def announce(self) -> bool:
        """Report to other processes that this one is up, and renew what this one has of them.

        Called at each step, also while a restart is awaited. False to be called again soon.
        """
        return True

    def end(self) -> None:
        """The monitor ends: stop what still runs."""

    def forget(self) -> None:
        """This is a forked child: close what it inherited, and touch nothing of its parent's."""
