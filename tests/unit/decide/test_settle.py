"""Settle: quiet time, with an upper bound."""

from wsgireload.decide.settle import Settle

ONE, TWO = {"a.py": b"1"}, {"a.py": b"2"}


def test_waits_for_quiet() -> None:
    """A change counts once it has stood unchanged for the quiet time."""
    settle = Settle(0.5)
    assert settle.left(ONE, 10.0) == 0.5
    assert settle.left(ONE, 10.25) == 0.25
    assert settle.left(ONE, 10.5) == 0.0


def test_a_further_change_begins_the_quiet_anew() -> None:
    """Whoever is still writing is waited for."""
    settle = Settle(0.5)
    settle.left(ONE, 10.0)
    assert settle.left(TWO, 10.4) == 0.5
    assert settle.left(TWO, 10.9) == 0.0


def test_one_more_path_is_a_further_change() -> None:
    """A burst of files is one piece of writing."""
    settle = Settle(0.5)
    settle.left({"a.py": b"1"}, 10.0)
    assert settle.left({"a.py": b"1", "b.py": b"1"}, 10.4) == 0.5


def test_the_bound_ends_the_waiting() -> None:
    """Endless writing is waited for 20 times the quiet time or 5 s, whichever is longer."""
    for quiet, bound in ((0.05, 5.0), (1.0, 20.0)):
        settle, now = Settle(quiet), 100.0
        while settle.left({"a.py": str(now).encode()}, now):
            now += quiet / 2
        assert 100.0 + bound <= now <= 100.0 + bound + quiet


def test_what_comes_after_a_decision_has_its_own_quiet_and_bound() -> None:
    """A file mended long after it was held is still waited for."""
    settle = Settle(0.5)
    settle.left(ONE, 10.0)
    assert settle.left(ONE, 11.0) == 0.0
    settle.decided()
    assert settle.left(ONE, 99.0) == 0.0
    assert settle.left(TWO, 100.0) == 0.5


def test_patience_waits_for_the_bound() -> None:
    """What looks unfinished has the whole bound to become whole, and not more."""
    settle = Settle(0.5)
    assert settle.left(ONE, 10.0, patient=True) == 10.0
    assert settle.left(TWO, 19.0, patient=True) == 1.0
    assert settle.left(TWO, 20.0, patient=True) == 0.0


def test_no_quiet_time_at_all() -> None:
    """settle=0 means at once."""
    assert Settle(0.0).left(ONE, 10.0) == 0.0
