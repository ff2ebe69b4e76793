"""Sweep: everything is scanned now and then, on a clock that the test sets."""

from __future__ import annotations

from collections import Counter

import pytest
from support.standins import Clock

from wsgireload.detect.sweep import MOST, PAUSE, ROUND, Sweep


def swept(files: int, tick: float, seconds: float) -> tuple[Counter[str], list[int]]:
    """How often each file was due in that time, and how many were due at each tick."""
    clock = Clock()
    sweep, paths = Sweep(clock), [str(number) for number in range(files)]
    times: Counter[str] = Counter()
    counts = []
    for _ in range(round(seconds / tick)):
        clock.now += tick
        due = sweep.due(paths)
        times.update(due)
        counts.append(len(due))
    return times, counts


@pytest.mark.parametrize("files", [1, 7, 31, 50, 59, 1_000, MOST])
@pytest.mark.parametrize("tick", [0.25, 1.0, 7.0])
def test_everything_once_a_round(files: int, tick: float) -> None:
    """Each file once in a round, and a tick if no scan came in time; none twice in a round."""
    rounds = 21
    times, _ = swept(files, tick, rounds * ROUND)
    assert len(times) == files
    assert int(rounds * ROUND / (ROUND + tick)) <= min(times.values())
    assert max(times.values()) <= rounds


@pytest.mark.parametrize("files", [50, 1_000, MOST])
def test_a_few_at_a_time(files: int) -> None:
    """The work is spread evenly: the same share each PAUSE, give or take one file."""
    _, counts = swept(files, PAUSE, 3 * ROUND)
    assert max(counts) <= files * PAUSE / ROUND + 1
    assert min(counts) >= files * PAUSE / ROUND - 1
    _, counts = swept(files, 1.0, 3 * ROUND)
    assert sum(map(bool, counts)) == 3 * ROUND / PAUSE


def test_more_files_take_longer() -> None:
    """With more than MOST files a round takes longer in proportion, and a share is no larger."""
    times, counts = swept(3 * MOST, 1.0, ROUND)
    assert set(times.values()) == {1}
    assert abs(len(times) - MOST) <= 1
    assert max(counts) <= MOST * PAUSE / ROUND + 1
    times, _ = swept(3 * MOST, 1.0, 3 * ROUND + 1)
    assert len(times) == 3 * MOST


def test_none_is_none() -> None:
    """Nothing is due at once, and nothing if nothing is watched."""
    clock = Clock()
    sweep = Sweep(clock)
    assert not sweep.due(["a", "b"])
    clock.now += ROUND
    assert not sweep.due([])
    assert sorted(sweep.due(["a", "b"])) == ["a", "b"]


@pytest.mark.parametrize("files", [10, 2 * MOST])
def test_a_long_pause_is_not_made_up_for(files: int) -> None:
    """After a pause of any length one round is due, each file at most once."""
    clock, paths = Clock(), [str(number) for number in range(files)]
    sweep = Sweep(clock)
    clock.now += 1000 * ROUND
    due = sweep.due(paths)
    assert len(due) == len(set(due)) == min(files, MOST)
    assert not sweep.due(paths)


def test_files_that_come_and_go() -> None:
    """Nothing is left out if files come or go in the middle of a round."""
    clock = Clock()
    sweep = Sweep(clock)
    paths = [str(number) for number in range(40)]
    clock.now += 0.75 * ROUND
    first = set(sweep.due(paths))
    assert len(first) == 30
    clock.now += ROUND
    assert set(sweep.due(paths[:20])) == set(paths[:20])
    more = [*paths, "new"]
    clock.now += ROUND
    assert set(sweep.due(more)) == set(more)


def test_a_round_is_over_once() -> None:
    """A round is over once, after its time, not at the start."""
    clock = Clock()
    sweep = Sweep(clock)
    over = 0
    for _ in range(100):
        clock.now += ROUND / 10
        over += sweep.round_over()
        assert not sweep.round_over()
    assert over in (9, 10)  # tenths do not add up to whole rounds
