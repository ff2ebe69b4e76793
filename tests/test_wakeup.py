"""Wakeup: a wait that anybody can end at once."""

from __future__ import annotations

import threading
import time

from wsgireload.wakeup import Wakeup

FOREVER = 50.0  # seconds, near the limit of a test: a wait that is not ended fails


def test_a_wait_ends_by_itself() -> None:
    """Without a wake the time is waited out, and no more."""
    began = time.monotonic()
    Wakeup().wait(0.01)
    assert 0.005 < time.monotonic() - began < FOREVER / 2


def test_an_earlier_wake_ends_the_next_wait() -> None:
    """Nobody is woken too early: a wake before the wait counts."""
    began, wakeup = time.monotonic(), Wakeup()
    wakeup.wake()
    wakeup.wait(FOREVER)
    assert time.monotonic() - began < FOREVER / 2


def test_another_thread_ends_the_wait() -> None:
    """A wait that is on is ended by another thread."""
    wakeup = Wakeup()
    waiting = threading.Thread(target=wakeup.wait, args=(FOREVER,))
    waiting.start()
    wakeup.wake()
    waiting.join(FOREVER / 2)
    assert not waiting.is_alive()


def test_many_wakes_end_one_wait() -> None:
    """A wake ends one wait and is used up, however often it was called."""
    wakeup = Wakeup()
    for _ in range(3):
        wakeup.wake()
    wakeup.wait(FOREVER)
    began = time.monotonic()
    wakeup.wait(0.01)
    assert time.monotonic() - began > 0.005
