"""Windows: an old child that does not end is ended, and no other one."""

from __future__ import annotations

import pytest

OK = [0, 0, "", ""]
STOPPING = ["set", "state", 2]


@pytest.fixture
def child(windows):
    """Runs a child of Apache with these commands; returns its exit code and its stderr."""

    def run(*words, log=""):
        httpd = ["core", windows.core, "httpd", windows.httpd(), "parent"]
        code, said, complaint = windows.run(*httpd, *words, log=log)
        assert said == [OK] * (words.count("linger"))
        return code, complaint

    return run


def test_it_ends_the_process(child):
    """A child that still runs after the time is ended with code 0, and one log line reports it."""
    code, said = child("linger", 1, *STOPPING, "sleep", 20_000)
    assert code == 0
    assert said.startswith("wsgireload: lingering: process ")
    assert " has not left 1 s after Apache began to replace it; ending it" in said
    assert said.count("\n") == 1


def test_the_log_keeps_what_others_wrote(child):
    """The line is appended to those of Apache's other processes, and overwrites none."""
    others = "AH00424: Parent: Received restart signal -- Restarting the server.\n" * 9
    code, said = child("linger", 1, *STOPPING, "sleep", 20_000, log=others)
    assert code == 0
    assert said.startswith(others + "wsgireload: lingering: ")


def test_it_waits(child):
    """A child that ends within the time does so with its own code, and nothing is logged."""
    assert child("linger", 3, *STOPPING, "sleep", 2000) == (55, "")


def test_it_counts_from_when_apache_began(child):
    """The time that Apache takes to begin is not counted."""
    assert child("linger", 2, "sleep", 1000, *STOPPING, "sleep", 1300) == (55, "")
    assert child("linger", 2, "sleep", 1000, *STOPPING, "sleep", 20_000)[0] == 0


def test_a_restart_that_is_not_taken_up(child):
    """Where Apache does not begin within the time, the child is left alone from then on."""
    assert child("linger", 1, "sleep", 2500, *STOPPING, "sleep", 2500) == (55, "")


def test_it_is_called_off(child):
    """Zero seconds cancel it, before Apache began and after."""
    assert child("linger", 1, "linger", 0, *STOPPING, "sleep", 2500) == (55, "")
    assert child("linger", 2, *STOPPING, "sleep", 700, "linger", 0, "sleep", 3000) == (55, "")


def test_a_later_call_counts_anew(child):
    """The last call alone counts, be it longer or shorter than the one before."""
    assert child("linger", 1, "linger", 30, *STOPPING, "sleep", 2500) == (55, "")
    assert child("linger", 30, "linger", 1, *STOPPING, "sleep", 20_000)[0] == 0


def test_a_child_that_was_being_replaced_before(child):
    """It may be called when Apache has begun already."""
    assert child(*STOPPING, "linger", 1, "sleep", 20_000)[0] == 0
