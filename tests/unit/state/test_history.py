"""Earlier restarts, as a status reports them."""

from wsgireload.report import Restarted
from wsgireload.state.history import restarts
from wsgireload.state.journal import Entry

OFFSET = 4_999_000.0


def test_the_last_twenty() -> None:
    """Twenty restarts are reported, the newest first, in seconds since 1970."""
    entries = [Entry(at, 1, f"{at}", f"{at}", up=at + 0.25) for at in range(100, 130)]
    reported = restarts(entries, OFFSET)
    assert len(reported) == 20
    assert reported[0] == Restarted(OFFSET + 129, "129", 0.25)
    assert reported[-1].reason == "110"


def test_no_duration() -> None:
    """A restart that no new process has answered has no duration."""
    [reported] = restarts([Entry(1.0, 1, "r", "f")], OFFSET)
    assert reported.took is None
