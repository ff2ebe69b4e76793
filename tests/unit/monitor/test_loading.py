"""When the application is loaded, and what is logged then."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from support.standins import Clock, Lines

from wsgireload.monitor import loading
from wsgireload.monitor.early import Early
from wsgireload.monitor.loading import ANSWER, FIRST, LONG_AGO, SLOWLY, UNKNOWN, Loading
from wsgireload.report import Failed
from wsgireload.state.journal import Entry


class World:
    """A monitor's parts, with a script that takes some time to load."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock, self.log, self.is_loading, self.is_up = Clock(), Lines(), True, False
        self.files, self.completed = 3, list[Entry]()
        self.budget: Any = SimpleNamespace(
            made_by=None, complete=self.completed.append, repeated=lambda: ""
        )
        monkeypatch.setattr(loading.time, "monotonic", self.clock)
        self.early = early = SimpleNamespace(
            trigger=None,
            budget=self.budget,
            baseline=SimpleNamespace(unproven=["/site/a.py"], built=["/site/b.so"]),
            is_loading=lambda: self.is_loading,
            is_up=lambda: self.is_up,
            requests=(requests := SimpleNamespace(has_answered=False)),
        )
        self.requests = requests
        self.loading = Loading(cast(Early, early), self.log)

    def begin(self) -> None:
        self.loading.begin()

    def loaded(self) -> None:
        self.is_loading, self.is_up = False, True

    def goes_on(self) -> bool:
        return self.loading.goes_on(self.files)

    def made_by(self, at: float) -> None:
        self.budget.made_by = Entry(at, 7, "a.py changed", "what")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Nothing is loaded yet."""
    return World(monkeypatch)


def test_what_is_watched_is_logged_once_it_is_loaded(world: World) -> None:
    """Not before, when more files are still to come; and once."""
    assert world.goes_on()
    assert world.log.lines == []
    world.files = 1000
    world.loaded()
    assert not world.goes_on()
    assert not world.goes_on()
    expected = "watching: 1000 files; imported before start(), assumed unchanged: /site/a.py"
    expected += "; written while the application was loaded, assumed unchanged: /site/b.so"
    assert world.log.lines == [expected]


def test_a_trigger_is_named(world: World) -> None:
    """The line has the file without which nothing restarts: a save has no effect before."""
    world.early.trigger = "/site/deployed"
    world.loaded()
    world.goes_on()
    assert "3 files; nothing restarts until /site/deployed changes; imp" in world.log.lines[0]


def test_new_code_is_up_once_it_is_loaded(world: World) -> None:
    """The time that the log and the journal give includes that of loading."""
    world.made_by(world.clock.now - 1.0)
    assert world.goes_on()
    world.clock.now += 3.0
    world.loaded()
    world.goes_on()
    assert world.log.lines[0] == "reloaded: a.py changed; new code up after 4.00 s"
    assert [entry.up for entry in world.completed] == [world.clock.now]


def test_loading_takes_no_restart_from_its_report(world: World) -> None:
    """However long loading takes, the restart before it counts; one long before that does not."""
    world.made_by(world.clock.now - LONG_AGO + 1)
    world.clock.now += LONG_AGO
    world.loaded()
    world.goes_on()
    assert world.log.lines[0].startswith("reloaded: ")


def test_an_old_restart_is_not_reported(world: World) -> None:
    """This start has another cause."""
    world.made_by(world.clock.now - LONG_AGO - 1)
    world.loaded()
    world.goes_on()
    assert len(world.log.lines) == 1
    assert world.completed == []


def test_slow_loading_is_logged(world: World) -> None:
    """A script that hangs is named, once, and nobody looks often any more."""
    world.clock.now += SLOWLY
    assert not world.goes_on()
    assert not world.goes_on()
    assert world.log.lines == ["watching: the WSGI script is still being loaded"]
    world.loaded()
    world.goes_on()
    assert len(world.log.lines) == 2


def test_slow_loading_is_logged_with_its_place(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line of the application at which it hangs is named, once, and again no other one."""
    places = ["/site/hello.py, line 9", "/site/hello.py, line 10"]
    monkeypatch.setattr(loading, "place_of", lambda thread: places.pop() if thread else "")
    monkeypatch.setattr(loading.detection, "loading_script", lambda: None)
    world.begin()
    world.clock.now += SLOWLY
    assert not world.goes_on()
    assert not world.goes_on()
    world.loading.end()
    [line] = world.log.lines
    assert line == "watching: the WSGI script is still being loaded: /site/hello.py, line 10"


