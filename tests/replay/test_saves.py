"""Two thousand saves over five hundred files, as people, editors and deployments save.

They come in batches of one to twelve, after each of which the restart must have been asked for
exactly once if a file differs from what was loaded, and else not at all. Then the process is
replaced: what lies on disk is what the next one has loaded. Nothing runs beside the test: a batch
is complete before the monitor's turn, but for looks that are taken in the midst of a save.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.replayed import DEADLINE, Replay

from wsgireload.server import native
from wsgireload.server.watcher import Watcher

SAVES = 2_000


class Losing(Watcher):
    """Reports at random that events were lost, instead of what there was to report."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.chance = chance

    def wait(self, seconds: float) -> list[tuple[int, int, str]]:
        told = super().wait(seconds)
        return [(-1, False, "")] if told and self.chance.random() < 0.2 else told


@pytest.fixture
def replay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Replay]]:
    """Replays that are ended with the test."""
    begun: list[Replay] = []

    def restart() -> bool:
        return begun[-1].process.server.restart()

    monkeypatch.setattr(native, "restart", restart)

    def replay(watcher: Callable[[random.Random], Watcher] | None = None) -> Replay:
        begun.append(Replay(tmp_path, watcher))
        return begun[-1]

    yield replay
    for one in begun:
        one.end()


@pytest.mark.parametrize(
    "watcher",
    [lambda _: Watcher(), Losing, None],
    ids=["events", "events that are lost", "poll"],
)
def test_saves(replay: Callable[..., Replay], watcher: Callable[..., Watcher]) -> None:
    """One restart for each batch that changes something, none for any other."""
    saving = replay(watcher)
    left = SAVES
    while left > 0:
        saves = min(saving.chance.randint(1, 12), left)
        saving.batch(saves)
        left -= saves
    assert saving.restarts > SAVES / 12


def test_more_at_once_than_is_kept(replay: Callable[..., Replay]) -> None:
    """Where more is touched at once than the kernel keeps, all is scanned, and nothing missed."""
    flooded = replay(lambda _: Watcher())
    kept = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    lost = 0
    for number in range(20):
        for path in flooded.site.files * (kept // len(flooded.site.files) + 1 if number % 2 else 1):
            os.utime(path)
        told = flooded.process.events.wait(DEADLINE)  # type: ignore[union-attr]
        while told:
            assert flooded.process.detector.scan(told) == {}
            told = flooded.process.events.wait(0)  # type: ignore[union-attr]
        lost += told is None
        assert flooded.process.detector.scan(told) == {}
        for path in flooded.site.files:
            os.utime(path)
        flooded.batch(3)
        for path in reversed(flooded.site.files):
            os.utime(path)
        flooded.batch(0)
    assert lost
