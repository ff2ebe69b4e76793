"""What a monitor tells of itself. Imported only when somebody asks: dataclasses are large."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Status:
    """What a monitor knows of itself at one moment.

    `files` is how many are watched, `looks` how often they were looked at, `changed` what differs
    from what was loaded, `holding` why a wanted restart waits.
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

    def asdict(self) -> dict[str, object]:
        """The same as plain data."""
        return {**asdict(self), "changed": list(self.changed)}
