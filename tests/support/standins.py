"""A clock that a test moves, and a log whose lines it reads."""

from __future__ import annotations

from wsgireload.log import Event, Log


class Clock:
    """A clock in seconds, which only the test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Lines(Log):
    """Keeps what is logged, and the events that are sent."""

    def __init__(self) -> None:
        super().__init__("site")
        self.lines: list[str] = []
        self.events: list[Event] = []

    def say(self, word: str, text: str, *, loud: bool = False, event: Event | None = None) -> None:
        self.lines.append(f"{word}: {text}")
        if event is not None:
            self.events.append(event)
