"""The requests of this process, by mod_wsgi's events."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest
from support.running import request

from wsgireload.server import running
from wsgireload.server.running import LONGEST, Requests


class Inside(ModuleType):
    """mod_wsgi's module, as far as it concerns requests."""

    def __init__(self) -> None:
        super().__init__("mod_wsgi")
        self.active_requests: dict[str, dict[str, object]] = {}
        self.subscribed: list[Callable[..., None]] = []
        self.metrics: dict[str, int] | None = None

    def subscribe_events(self, callback: Callable[..., None]) -> None:
        self.subscribed.append(callback)

    def process_metrics(self) -> dict[str, int] | None:
        return self.metrics

    def start(self, name: str, **environ: str) -> None:
        self.active_requests[name] = {}
        for each in self.subscribed:
            each("request_started", request_id=name, request_environ=environ)

    def finish(self) -> None:
        for each in self.subscribed:
            each("request_finished", request_id="", application_time=0.1)


@pytest.fixture
def inside() -> Inside:
    """A new interpreter."""
    return Inside()


def test_a_request(inside: Inside) -> None:
    """From its beginning to its end a request is known, with its method, path and thread."""
    requests = running.requests(inside)
    assert requests.running() == []
    inside.start("a", REQUEST_METHOD="POST", SCRIPT_NAME="/app", PATH_INFO="/x", QUERY_STRING="pw")
    [only] = requests.running()
    assert (only.method, only.path, only.thread) == ("POST", "/app/x", threading.get_native_id())
    assert requests.latest == only.began
    assert not requests.has_answered
    inside.finish()
    assert requests.running() == []
    assert requests.has_answered


def test_one_for_each_thread(inside: Inside) -> None:
    """Requests of several threads are known beside each other, the oldest first."""
    requests = running.requests(inside)
    inside.start("a", PATH_INFO="/a")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(inside.start, "b", PATH_INFO="/b").result()
    assert [each.path for each in requests.running()] == ["/a", "/b"]


def test_requests_are_counted(inside: Inside) -> None:
    """Each request counts once, in whichever thread it begins, and whether it has ended or not."""
    requests = running.requests(inside)
    assert requests.count == 0
    inside.start("a")
    inside.start("b")
    inside.finish()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(inside.start, "c").result()
    assert requests.count == 3


def test_preloaded(inside: Inside) -> None:
    """A thread that loads the application for a request answers it next; preloading answers none.

    None where mod_wsgi reports no requests.
    """
    requests = running.requests(inside)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(inside.start, "a").result()
    assert requests.preloaded is True
    inside.start("b")
    assert requests.preloaded is False
    assert Requests(None, float).preloaded is None


def test_the_events_are_subscribed_to_once(inside: Inside) -> None:
    """Another monitor of the interpreter uses what the first one has."""
    assert running.requests(inside) is running.requests(inside)
    assert len(inside.subscribed) == 1


def test_a_request_without_an_end(inside: Inside) -> None:
    """Where mod_wsgi itself fails there is no event: a request that it does not list has ended."""
    requests = running.requests(inside)
    inside.start("a", PATH_INFO="/a")
    inside.active_requests.clear()
    assert requests.running() == []


def test_without_a_request_id(inside: Inside) -> None:
    """A request without an id is known by its thread alone."""
    requests = running.requests(inside)
    for each in inside.subscribed:
        each("request_started", request_environ={"PATH_INFO": "/a"})
    assert len(requests.running()) == 1


@pytest.mark.parametrize("old", [None, ModuleType("mod_wsgi")])
def test_nothing_is_known(old: ModuleType | None) -> None:
    """An old mod_wsgi, or none, reports nothing, and that is no error."""
    requests = running.requests(old)
    nothing = (requests.running(), requests.elsewhere(), requests.awaited(), requests.count)
    assert nothing == ([], 0, (), None)


def test_a_subscription_that_fails() -> None:
    """A mod_wsgi that refuses the subscription does not stop the site."""

    def refuse(_callback: object) -> None:
        raise RuntimeError

    module = ModuleType("mod_wsgi")
    module.subscribe_events = refuse  # type: ignore[attr-defined]
    assert running.requests(module).running() == []
    assert running.requests(module).count is None


@pytest.mark.parametrize(
    ("metrics", "elsewhere"),
    [(None, 0), ({}, 0), ({"active_requests": 1}, 0), ({"active_requests": 3}, 2)],
)
def test_elsewhere(inside: Inside, metrics: Any, elsewhere: int) -> None:
    """The process's count exceeds this interpreter's by the requests of others."""
    inside.active_requests["a"] = {}
    inside.metrics = metrics
    assert running.requests(inside).elsewhere() == elsewhere


def test_elsewhere_in_mod_wsgi_6(inside: Inside) -> None:
    """mod_wsgi 6 returns its count only once it was asked to record, and is asked for that once."""
    times: list[int] = []

    def record() -> None:
        times.append(1)
        inside.metrics = {"active_requests": 2}

    inside.start_recording_metrics = record  # type: ignore[attr-defined]
    assert running.requests(inside).elsewhere() == 2
    assert running.requests(inside).elsewhere() == 2
    assert len(times) == 1


def test_awaited(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """A status has requests by name, since when they run, and only those that ran for so long."""
    now = 1000.0
    requests = Requests(inside, lambda: now)
    requests.notice("request_started", request_environ={"REQUEST_METHOD": "GET", "PATH_INFO": "/"})
    monkeypatch.setattr(running.time, "time", lambda: 5000.0)
    now += 3
    assert requests.awaited(3.1) == ()
    [only] = requests.awaited(3.0)
    assert only.what == f"request GET / in thread {threading.get_native_id()}"
    assert only.since == 4997.0
    assert only.described(5001.0) == f"{only.what}, which has run for 4 s"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/a\nwsgireload: reloaded", r"/a\nwsgireload: reloaded"),
        ("/\x1b[2J", r"/\x1b[2J"),
        ("/caf\xc3\xa9", "/café"),
        ("/\xff", r"/\xff"),
        ("/\u2028", "/?"),
    ],
)
def test_a_client_chooses_the_path(path: str, shown: str) -> None:
    """A path cannot forge a line, or be longer than a line bears."""
    [only] = running.awaited([request(0.0, path)], 0.0)
    assert only.what == f"request GET {shown} in thread 4242"
    [only] = running.awaited([request(0.0, path + "x" * 10_000)], 0.0)
    assert len(only.what) < 2 * LONGEST
