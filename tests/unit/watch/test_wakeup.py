"""Wakeup: a wait that anybody can end at once, also the operating system."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from wsgireload.errors import NativeError
from wsgireload.watch.wakeup import IDLE, EventWakeup, Wakeup

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


class Heard:
    """Stands in for the events: what is told when, on a clock that waiting moves."""

    def __init__(self, *script: tuple[float, set[str] | Exception | None]) -> None:
        self.now = 0.0
        self.script = list(script)
        self.stirs: list[float] = []
        self.waits = self.woken = self.ended = 0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def wait(self, seconds: float) -> set[str] | None:
        assert seconds >= 0
        self.waits += 1
        end = self.now + seconds
        if not self.script or self.script[0][0] > end:
            self.now = end
            return set()
        self.now = max(self.now, self.script[0][0])
        told: set[str] = set()
        while self.script and self.script[0][0] <= self.now:  # what was told meanwhile, together
            more = self.script.pop(0)[1]
            if isinstance(more, Exception):
                raise more
            if not more:
                return more
            told |= more
        return told

    def wake(self) -> None:
        self.woken += 1

    def end(self) -> None:
        self.ended += 1


Hear = Callable[..., tuple[Heard, EventWakeup]]


@pytest.fixture
def hear(monkeypatch: pytest.MonkeyPatch) -> Hear:
    """Events as a script has them, and who waits for them: 0.05 s of quiet, 5 s at most."""

    def hear(
        *script: tuple[float, set[str] | Exception | None], quiet: float = 0.05
    ) -> tuple[Heard, EventWakeup]:
        heard = Heard(*script)
        monkeypatch.setattr("wsgireload.watch.wakeup.time.sleep", heard.sleep)
        stirs = lambda: heard.stirs.append(heard.now)  # noqa: E731
        concerns = lambda path: path.startswith("/site/")  # noqa: E731
        return heard, EventWakeup(heard, quiet, 5.0, concerns, stirs, heard.clock)  # type: ignore[arg-type]

    return hear


def test_nothing_happens(hear: Hear) -> None:
    """Where nothing is told the time is waited out, and nothing has to be looked at."""
    heard, wakeup = hear()
    stir = wakeup.wait(1.0)
    assert (stir.paths, stir.last, heard.now, heard.stirs) == (set(), None, 1.0, [])


def test_a_change_is_gathered_until_it_is_quiet(hear: Hear) -> None:
    """All that follows within the quiet time belongs to it, and what comes later does not."""
    heard, wakeup = hear(
        (0.3, {"/site/a"}), (0.34, {"/site/b"}), (0.38, {"/site/a", "/site/c"}), (0.5, {"/site/d"})
    )
    stir = wakeup.wait(1.0)
    assert stir.paths == {"/site/a", "/site/b", "/site/c"}
    assert stir.last == 0.38
    assert heard.now == pytest.approx(0.43)
    assert heard.stirs == [0.3]  # at the first, not when it is over
    assert wakeup.wait(1.0).paths == {"/site/d"}


def test_one_who_goes_on_writing_is_bounded(hear: Hear) -> None:
    """Quiet is not waited for longer than the bound."""
    heard, wakeup = hear(*((1.0 + 0.04 * n, {f"/site/{n}"}) for n in range(1000)))
    stir = wakeup.wait(2.0)
    assert 6.0 <= heard.now <= 6.1
    assert stir.last == heard.now
    assert len(stir.paths or ()) > 100


@pytest.mark.parametrize("at", [0, 1, 2])
def test_once_anywhere_is_anywhere(hear: Hear, at: int) -> None:
    """Where one of what is gathered may be anywhere, all may; it ends when it is quiet again."""
    told: list[set[str] | None] = [{"/site/a"}, {"/site/b"}, {"/site/c"}]
    told[at] = None
    heard, wakeup = hear(*zip((0.1, 0.12, 0.14), told, strict=True))
    stir = wakeup.wait(1.0)
    assert (stir.paths, stir.last) == (None, 0.14)
    assert heard.now == pytest.approx(0.19)
    assert heard.stirs == [0.1]


def test_what_is_of_no_concern(hear: Hear) -> None:
    """Nobody is woken by a log file, and it is heard a few times a second at most."""
    heard, wakeup = hear(*((0.001 * n, {"/var/log"}) for n in range(1000)))
    stir = wakeup.wait(0.5)
    assert (stir.paths, stir.last, heard.stirs) == (set(), None, [])
    assert 0.5 <= heard.now < 0.5 + 2 * IDLE
    assert heard.waits <= 0.5 / IDLE + 2


def test_what_is_of_no_concern_is_not_gathered(hear: Hear) -> None:
    """A log that is written all the time does not keep a change from being quiet."""
    log: list[tuple[float, set[str] | Exception | None]] = [
        (0.01 * n, {"/var/log"}) for n in range(1, 100)
    ]
    heard, wakeup = hear((0.005, {"/site/a", "/var/log"}), *log)
    stir = wakeup.wait(1.0)
    assert (stir.paths, stir.last) == ({"/site/a"}, 0.005)
    assert heard.now < 0.055 + 2 * IDLE


def test_without_quiet_nothing_is_gathered(hear: Hear) -> None:
    """Who does not want to wait gets the first that is told."""
    heard, wakeup = hear((0.3, {"/site/a"}), (0.301, {"/site/b"}), quiet=0.0)
    assert wakeup.wait(1.0).paths == {"/site/a"}
    assert heard.now == 0.3


@pytest.mark.parametrize("first", [set(), {"/site/a"}], ids=["waiting", "gathering"])
def test_a_wake_ends_any_wait(hear: Hear, first: set[str]) -> None:
    """An early end of the events' wait is a wake: it ends this one, whatever was told by then."""
    heard, wakeup = hear((0.1, first), (0.11, set()), (0.12, {"/site/b"}))
    stir = wakeup.wait(50.0)
    assert stir.paths == first
    assert heard.now <= 0.11
    wakeup.wake()
    assert heard.woken == 1


@pytest.mark.parametrize("broken", [NativeError("read", 9, "Bad file"), MemoryError("no room")])
def test_when_no_event_will_ever_come_again(hear: Hear, broken: Exception) -> None:
    """We look everywhere, now and after each further wait, which lasts, and can be woken."""
    heard, wakeup = hear((0.1, {"/site/a"}), (0.12, broken), (0.13, {"/site/b"}))
    wakeup.wake()
    assert wakeup.wait(1.0).paths is None
    assert wakeup.wait(FOREVER).paths is None  # the wake from before is not lost
    assert len(heard.script) == 1
    began = time.monotonic()
    assert wakeup.wait(0.01).paths is None
    assert time.monotonic() - began > 0.005
    wakeup.wake()
    assert wakeup.wait(FOREVER).paths is None
    assert time.monotonic() - began < FOREVER / 2
    wakeup.end()
    assert heard.ended == 1
