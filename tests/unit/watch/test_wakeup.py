"""Wakeup: a wait that any thread can end at once, and the operating system too."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from wsgireload.decide.settle import Settle
from wsgireload.errors import NativeError
from wsgireload.watch.wakeup import IDLE, OPEN, EventWakeup, Wakeup, Writing

FOREVER = 50.0  # seconds, near the limit of a test: a wait that is not ended fails


def test_a_wait_ends_by_itself() -> None:
    """Without a wake the time is waited out, and no more."""
    began = time.monotonic()
    Wakeup().wait(0.01)
    assert 0.005 < time.monotonic() - began < FOREVER / 2


def test_an_earlier_wake_ends_the_next_wait() -> None:
    """No wake is lost: one before the wait counts."""
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


class Source:
    """Stands in for the events: what comes when, on a clock that waiting moves."""

    def __init__(self, *script: tuple[float, set[str] | Exception | None]) -> None:
        self.now = 0.0
        self.script = list(script)
        self.prefetched: list[float] = []
        self.prefetching = 0.0  # seconds that it takes
        self.saves: dict[float, set[str]] = {}  # by their time: events that complete these paths
        self.saved: set[str] = set()
        self.written: set[str] = set()
        self.waits = self.woken = self.ended = 0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def prefetch(self) -> None:
        self.prefetched.append(self.now)
        self.now += self.prefetching

    def wait(self, seconds: float) -> set[str] | None:
        assert seconds >= 0
        self.waits += 1
        end = self.now + seconds
        if not self.script or self.script[0][0] > end:
            self.now = end
            return set()
        self.now = max(self.now, self.script[0][0])
        found: set[str] = set()
        while self.script and self.script[0][0] <= self.now:  # all that came meanwhile, together
            more = self.script.pop(0)[1]
            if isinstance(more, Exception):
                raise more
            if not more:
                return more
            found |= more
        self.saved = self.saves.get(self.now, set())
        return found

    def wake(self) -> None:
        self.woken += 1

    def end(self) -> None:
        self.ended += 1


class Debounce(Settle):
    """The real one, which keeps when something was noticed."""

    def __init__(self, quiet: float, source: Source) -> None:
        super().__init__(quiet, source.clock, quiet / 5)
        self.source = source
        self.noticed: list[float] = []

    def notice(self, is_saved: bool = False) -> float:
        self.noticed.append(self.source.now)
        return super().notice(is_saved)


class World:
    """Events as a script has them, and a wakeup with a debounce.

    It waits for 0.05 s of quiet, 0.01 s after a complete save, 5 s at most.
    """

    def __init__(self, *script: tuple[float, set[str] | Exception | None], quiet: float) -> None:
        self.source = Source(*script)
        self.debounce = Debounce(quiet, self.source)
        is_watched = lambda path: path.startswith("/site/")  # noqa: E731
        self.writing, source = Writing(self.source.clock), self.source
        self.wakeup = EventWakeup(
            source, self.debounce.notice, is_watched, source.prefetch, self.writing, source.clock
        )

    @property
    def now(self) -> float:
        return self.source.now

    def wait(self, seconds: float, rest: float = 0.0) -> set[str] | None:
        return self.wakeup.wait(seconds, rest)

    def steps(self, until: float, rest: float) -> list[tuple[float, set[str] | None]]:
        """Wait again and again; returns when something ended a wait, and what.

        `rest` follows a step that something caused; the others cost next to nothing.
        """
        found, paths = [], set[str]()
        while self.now < until:
            paths = self.wait(1.0, 0.001 if paths == set() else rest)
            self.debounce.reset()  # as the reloader, where nothing differs
            if paths != set():
                found.append((self.now, paths))
        return found


Make = Callable[..., World]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes a world of a script, in which sleeping moves the clock."""

    def make(*script: tuple[float, set[str] | Exception | None], quiet: float = 0.05) -> World:
        world = World(*script, quiet=quiet)
        monkeypatch.setattr("wsgireload.watch.wakeup.sleep", world.source.sleep)
        return world

    return make


def test_nothing_happens(make: Make) -> None:
    """Without an event the time is waited out, and nothing has to be scanned."""
    world = make()
    assert world.wait(1.0) == set()
    assert (world.now, world.debounce.noticed, world.source.prefetched) == (1.0, [], [])


