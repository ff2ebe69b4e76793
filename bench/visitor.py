"""A client that repeats a request, one at a time, until the new code answers."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from typing import NamedTuple, Self

PAUSE = 0.002
"""Seconds between two requests: little against the 10 ms that matter, and no load."""
PATIENCE = 60.0
"""Seconds after which a save will not be answered any more."""
REQUEST = b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n"


class Answer(NamedTuple):
    """The first answer with a text: when it came, in seconds since 1970.

    stamps: the WSGI script's own times. failed: how many requests failed before it.
    """

    at: float
    stamps: tuple[float, ...]
    failed: int


def get(port: int) -> str:
    """The body of an answer on a connection of its own; OSError or ValueError if that fails."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.sendall(REQUEST)
        with connection.makefile("rb") as file:
            head, _, body = file.read().decode().partition("\r\n\r\n")
    if head.split()[1:2] != ["200"]:
        raise ValueError(f"not answered with 200: {head[:200]!r}")
    return body


def first_answer(port: int, text: str) -> Answer:
    """Ask until an answer begins with this word. A request that is queued is waited for."""
    failed, end = 0, time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            word, *stamps = get(port).split()
        except (OSError, ValueError):
            failed += 1
        else:
            if word == text:
                return Answer(time.time(), tuple(map(float, stamps)), failed)
        time.sleep(PAUSE)
    raise TimeoutError(f"no answer {text!r} within {PATIENCE:g} s")


class Ending:
    """Notes when a process ends, in a thread of its own: the kernel reports it at once."""

    def __init__(self, pid: int) -> None:
        self.at: float | None = None
        """Seconds since 1970; None while the process runs."""
        self._process = os.pidfd_open(pid)
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.join(PATIENCE)
        os.close(self._process)

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(self._process, select.POLLIN)
        if poll.poll(PATIENCE * 1000):
            self.at = time.time()
