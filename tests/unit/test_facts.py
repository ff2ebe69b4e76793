"""What is told of earlier restarts."""

from wsgireload.facts import history
from wsgireload.state.journal import Entry

BOOT, NOW = 1000.0, 5_000_000.0


def entries(*times: float, what: str = "") -> list[Entry]:
    """Restarts at these times, each for something of its own unless `what` says for what."""
    return [Entry(at, 1, f"{at:g}", what or f"{at:g}", up=at + 0.25) for at in times]


def test_the_last_twenty() -> None:
    """Twenty restarts are told, the newest first, in seconds since 1970."""
    told = history(entries(*range(100, 130)), 1, BOOT, NOW)
    assert len(told) == 20
    assert told[0] == {"at": NOW - BOOT + 129, "reason": "129", "took": 0.25}
    assert told[-1]["reason"] == "110"


def test_one_for_all_processes() -> None:
    """The processes of a group that restart for one change count once."""
    same = entries(100, 100.5, 101, what="f")
    assert [each["reason"] for each in history(same, 3, BOOT, NOW)] == ["100"]
    assert len(history(same, 1, BOOT, NOW)) == 3


def test_nobody_knows_how_long() -> None:
    """A restart that no new process has answered has no duration."""
    [told] = history([Entry(1.0, 1, "r", "f")], 1, BOOT, NOW)
    assert told["took"] is None
