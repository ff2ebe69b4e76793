"""The entries in Redis, or in a server with its protocol."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import Any

from wsgireload.coordinator import Coordinator
from wsgireload.turn.connection import TIMEOUT, context, user_and_password
from wsgireload.turn.rules import Entries, dump, parse


class Redis:
    """One connection, until `close` is called.

    `read` watches both keys, so that `write` changes both or none.
    """

    def __init__(self, coordinator: Coordinator) -> None:
        """Connect; OSError if that fails."""
        [(host, port)] = coordinator.hosts
        self._life = coordinator.life
        self._keys = [f"{coordinator.name}/{each}" for each in Entries._fields]
        with ExitStack() as stack:
            self._socket = stack.enter_context(socket.create_connection((host, port), TIMEOUT))
            if tls := context(coordinator):
                self._socket = tls.wrap_socket(self._socket, server_hostname=host)
                stack.enter_context(self._socket)
            self._file = stack.enter_context(self._socket.makefile("rb"))
            if secret := user_and_password(coordinator):
                self._call(["AUTH", *filter(None, secret)])
            self.close = stack.pop_all().close

    def read(self) -> tuple[Entries, float]:
        """Return the entries, and the time of Redis."""
        gets = [["GET", key] for key in self._keys]
        _, turn, tried, (seconds, micros) = self._call(["WATCH", *self._keys], *gets, ["TIME"])
        return Entries(parse(turn), parse(tried)), int(seconds) + int(micros) / 1e6

    def write(self, before: Entries, after: Entries) -> bool:
        """Write what differs, unless an entry has changed since it was read."""
        life = "PX", str(int(self._life * 1000))
        changes = [
            ["SET", key, dump(new), *(life if key == self._keys[0] else ())]
            if new
            else ["DEL", key]
            for key, old, new in zip(self._keys, before, after, strict=True)
            if old != new
        ]
        *_, done = self._call(["MULTI"], *changes, ["EXEC"])
        return done is not None

    def _call(self, *commands: list[str]) -> list[Any]:
        """Send commands at once, and return their replies; OSError for an error."""
        sent = [_bulk(command) for command in commands]
        self._socket.sendall(b"".join(sent))
        replies = [self._reply() for _ in commands]
        for reply in replies:
            if isinstance(reply, OSError):
                raise reply
        return replies

    def _reply(self) -> Any:
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise OSError("the connection was closed")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            return OSError(rest.decode("utf-8", "replace"))
        if kind == b"$":
            return None if rest == b"-1" else self._file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return None if rest == b"-1" else [self._reply() for _ in range(int(rest))]
        if kind not in (b"+", b":"):
            raise OSError("this is no Redis")
        return rest


def _bulk(words: list[str]) -> bytes:
    parts = [b"$%d\r\n%s\r\n" % (len(word), word) for word in (each.encode() for each in words)]
    return b"*%d\r\n%s" % (len(words), b"".join(parts))
