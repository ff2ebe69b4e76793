"""The requests that this process answers, by mod_wsgi's events."""

import contextlib
import threading
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

from wsgireload.log import escaped
from wsgireload.report import Awaited
from wsgireload.threads import time

NAMED = 2.0  # seconds of waiting after which it is reported what for
LONGEST = 200  # characters of a path that are shown


class Request(NamedTuple):
    """A request of this interpreter. `began` is monotonic; `thread` is the system's number."""

    id: str
    method: str
    path: str  # without the query, which may hold secrets
    began: float
    thread: int


class Requests:
    """The requests that this interpreter answers now.

    mod_wsgi calls in the thread of each request. No lock: each thread has an entry of its own, and
    single operations on a dict are atomic.
    """

    def __init__(self, inside: ModuleType | None, clock: Callable[[], float]) -> None:
        self._inside = inside
        self._clock = clock
        self._by_thread: dict[int, Request] = {}
        self._counts: dict[int, int] = {}  # by thread
        self.latest = float("-inf")  # when the latest one began
        self.is_noticing = False  # whether mod_wsgi reports requests
        self.has_answered = False  # a request has ended
        self.asked = False  # mod_wsgi has called our `reload_required`
        self._loaded_in = threading.get_ident()  # the thread that starts the monitor

    def notice(self, event: str, /, **details: Any) -> None:
        """Note the beginning or the end of a request: a callback for `subscribe_events`."""
        if event == "request_started":
            environ = details.get("request_environ", {})
            path = str(environ.get("SCRIPT_NAME", "")) + str(environ.get("PATH_INFO", ""))
            self.latest, thread = self._clock(), threading.get_ident()
            self._counts[thread] = self._counts.get(thread, 0) + 1
            self._by_thread[thread] = Request(
                details.get("request_id", ""),
                str(environ.get("REQUEST_METHOD", "")),
                path,
                self.latest,
                threading.get_native_id(),
            )
        elif event == "request_finished":
            self._by_thread.pop(threading.get_ident(), None)
            self.has_answered = True

    @property
    def count(self) -> int | None:
        """The number of requests that have begun; None where mod_wsgi does not report them."""
        return sum(self._counts.copy().values()) if self.is_noticing else None

    @property
    def preloaded(self) -> bool | None:
        """Whether no request has had the application loaded; None if mod_wsgi reports none.

        Call it once the application is loaded. mod_wsgi loads a script in the thread of the request
        that needs it, and that request begins there next; a thread that preloads answers none.
        """
        return self._loaded_in not in self._counts if self.is_noticing else None

    def running(self) -> list[Request]:
        """Return the requests that run now, oldest first."""
        # The end of a request that failed in mod_wsgi itself is no event.
        ids = getattr(self._inside, "active_requests", None)
        every = sorted(self._by_thread.copy().values(), key=lambda each: each.began)
        if not isinstance(ids, dict):
            return every
        return [each for each in every if not each.id or each.id in ids]

    def awaited(self, seconds: float = 0.0) -> tuple[Awaited, ...]:
        """Return those that have run for so long, as a status reports them."""
        now = self._clock()
        return awaited([each for each in self.running() if now - each.began >= seconds], now)

    def elsewhere(self) -> int:
        """Return how many requests other interpreters of this process answer; 0: or unknown."""
        count = self._process_count()
        # mod_wsgi 6 counts all the time, but returns the count only once it was asked to record.
        record = getattr(self._inside, "start_recording_metrics", None)
        if count is None and callable(record):
            record()
            count = self._process_count()
        own = getattr(self._inside, "active_requests", None)
        return max(0, count - len(own)) if isinstance(count, int) and isinstance(own, dict) else 0

    def _process_count(self) -> object:
        metrics = getattr(self._inside, "process_metrics", None)
        values = metrics() if callable(metrics) else None
        return values.get("active_requests") if isinstance(values, dict) else None


@cache
def requests(inside: ModuleType | None) -> Requests:
    """Return the requests of this interpreter. They are noticed from the first call on."""
    found = Requests(inside, time.monotonic)
    subscribe = getattr(inside, "subscribe_events", None)  # mod_wsgi has it since 4.5
    if callable(subscribe):
        with contextlib.suppress(Exception):
            subscribe(found.notice)
            found.is_noticing = True
    return found


def awaited(requests: list[Request], now: float) -> tuple[Awaited, ...]:
    """Return requests as a status reports them; `now` is of the clock of `began`."""
    return tuple(
        Awaited(f"{_named(each)} in thread {each.thread}", time.time() - (now - each.began))
        for each in requests
    )


def _named(request: Request) -> str:
    # WSGI's text is bytes as Latin-1. A client chooses it.
    path = request.path.encode("latin-1", "replace").decode("utf-8", "backslashreplace")
    return escaped(f"request {request.method} {path}"[:LONGEST])
