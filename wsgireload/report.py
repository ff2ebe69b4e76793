"""What a monitor tells of itself. Imported only when somebody asks: dataclasses are large."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any


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


def status(facts: dict[str, Any], paths: Callable[[], list[str]]) -> Status:
    """What was told as plain data (see facts.py), as a Status."""
    held, history = facts.get("held"), facts.get("history", ())
    told = facts | {
        "changed": tuple(facts.get("changed", ())),
        "held": Held(**held) if held else None,
        "history": tuple(Restarted(**each) for each in history),
    }
    return Status(**told, _paths=paths)
