"""A clock that a test moves, and a log whose lines it reads."""

from __future__ import annotations

from wsgireload.log import Log


class Clock:
    """A clock in seconds, which only the test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Lines(Log):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__("site")
        self.lines: list[str] = []

    def say(self, word: str, text: str, *, loud: bool = False) -> None:
        self.lines.append(f"{word}: {text}")