def test_a_burst_is_gathered_until_it_is_quiet(make: Make) -> None:
    """All that follows within the quiet time belongs to it, and what comes later does not."""
    world = make(
        (0.3, {"/site/a"}), (0.34, {"/site/b"}), (0.38, {"/site/a", "/site/c"}), (0.5, {"/site/d"})
    )
    assert world.wait(1.0) == {"/site/a", "/site/b", "/site/c"}
    assert world.debounce.noticed == [0.3, 0.34, 0.38]
    assert world.now == pytest.approx(0.43)
    assert world.source.prefetched == [0.3]  # at the first, not when it is over
    assert world.wait(1.0) == {"/site/d"}


def test_what_comes_while_it_prefetches(make: Make) -> None:
    """Where that takes longer than the quiet time, quiet begins anew with what came meanwhile."""
    world = make((0.3, {"/site/a"}), (0.35, {"/site/a"}))
    world.source.saves = {0.3: {"/site/a"}}
    world.source.prefetching = 0.06
    assert world.wait(1.0) == {"/site/a"}
    assert world.now == pytest.approx(0.41)


def test_prefetching_takes_no_time_of_its_own(make: Make) -> None:
    """What begins at the first event begins in the quiet time: that ends no later for it."""
    world = make((0.3, {"/site/a"}), (0.32, {"/site/b"}))
    world.source.prefetching = 0.01
    assert world.wait(1.0) == {"/site/a", "/site/b"}
    assert world.now == pytest.approx(0.37)
    world = make((0.3, {"/site/a"}))
    world.source.prefetching = 0.01
    assert world.wait(1.0) == {"/site/a"}
    assert world.now == pytest.approx(0.35)


def test_writing_that_goes_on_is_bounded(make: Make) -> None:
    """Quiet is not waited for longer than the bound."""
    world = make(*((1.0 + 0.04 * n, {f"/site/{n}"}) for n in range(1000)))
    paths = world.wait(2.0)
    assert 6.0 <= world.now <= 6.1
    assert world.debounce.noticed[-1] == pytest.approx(world.now, abs=0.05)
    assert len(paths or ()) > 100


@pytest.mark.parametrize("at", [0, 1, 2])
def test_once_anywhere_is_anywhere(make: Make, at: int) -> None:
    """Where one of the gathered events may be anywhere, all may; it ends when it is quiet."""
    found: list[set[str] | None] = [{"/site/a"}, {"/site/b"}, {"/site/c"}]
    found[at] = None
    world = make(*zip((0.1, 0.12, 0.14), found, strict=True))
    assert world.wait(1.0) is None
    assert world.debounce.noticed[-1] == 0.14
    assert world.now == pytest.approx(0.19)
    assert world.source.prefetched == [0.1]


def test_irrelevant_events(make: Make) -> None:
    """A log file does not wake, and its events are read a few times a second at most."""
    world = make(*((0.001 * n, {"/var/log"}) for n in range(1000)))
    assert world.wait(0.5) == set()
    assert (world.debounce.noticed, world.source.prefetched) == ([], [])
    assert 0.5 <= world.now < 0.5 + 2 * IDLE
    assert world.source.waits <= 0.5 / IDLE + 2


def test_irrelevant_events_are_not_gathered(make: Make) -> None:
    """A log that is written all the time does not keep a change from being quiet."""
    log: list[tuple[float, set[str] | Exception | None]] = [
        (0.01 * n, {"/var/log"}) for n in range(1, 100)
    ]
    world = make((0.005, {"/site/a", "/var/log"}), *log)
    assert world.wait(1.0) == {"/site/a"}
    assert world.debounce.noticed == [0.005]
    assert world.now < 0.055 + 2 * IDLE


def test_a_complete_save_needs_less_quiet(make: Make) -> None:
    """The last event of a file completes its save: then a short time is enough."""
    world = make((0.3, {"/site/a", "/var/log"}), (0.33, {"/var/log"}), (0.335, {"/site/a"}))
    world.source.saves = {0.3: {"/site/a"}}
    assert world.wait(1.0) == {"/site/a"}
    assert world.now == pytest.approx(0.31)
    assert world.wait(1.0) == {"/site/a"}  # it went on
    assert world.now == pytest.approx(0.385, abs=IDLE)