def test_slow_loading_is_in_the_status(world: World) -> None:
    """It has the words of the log, until the script is loaded or has failed."""
    assert world.loading.slow is None
    world.clock.now += SLOWLY
    world.goes_on()
    assert world.loading.slow == "the WSGI script is still being loaded"
    world.is_loading = False
    assert world.loading.slow is None


def test_a_failed_start_is_logged(world: World) -> None:
    """No new code is up then, until a later request loads it after all."""
    world.made_by(world.clock.now - 1.0)
    world.is_loading = False
    assert world.goes_on()  # mod_wsgi may be about to log why
    world.clock.now += UNKNOWN
    for _ in range(2):
        assert not world.goes_on()
    [line] = world.log.lines
    assert line.startswith("watching: the WSGI script could not be loaded: the traceback above")
    assert world.completed == []
    world.loaded()
    world.goes_on()
    assert world.log.lines[1].startswith("reloaded: ")


FAILED = Failed(5.0, "NameError: no", "Traceback\nNameError: no", "/site/a.py", 3)


def test_why_a_start_has_failed(world: World) -> None:
    """The log and the status say why and where, until the script is loaded after all."""
    assert world.loading.failed is None
    world.loading._failure.last = FAILED
    world.is_loading = False
    assert not world.goes_on()
    [line] = world.log.lines
    assert line.endswith("could not be loaded: NameError: no (/site/a.py, line 3)")
    assert world.loading.failed == FAILED
    world.loaded()
    world.goes_on()
    assert world.loading.failed is None


def test_without_a_script(world: World) -> None:
    """Where start() was called elsewhere, there is nothing to wait for."""
    world.is_loading = False
    world.is_up = False
    other = Loading(world.loading._early, world.log)
    assert not other.goes_on(world.files)
    assert len(world.log.lines) == 1
    assert "3 files" in world.log.lines[0]


def test_the_first_answer_comes_first(world: World) -> None:
    """No scan runs beside loading and the first answer, unless they take long."""
    assert world.loading.comes_first()
    world.clock.now += FIRST - 0.1
    assert world.loading.comes_first()
    world.loaded()
    assert world.loading.comes_first()
    world.requests.has_answered = True
    assert not world.loading.comes_first()


def test_slow_loading_does_not_keep_changes_from_being_noticed(world: World) -> None:
    """The developer of an application that loads for a minute saves meanwhile."""
    world.clock.now += FIRST
    assert not world.loading.comes_first()


def test_a_scan_does_not_wait_for_a_request(world: World) -> None:
    """There may be none for hours."""
    world.loaded()
    assert world.loading.comes_first()
    world.clock.now += ANSWER
    assert not world.loading.comes_first()


def test_after_a_failed_start_changes_are_noticed(world: World) -> None:
    """The cure is a change of a file."""
    world.is_loading = False
    assert not world.loading.comes_first()


def test_waiting_for_an_answer_is_no_part_of_a_restart(world: World) -> None:
    """The new code was up before that."""
    world.made_by(world.clock.now - 1.0)
    world.loaded()
    world.loading.comes_first()
    world.clock.now += 0.5
    world.goes_on()
    assert world.log.lines[0].endswith("; new code up after 1.00 s")
