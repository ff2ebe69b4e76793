"""The check of the server's configuration, with a stand-in for the server."""

import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from wsgireload.decide.apache_config import FRESH, LIMIT, ConfigCheck

GOOD = "print('Syntax OK')"
BROKEN = "print('AH00526: Syntax error on line 3 of httpd.conf:\\nno such thing'); sys.exit(1)"
CHILD = "sys.exit('AP_PARENT_PID' in os.environ or os.environ['KEPT'] != '1')"
ENDLESS = "threading.Event().wait()"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that the test moves."""
    return Clock()


@pytest.fixture
def check(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ConfigCheck]:
    """Makes checks of a server that is a line of Python; its `-t` it takes and ignores."""
    real = subprocess.Popen

    def popen(command: str, *, creationflags: int, **options: object) -> subprocess.Popen[str]:
        assert creationflags
        assert command.endswith(" -t")
        code = f"import os, sys, threading; {command.removesuffix(' -t')}"
        return real([sys.executable, "-c", code], **options)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(subprocess, "Popen", popen)
    return lambda code: ConfigCheck(code, {"AP_PARENT_PID": "7", "KEPT": "1"}, clock)


def answered(check: ConfigCheck) -> ConfigCheck:
    """Begin, and wait for the answer."""
    pulse = threading.Event()
    check.begin()
    for _ in range(2000):
        if not check.left():
            return check
        pulse.wait(0.01)
    raise AssertionError("no answer")


def test_a_good_configuration_holds_nothing(check: Callable[[str], ConfigCheck]) -> None:
    """Where the server would start, nothing is held."""
    assert answered(check(GOOD)).answer() is None


def test_a_broken_one_holds(check: Callable[[str], ConfigCheck]) -> None:
    """The server's own words say what is wrong, in one line."""
    hold = answered(check(BROKEN)).answer()
    assert hold is not None
    assert hold.reason.endswith("AH00526: Syntax error on line 3 of httpd.conf: no such thing")


def test_the_server_does_not_take_itself_for_a_child(check: Callable[[str], ConfigCheck]) -> None:
    """AP_PARENT_PID is not passed on; the rest of the environment is."""
    assert answered(check(CHILD)).answer() is None


def test_a_check_has_a_time_limit(check: Callable[[str], ConfigCheck], clock: Clock) -> None:
    """A check that does not end is ended, and holds."""
    endless = check(ENDLESS)
    endless.begin()
    assert endless.left() > 0
    clock.now += LIMIT
    assert endless.left() == 0
    assert "took more than" in str(endless.answer())


def test_an_answer_counts_for_a_while(check: Callable[[str], ConfigCheck], clock: Clock) -> None:
    """A fresh answer is not asked for again; an old one is, and what was mended is seen."""
    checked = answered(check(BROKEN))
    checked._command = GOOD
    assert answered(checked).answer() is not None
    clock.now += FRESH
    assert answered(checked).answer() is None


def test_a_server_that_is_not_there_holds(
    check: Callable[[str], ConfigCheck], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When in doubt, hold: a check that cannot be made says so."""

    def missing(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No such file")

    monkeypatch.setattr(subprocess, "Popen", missing)
    assert "cannot be checked" in str(answered(check(GOOD)).answer())


def test_nobody_waits_for_a_check_at_the_end(check: Callable[[str], ConfigCheck]) -> None:
    """stop() ends what runs."""
    endless = check(ENDLESS)
    endless.begin()
    running = endless._running
    endless.stop()
    assert running is not None
    assert running.returncode is not None
