"""Clients that send requests all the time, and what each request was answered."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass
from typing import Any, Self

from support.apacheserver import Server, ServerError
from support.testsite import Site

PAUSE = 0.05
"""Seconds between two requests of a client."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request that was answered; times in seconds since 1970, as in the error log."""

    began: float
    ended: float
    value: Any
    """What the application answered."""
    pid: int
    """Of the process that answered; 0 if unknown."""


class Traffic:
    """Keeps one request of each of `clients` running, as long as the `with` block lasts.

    The value of an answer is its text, or that of `name` in the application under test.
    """

    def __init__(
        self, server: Server, clients: int = 1, *, name: str = "", pause: float = PAUSE
    ) -> None:
        self.visits: list[Visit] = []
        """The answered requests, in the order in which they ended."""
        self.first: dict[Any, float] = {}
        """When each value was first answered (seconds since 1970)."""
        self.lost: list[str] = []
        """The error of each request that got no proper answer."""
        self._server = server
        self._name = name
        self._pause = pause
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]

    @property
    def sent(self) -> int:
        """The number of requests that have ended."""
        return len(self.visits) + len(self.lost)

    def wait_for(self, value: object, *, processes: int = 1) -> None:
        """Return once `processes` different processes have answered `value`."""
        answered: set[int] = set()
        seen = 0

        def enough() -> bool:
            nonlocal seen
            new = self.visits[seen:]
            seen += len(new)
            answered.update(visit.pid for visit in new if visit.value == value)
            return len(answered) >= processes

        self._server.wait_for(enough, f"{value!r} from {processes} processes")

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._pause):
            began = time.time()
            try:
                value, pid = self._ask()
            except (ServerError, OSError, http.client.HTTPException) as error:
                self.lost.append(f"{type(error).__name__}: {error}")
            else:
                self.visits.append(Visit(began, time.time(), value, pid))
                self.first.setdefault(value, self.visits[-1].ended)

    def _ask(self) -> tuple[Any, int]:
        if not self._name:
            return self._server.get(), 0
        assert isinstance(self._server, Site)
        answer = self._server.ask(self._name)
        return answer.value, answer.pid
