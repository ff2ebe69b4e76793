"""The parts that are made late: once, by whoever needs them first."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from wsgireload.monitor.late import Late


def test_they_are_made_once() -> None:
    """Of several threads that need them at the same time, one makes them."""
    made, together = list[object](), threading.Barrier(4)

    def make() -> Any:
        made.append(object())
        return made[-1]

    late = Late(make, print, never=False)

    def get(_: int) -> object:
        together.wait()
        return late.get()

    assert late.parts is None
    with ThreadPoolExecutor(4) as pool:
        got = set(pool.map(get, range(4)))
    assert got == {late.parts}
    assert late.parts is not None
    assert made == [late.parts]


def test_what_cannot_be_made_is_reported_once() -> None:
    """It may be an application's thread that needs them: nothing is raised there."""
    failures = list[str]()
    late = Late(lambda: 1 / 0, failures.append, never=False)  # type: ignore[arg-type,return-value]
    assert late.get() is None
    assert late.get() is None
    assert failures == ["starting failed: ZeroDivisionError: division by zero"]


def test_a_monitor_that_has_ended_makes_none() -> None:
    """Nor does one that was never active."""
    made = list[object]()
    late = Late(lambda: made.append(1), print, never=False)
    late.end()
    assert late.get() is None
    late = Late(lambda: made.append(1), print, never=True)
    assert late.get() is None
    assert made == []


def test_a_forked_child_waits_for_no_lock() -> None:
    """Another thread of its parent may have been making them."""
    late = Late(lambda _: None, print, never=False)  # type: ignore[arg-type]
    late._lock.acquire()
    late.end()
    assert late.get() is None
