"""Visitors: one request after another, each counted."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

from support.server import Server, ServerError

PAUSE = 0.05
"""Seconds between two requests."""


class Traffic:
    """Keeps requests running in a thread of its own, as long as the `with` block lasts."""

    def __init__(self, server: Server) -> None:
        self.sent = 0
        self.lost: list[str] = []
        """Why, for each request that got no proper answer."""
        self.first: dict[str, float] = {}
        """When each text was first answered (seconds since 1970)."""
        self._server = server
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traffic")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(PAUSE):
            try:
                text = self._server.get()
            except (ServerError, OSError) as error:
                self.lost.append(str(error))
            else:
                self.first.setdefault(text, time.time())
            self.sent += 1
