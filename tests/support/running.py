"""A stand-in for the requests that a process answers."""

from __future__ import annotations

from wsgireload.server.running import Request


class Running:
    """Requests that a test begins and ends, on its own clock."""

    def __init__(self, *began: float) -> None:
        self.requests = [request(each) for each in began]
        self.latest = max(began, default=float("-inf"))
        self.others = 0
        self.asked = False

    def begin(self, now: float) -> None:
        """Begin one."""
        self.requests.append(request(now))
        self.latest = now

    def running(self) -> list[Request]:
        """Return them."""
        return list(self.requests)

    def elsewhere(self) -> int:
        """Return how many run in other interpreters."""
        return self.others


def request(began: float, path: str = "/slow") -> Request:
    """Return a request that began then."""
    return Request(f"id{began}", "GET", path, began, 4242)