@pytest.mark.parametrize("gap", [0.0, 0.005])
def test_two_complete_saves_are_a_burst(make: Make, gap: float) -> None:
    """After the saves of two files others may follow: the whole quiet time is waited out."""
    world = make((0.3, {"/site/a"}), (0.3 + gap, {"/site/b"}), (0.3 + gap + 0.04, {"/site/c"}))
    saves = {0.3: {"/site/a"}, 0.3 + gap: {"/site/b"}, 0.3 + gap + 0.04: {"/site/c"}}
    world.source.saves = saves | ({} if gap else {0.3: {"/site/a", "/site/b"}})
    assert world.wait(1.0) == {"/site/a", "/site/b", "/site/c"}
    assert world.now == pytest.approx(0.39 + gap)


@pytest.mark.parametrize("last", [{"/site/a"}, None], ids=["written", "anywhere"])
def test_a_save_that_goes_on_is_not_complete(make: Make, last: set[str] | None) -> None:
    """Of several events of one file the last one counts."""
    world = make((0.3, {"/site/a"}), (0.305, last))
    world.source.saves = {0.3: {"/site/a"}}
    world.wait(1.0)
    assert world.now == pytest.approx(0.355)


def test_without_quiet_nothing_is_gathered(make: Make) -> None:
    """With a quiet time of 0 the first event ends the wait."""
    world = make((0.3, {"/site/a"}), (0.301, {"/site/b"}), quiet=0.0)
    assert world.wait(1.0) == {"/site/a"}
    assert world.now == 0.3


@pytest.mark.parametrize("first", [set(), {"/site/a"}], ids=["waiting", "gathering"])
def test_a_wake_ends_any_wait(make: Make, first: set[str]) -> None:
    """An early end of the events' wait is a wake: it ends this one, whatever came by then."""
    world = make((0.1, first), (0.11, set()), (0.12, {"/site/b"}))
    assert world.wait(50.0) == first
    assert world.now <= 0.11
    world.wakeup.wake()
    assert world.source.woken == 1


