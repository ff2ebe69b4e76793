"""The user's on_event: called in order, and whatever it does, restarts go on."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from support.waiting import DEADLINE, wait_for

from wsgireload import threads
from wsgireload.log import Event
from wsgireload.monitor import hook
from wsgireload.monitor.hook import Hook
from wsgireload.threads import MOST


class World:
    """A hook, what its function got, and what it logged."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.logged: list[str] = []
        self.stopped = False
        self.free = threading.Event()
        self.free.set()

    def function(self, event: Event) -> None:
        self.free.wait(DEADLINE)
        self.got.append(event.kind)

    def hook(self, function: Callable[[Event], object] | None = None) -> Hook:
        return Hook(
            function or self.function,
            threads.RealThread,
            self.logged.append,
            lambda: self.stopped,
        )


@pytest.fixture
def world() -> World:
    """A function that keeps what it gets, and can be made to block."""
    return World()


def test_events_come_in_order(world: World) -> None:
    """Each is sent once, also while the function is busy; then no thread is left."""
    made = world.hook()
    kinds = [f"{number}" for number in range(MOST)]
    for kind in kinds:
        made.send(Event(kind))
    made.wait()
    assert world.got == kinds
    assert world.logged == []
    wait_for(lambda: "wsgireload" not in {each.name for each in threading.enumerate()})


def test_before_a_restart_the_event_was_sent(world: World) -> None:
    """The process may end next, so the function has returned by then."""
    world.hook().send(Event("restarting"))
    assert world.got == ["restarting"]


def test_a_restart_is_one_event(world: World) -> None:
    """It is sent when the restart becomes due, not again when it comes; after a hold it is."""
    made = world.hook()
    for kind in ("restarting", "restarting", "held", "restarting"):
        made.send(Event(kind))
    assert world.got == ["restarting", "held", "restarting"]


def test_a_function_that_blocks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart waits for a bounded time, and logs that; so many events wait for it."""
    monkeypatch.setattr(hook, "SLOW", 0.02)
    world.free.clear()
    made = world.hook()
    made.send(Event("restarting"))
    assert world.logged == ["on_event takes more than 0.02 s; restarts do not wait for it"]
    for _ in range(3 * MOST):
        made.send(Event("changed"))
    world.free.set()
    monkeypatch.undo()
    made.wait()
    assert world.got == ["restarting"] + MOST * ["changed"]


def test_a_monitor_that_is_stopped_does_not_wait(world: World) -> None:
    """However long the function takes."""
    world.stopped = True
    world.free.clear()
    world.hook().send(Event("restarting"))
    assert world.got == world.logged == []
    world.free.set()


class SilentError(Exception):
    """An exception without a text."""

    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "error", [ValueError("no"), SystemExit(3), KeyboardInterrupt(), SilentError()], ids=repr
)
def test_what_the_function_raises(world: World, error: BaseException) -> None:
    """It is logged with its place, and the next event comes all the same."""

    def function(event: Event) -> None:
        world.function(event)
        raise error

    made = world.hook(function)
    made.send(Event("changed"))
    made.send(Event("restarting"))
    made.wait()
    assert world.got == ["changed", "restarting"]
    assert "on_event raised " in world.logged[0]
    assert type(error).__name__ in world.logged[0]
    line = function.__code__.co_firstlineno + 2
    assert world.logged[0].endswith(f"; {__file__}, line {line}")


def test_where_no_thread_starts(world: World) -> None:
    """As at the end of an interpreter: the function is called at once."""

    def start(run: Callable[[], None]) -> object:
        raise RuntimeError("can't start new thread")

    Hook(world.function, start, world.logged.append, lambda: False).send(Event("changed"))
    assert world.got == ["changed"]
