"""What a monitor tells of itself. Imported only when somebody asks: dataclasses are large."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields

from wsgireload import budget
from wsgireload.guard import Hold
from wsgireload.journal import RECENT, Entry


@dataclass(frozen=True)
class Held:
    """The place that holds a restart: `line` and `column` count from 1, `text` is that line."""

    path: str
    line: int | None
    column: int | None
    text: str | None
    error: str | None


@dataclass(frozen=True)
class Restarted:
    """One restart: when it was asked for (seconds since 1970), and why.

    `took` is how many seconds later the new code was up; None where nobody knows, as of a restart
    whose new process no request has come to yet.
    """

    at: float
    reason: str
    took: float | None


@dataclass(frozen=True)
class Status:
    """What a monitor knows of itself at one moment.

    `files` is how many are watched, `looks` how often they were looked at, `changed` what differs
    from what was loaded, `holding` why a wanted restart waits, `held` where, if that is a place in
    a file; `restarting` that one was asked for, or comes with the next request.

    `parent` is the pid of what replaces this process, `since` when it began to watch (seconds since
    1970), `generation` how many restarts that was after (None: no journal tells), `reloaded` why
    the last of them was (None for a first start, and where another interpreter of this process
    answers for that), `history` the last twenty, newest first.
    """

    active: bool
    reason: str | None
    server: str
    pid: int
    application: str
    files: int = 0
    looks: int = 0
    changed: tuple[str, ...] = ()
    holding: str | None = None
    held: Held | None = None
    restarting: bool = False
    parent: int = 0
    since: float | None = None
    generation: int | None = None
    reloaded: str | None = None
    history: tuple[Restarted, ...] = ()
    _paths: Callable[[], list[str]] = field(default=list, repr=False, compare=False)

    def paths(self) -> list[str]:
        """All files that are watched now: as many as `files` counts, and so no field of its own."""
        return sorted(self._paths())

    def asdict(self) -> dict[str, object]:
        """The same as plain data, without the paths."""
        told = {each.name: getattr(self, each.name) for each in fields(self) if each.repr}
        return {
            **told,
            "changed": list(self.changed),
            "held": asdict(self.held) if self.held else None,
            "history": [asdict(each) for each in self.history],
        }


def place(hold: Hold | None) -> Held | None:
    """Where the file is that holds, if it is one."""
    if hold is None or hold.path is None:
        return None
    return Held(hold.path, hold.line, hold.column, hold.text, hold.error)


def history(
    entries: Sequence[Entry], processes: int, since_boot: float, now: float
) -> tuple[Restarted, ...]:
    """The last restarts, newest first, one for all the processes of a group.

    `since_boot` is the time now on the clock of `Entry.at`, `now` the same in seconds since 1970.
    """
    ours = [(entry.at, entry.what) for entry in entries]
    times = set(budget.distinct(ours, processes))
    told = [
        Restarted(
            now - since_boot + entry.at,
            entry.reason,
            None if entry.up is None else entry.up - entry.at,
        )
        for entry in entries
        if entry.at in times
    ]
    return tuple(reversed(told[-RECENT:]))