def test_a_prefetch_that_fails(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs beside the waiting may fail: events still end the waits."""
    world = make((0.1, {"/site/a"}), (1.0, {"/site/b"}))

    def fails() -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(world.wakeup, "_prefetch", fails)
    assert world.wait(FOREVER) == {"/site/a"}
    assert world.wait(FOREVER) == {"/site/b"}


@pytest.mark.parametrize("broken", [NativeError("read", 9, "Bad file"), MemoryError("no room")])
def test_when_no_event_will_ever_come_again(make: Make, broken: Exception) -> None:
    """Everything is scanned, now and after each further wait, which lasts, and can be woken."""
    world = make((0.1, {"/site/a"}), (0.12, broken), (0.13, {"/site/b"}))
    world.wakeup.wake()
    assert world.wait(1.0) is None
    assert world.wait(FOREVER) is None  # the wake from before is not lost
    assert len(world.source.script) == 1
    began = time.monotonic()
    assert world.wait(0.01) is None
    assert time.monotonic() - began > 0.005
    world.wakeup.wake()
    assert world.wait(FOREVER) is None
    assert time.monotonic() - began < FOREVER / 2
    world.wakeup.end()
    assert world.source.ended == 1


def test_a_greedy_file_waits(make: Make) -> None:
    """A file that changes all the time ends few waits where its steps cost much."""
    greedy = [(0.2 * n, {"/site/visits.csv"}) for n in range(1, 300)]
    assert len(make(*greedy).steps(60.0, 0.0)) > 250
    found = make(*greedy).steps(60.0, 3.0)
    assert 15 <= len(found) <= 22
    assert all(paths == {"/site/visits.csv"} for _, paths in found)


@pytest.mark.parametrize("at", [10.11, 20.3, 30.57])
def test_other_files_do_not_wait(make: Make, at: float) -> None:
    """Meanwhile another file's event ends a wait as soon as it is quiet."""
    greedy = [(0.2 * n, {"/site/visits.csv"}) for n in range(1, 300)]
    world = make(*sorted([*greedy, (at, {"/site/views.py"})], key=lambda event: event[0]))
    [when] = [when for when, paths in world.steps(60.0, 30.0) if "/site/views.py" in (paths or ())]
    assert at < when <= at + 0.05 + 2 * IDLE + 0.01


def test_no_event_of_a_greedy_file_is_lost(make: Make) -> None:
    """Its last event is returned after its rest, though no other comes."""
    world = make((1.0, {"/site/a"}), (2.0, {"/site/a"}), (3.0, {"/site/a"}))
    found = world.steps(60.0, 5.0)
    assert [paths for _, paths in found] == [{"/site/a"}] * 3
    assert found[2][0] == pytest.approx(found[1][0] + 5.0, abs=0.2)


def test_a_few_saves_do_not_wait(make: Make) -> None:
    """A file rests only after two steps in short time; a pause makes up for them."""
    saves = [(1.0, {"/site/a"}), (2.0, {"/site/a"}), (20.0, {"/site/a"}), (20.5, {"/site/a"})]
    found = make(*saves).steps(60.0, 5.0)
    assert [when for when, _ in found] == pytest.approx([1.05, 2.05, 20.05, 20.55], abs=0.01)
    others = [(float(n), {f"/site/{n}"}) for n in range(1, 20)]
    assert len(make(*others).steps(60.0, 5.0)) == 19


def test_events_from_anywhere_wait_too(make: Make) -> None:
    """Events are lost all the time where very much is written: full scans keep their distance."""
    world = make(*((0.2 * n, None) for n in range(1, 300)))
    found = world.steps(60.0, 3.0)
    assert 15 <= len(found) <= 22
    assert all(paths is None for _, paths in found)


def test_nothing_rests_while_a_restart_is_decided_upon(make: Make) -> None:
    """Without a rest after the last step, an event ends the wait as soon as it is quiet."""
    world = make((1.0, {"/site/a"}), (2.0, {"/site/a"}), (3.0, {"/site/a"}))
    world.steps(2.5, 50.0)
    assert world.wait(50.0, 0.0) == {"/site/a"}
    assert world.now == pytest.approx(3.1)  # the event came in the wait before


def test_a_wake_ends_a_rest(make: Make) -> None:
    """A restart by hand, or a stop, is not kept waiting."""
    world = make((1.0, {"/site/a"}), (2.0, {"/site/a"}), (3.0, {"/site/a"}), (3.5, set()))
    world.steps(2.5, 50.0)
    assert world.wait(50.0, 50.0) == set()
    assert world.now == 3.5


def test_a_file_is_written_until_it_is_closed() -> None:
    """Or until 5 s after the last write that was reported: its closing may have been missed."""
    now = [100.0]
    writing = Writing(lambda: now[0])
    writing.note(["/site/a.py", "/site/b.py"], ())
    assert [writing.left(f"/site/{name}.py") for name in "abc"] == [OPEN, OPEN, 0.0]
    now[0] += 2
    writing.note(["/site/b.py"], ["/site/a.py"])
    assert [writing.left(f"/site/{name}.py") for name in "ab"] == [0.0, OPEN]
    now[0] += OPEN
    assert writing.left("/site/b.py") == 0.0


def test_a_link_to_a_file_that_is_written(tmp_path: Path) -> None:
    """Events have the path of the file, and changes that of the link."""
    (tmp_path / "a.py").symlink_to("real.py")
    writing = Writing(lambda: 0.0)
    writing.note([str(tmp_path.resolve() / "real.py")], ())
    assert writing.left(str(tmp_path / "a.py")) == OPEN


def test_events_say_what_is_written(make: Make) -> None:
    """Also those that end no wait, as they are of no watched file."""
    made = make((1.0, {"/site/a.py"}), (2.0, {"/else/b.py"}))
    made.source.written = {"/site/a.py"}
    assert made.wait(5.0) == {"/site/a.py"}
    assert made.writing.left("/site/a.py") > 0
    made.source.written, made.source.saves = set(), {2.0: {"/site/a.py"}}
    made.wait(3.0)
    assert made.writing.left("/site/a.py") == 0.0
