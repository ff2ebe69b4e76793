"""Many visitors at once: what each was answered, when, and that nobody was taken back in time."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from types import TracebackType
from typing import Self

from support.server import ServerError
from support.testsite import Site


@dataclass(frozen=True, slots=True)
class Visit:
    """One request, with its beginning and its end on the monotonic clock of this process."""

    began: float
    ended: float
    version: int
    """What the application answered."""
    pid: int
    """Of the process that answered."""


class Crowd:
    """Keeps `clients` requests for `name` running at a time, as long as the `with` block lasts.

    What is asked for has to be a number that grows from one version of the code to the next.
    """

    def __init__(
        self, site: Site, clients: int, *, name: str = "words.WORD", pause: float = 0.0
    ) -> None:
        self.visits: list[Visit] = []
        """Those that were answered, in the order in which they ended."""
        self.first: dict[int, float] = {}
        """When each version was first seen."""
        self.lost: list[str] = []
        """Why, for each request that got no proper answer."""
        self._site = site
        self._name = name
        self._pause = pause
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]

    @property
    def sent(self) -> int:
        """How many requests there were so far."""
        return len(self.visits) + len(self.lost)

    def wait_for(self, version: int, *, processes: int = 1) -> None:
        """Return once so many processes have answered with that version."""
        answered: set[int] = set()
        looked_at = 0

        def enough() -> bool:
            nonlocal looked_at
            fresh = self.visits[looked_at:]
            looked_at += len(fresh)
            answered.update(visit.pid for visit in fresh if visit.version == version)
            return len(answered) >= processes

        self._site.wait_for(enough, f"answers of {processes} processes by version {version}")

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._pause):
            began = time.monotonic()
            try:
                answer = self._site.ask(self._name)
            except (ServerError, OSError, http.client.HTTPException) as error:
                self.lost.append(f"{type(error).__name__}: {error}")
            else:
                visit = Visit(began, time.monotonic(), answer.value, answer.pid)
                self.visits.append(visit)
                self.first.setdefault(visit.version, visit.ended)


def taken_back(visits: Iterable[Visit]) -> list[Visit]:
    """Those that began after somebody had seen a later version than the one that answered them."""
    first: dict[int, float] = {}
    visits = list(visits)
    for visit in visits:
        first[visit.version] = min(visit.ended, first.get(visit.version, inf))
    overtaken, later = {}, inf
    for version in sorted(first, reverse=True):
        overtaken[version], later = later, min(later, first[version])
    return [visit for visit in visits if visit.began > overtaken[visit.version]]
