"""The restart budget, from the times of earlier restarts."""

import pytest

from wsgireload.decide.budget import LONGEST, culprit, distinct, pause


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([], 0.0),
        ([0.0], 0.0),
        ([0.0, 1.0], 0.0),
        ([0.0, 1.0, 2.0], 60.0),  # the third within a minute: spent
        ([0.0, 1.0, 2.0, 62.0], 120.0),  # and at once again: twice as long
        ([0.0, 1.0, 2.0, 62.0, 182.0], 240.0),
        ([0.0, 1.0, 2.0, 200.0], 0.0),  # it had calmed down
        ([0.0, 40.0, 80.0, 120.0], 0.0),  # never three within a minute
    ],
)
def test_pause(times: list[float], expected: float) -> None:
    """Three in a minute are the budget; each one more doubles the wait until calm returns."""
    assert pause(times, (3, 60.0)) == expected


def test_a_wild_loop_ends_in_an_hour_of_waiting() -> None:
    """The doubling has an end."""
    times = [0.0]
    for _ in range(40):
        times.append(times[-1] + max(1.0, pause(times, (2, 60.0))))
    assert pause(times, (2, 60.0)) == LONGEST


def test_processes_of_a_group_count_once() -> None:
    """Three processes that restart for one change are one restart; a fourth is another."""
    for_one = [(1.0, "x"), (1.1, "x"), (1.2, "x")]
    assert distinct(for_one, 3) == [1.0]
    assert distinct([*for_one, (2.0, "x")], 3) == [1.0, 2.0]
    assert distinct(for_one, 1) == [1.0, 1.1, 1.2]


def test_a_file_that_goes_to_and_fro_counts_each_time() -> None:
    """The same change again, after another one, is another restart."""
    assert distinct([(1.0, "x"), (2.0, "y"), (3.0, "x")], 3) == [1.0, 2.0, 3.0]


def test_culprit() -> None:
    """The file that stands most often among the causes is named."""
    assert culprit(["a", "b", "a"]) == "a"
    assert culprit([]) is None
