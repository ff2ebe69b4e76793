"""When to look: a wait that anybody can end at once."""

from __future__ import annotations

import threading


class Wakeup:
    """Waits out a time, or less where somebody wakes it."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def wait(self, seconds: float) -> None:
        """Return after so many seconds, or as soon as `wake` is called (or was, meanwhile)."""
        self._event.wait(seconds)
        self._event.clear()

    def wake(self) -> None:
        """End the wait that is on, or the next one."""
        self._event.set()
