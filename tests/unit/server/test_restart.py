"""Restart: what is requested of the server, and whether it acts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from wsgireload.errors import NativeError
from wsgireload.server import native
from wsgireload.server.restart import REJECTED, SELDOM, SERVING, TAKEN_UP, Restart

DAEMON, SERVICE = ("SIGINT", "SIGTERM"), ("SIGTERM", "SIGINT")


class Server:
    """Stands in for the native module: counts the requests, on a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.is_first: bool | Exception = True
        self.signalled: Callable[[], None] = lambda: None  # what a request sets off at once
        self.requests = self.rearmed = 0
        self.lingering: list[int] = []
        self.taken: set[str] = set()
        self.sent: list[str] = []
        self.is_replacing = False

    def restart(self) -> bool:
        return self.send("SIGINT")

    def terminate(self) -> bool:
        return self.send("SIGTERM")

    def send(self, signal: str) -> bool:
        self.requests += 1
        self.sent.append(signal)
        self.signalled()
        if isinstance(self.is_first, Exception):
            raise self.is_first
        return self.is_first

    def rearm(self) -> None:
        self.rearmed += 1

    def clock(self) -> float:
        return self.now


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server that records the requests."""
    server = Server()
    monkeypatch.setattr(native, "restart", server.restart)
    monkeypatch.setattr(native, "terminate", server.terminate)
    monkeypatch.setattr(native, "taken", lambda: server.taken)
    monkeypatch.setattr(native, "rearm", server.rearm)
    monkeypatch.setattr(native, "linger", server.lingering.append)
    monkeypatch.setattr(native, "is_replaced", lambda: server.is_replacing)
    return server


@pytest.mark.parametrize("first", [True, False])
def test_a_request_goes_to_the_native_module(server: Server, first: bool) -> None:
    """It returns whether this interpreter was the first to request a restart."""
    server.is_first = first
    restart = Restart(0.0, server.clock)
    assert not restart.requested
    assert restart.request() is first
    assert restart.requested
    assert server.requests == 1


def test_a_failed_call_is_named(server: Server) -> None:
    """Where the call fails the error names it, and nothing was requested."""
    server.is_first = NativeError("kill", 1, "Operation not permitted")
    restart = Restart(0.0, server.clock)
    with pytest.raises(NativeError, match="kill failed: Operation not permitted"):
        restart.request()
    assert not restart.requested


def test_it_is_requested_before_the_signal(server: Server) -> None:
    """mod_wsgi calls its shutdown callbacks before the request returns: they have to know."""
    restart = Restart(0.0, server.clock)
    known: list[bool] = []
    server.signalled = lambda: known.append(restart.requested)
    restart.request()
    assert known == [True]


def test_the_server_has_time_to_act(server: Server) -> None:
    """30 s after the request, twice as long after each repetition, an hour at most."""
    restart = Restart(0.0, server.clock)
    expected = TAKEN_UP
    for _ in range(12):
        restart.request()
        assert restart.left() == expected
        server.now += expected - 1
        assert restart.left() == 1
        server.now += 2
        assert restart.left() == 0.0
        assert restart.give_up() == expected
        assert not restart.requested
        expected = min(2 * expected, SELDOM)
    assert expected == SELDOM
    assert server.rearmed == server.requests == 12


@pytest.mark.parametrize("first", [True, False])
def test_a_child_that_drains_is_being_replaced(server: Server, first: bool) -> None:
    """On Windows a child may serve its requests for minutes: its restart is on its way."""
    server.is_first = first
    restart = Restart(0.0, server.clock)
    restart.request()
    server.is_replacing = True
    server.now += 10 * TAKEN_UP
    assert restart.left() == TAKEN_UP
    server.is_replacing = False
    assert restart.left() == 0.0


@pytest.mark.parametrize(
    ("signals", "taken", "sent"),
    [
        (DAEMON, set(), ["SIGINT", "SIGTERM", "SIGINT"]),
        (DAEMON, {"SIGINT"}, ["SIGTERM", "SIGINT", "SIGTERM"]),
        (DAEMON, {"SIGTERM"}, ["SIGINT", "SIGTERM", "SIGINT"]),
        (DAEMON, {"SIGINT", "SIGTERM"}, ["SIGINT", "SIGTERM", "SIGINT"]),
        (SERVICE, {"SIGTERM"}, ["SIGTERM", "SIGINT", "SIGTERM"]),
        (SERVICE, {"SIGINT", "SIGTERM"}, ["SIGTERM", "SIGINT", "SIGTERM"]),
        ((), {"SIGINT"}, ["SIGINT", "SIGINT", "SIGINT"]),
    ],
)
def test_the_signal(
    server: Server, signals: tuple[str, ...], taken: set[str], sent: list[str]
) -> None:
    """First the one that mod_wsgi handles, and after each attempt in vain the other one."""
    server.taken = taken
    restart = Restart(0.0, server.clock, signals)
    named = []
    for _ in sent:
        restart.request()
        named.append(restart.signal)
        restart.give_up()
    assert server.sent == sent
    assert named == (sent if signals else ["", "", ""])


def test_whether_a_rejection_is_followed(server: Server) -> None:
    """No request is rejected where the signal that mod_wsgi sends then goes elsewhere, or in vain.

    mod_wsgi's threads take no request after a rejection, whatever comes of the signal.
    """
    restart = Restart(0.0, server.clock, DAEMON)
    assert restart.follows_rejection
    server.taken = {"SIGTERM"}
    assert restart.follows_rejection
    server.taken = {"SIGINT"}
    assert not restart.follows_rejection
    server.taken = set()
    restart.request()
    assert restart.follows_rejection
    restart.give_up()
    restart.request()
    assert not restart.follows_rejection


def test_a_process_that_is_closed(server: Server) -> None:
    """Some seconds after a rejection the process should have ended: SIGINT was in vain."""
    restart = Restart(0.0, server.clock, DAEMON)
    assert not restart.is_closed
    restart.rejects()
    server.now += REJECTED - 1
    restart.rejects()
    assert not restart.is_closed
    server.now += 2
    assert restart.is_closed
    restart.request()
    restart.give_up()
    restart.request()
    assert server.sent == ["SIGTERM", "SIGINT"]


def test_a_reset_gives_the_full_time_again(server: Server) -> None:
    """Once there was nothing to restart for, the next request is a new one."""
    restart = Restart(0.0, server.clock)
    restart.request()
    restart.give_up()
    restart.reset()
    restart.request()
    assert restart.left() == TAKEN_UP


def test_only_the_first_interpreter_repeats_its_request(server: Server) -> None:
    """Of all interpreters of a process only the first repeats its request."""
    server.is_first = False
    restart = Restart(0.0, server.clock)
    restart.request()
    assert restart.give_up() == TAKEN_UP
    assert server.rearmed == 0
    assert not restart.requested
    server.is_first = True
    restart.request()
    restart.give_up()
    assert server.rearmed == 1


@pytest.mark.parametrize("first", [True, False])
def test_a_child_that_lingers_is_ended(server: Server, first: bool) -> None:
    """Only the interpreter that was first has a child ended that serves on and on."""
    server.is_first = first
    assert Restart(29.5, server.clock).request() is first
    assert Restart(0, server.clock).request() is first
    assert server.lingering == ([SERVING + 30] if first else [])


def test_a_child_that_served_and_lingers_is_ended(server: Server) -> None:
    """A process that has finished serving has less time, whatever had it replaced."""
    Restart(29.5, server.clock).leaving()
    Restart(0, server.clock).leaving()
    assert server.lingering == [30]


def test_lingering_is_no_reason_to_fail(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart stays requested where the old child cannot be ended."""

    def fails(_: int) -> None:
        raise NativeError("CreateThread", 8, "Not enough memory")

    monkeypatch.setattr(native, "linger", fails)
    assert Restart(90, server.clock).request() is True
    Restart(90, server.clock).leaving()
