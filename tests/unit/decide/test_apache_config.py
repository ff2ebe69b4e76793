"""The check of Apache's configuration, with a stand-in for Apache."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from support.standins import Clock
from support.waiting import decision

from wsgireload.changes import Change, Changes
from wsgireload.decide import command
from wsgireload.decide.apache_config import FRESH, LIMIT, POLL, ApacheConfig
from wsgireload.decide.verdict import GO, Hold, Verdict, Wait

GOOD = "print('Syntax OK')"
BROKEN = "print('AH00526: Syntax error on line 3 of httpd.conf:\\nno such thing'); sys.exit(1)"
VERBOSE = "print('AH00112: Warning: DocumentRoot [/srv/site] does not exist\\n' * 20_000); "
CHILD = "sys.exit('AP_PARENT_PID' in os.environ or os.environ['KEPT'] != '1')"
ENDLESS = "threading.Event().wait()"
EDIT = Changes({"a.py": Change(b"2")})


@pytest.fixture
def clock() -> Clock:
    """A clock that the test moves."""
    return Clock()


class Apache:
    """Stands in for the server: `code` is what its `-t` runs, `begun` the checks."""

    def __init__(self) -> None:
        self.code = GOOD
        self.begun: list[subprocess.Popen[bytes]] = []


@pytest.fixture
def apache(monkeypatch: pytest.MonkeyPatch) -> Apache:
    """A server whose configuration is a line of Python."""
    apache, real = Apache(), subprocess.Popen

    def popen(line: str, *, creationflags: int, **options: object) -> subprocess.Popen[bytes]:
        assert creationflags
        assert line == "httpd -n name -t"
        code = f"import os, sys, threading; {apache.code}"
        process = real([sys.executable, "-c", code], **options)  # type: ignore[call-overload]
        apache.begun.append(process)
        return process  # type: ignore[no-any-return]

    monkeypatch.setattr(command, "NO_WINDOW", 0x08000000)  # as on Windows
    monkeypatch.setattr(subprocess, "Popen", popen)
    return apache


@pytest.fixture
def config(clock: Clock, apache: Apache) -> Iterator[ApacheConfig]:
    """The gate."""
    gate = ApacheConfig("httpd -n name", {"AP_PARENT_PID": "7", "KEPT": "1"}, clock)
    yield gate
    gate.end()


def answer(config: ApacheConfig) -> Verdict:
    """Wait for the verdict."""
    return decision(config, EDIT)


def test_a_good_configuration_holds_nothing(config: ApacheConfig) -> None:
    """Where Apache would start, nothing is held."""
    assert answer(config) == GO


def test_a_broken_one_holds(config: ApacheConfig, apache: Apache) -> None:
    """Apache's own message is the reason, in one line."""
    apache.code = BROKEN
    hold = answer(config)
    assert isinstance(hold, Hold)
    assert hold.reason.endswith("AH00526: Syntax error on line 3 of httpd.conf: no such thing")


@pytest.mark.parametrize("code", [GOOD, BROKEN])
def test_many_warnings(config: ApacheConfig, apache: Apache, code: str) -> None:
    """A check with a megabyte of output, as one warning for each virtual host, comes to its end."""
    apache.code = VERBOSE + code
    verdict = answer(config)
    if code == GOOD:
        assert verdict == GO
    else:
        assert isinstance(verdict, Hold)
        assert verdict.reason.endswith("line 3 of httpd.conf: no such thing")


def test_apache_does_not_take_itself_for_a_child(config: ApacheConfig, apache: Apache) -> None:
    """AP_PARENT_PID is not passed on; the rest of the environment is."""
    apache.code = CHILD
    assert answer(config) == GO


def test_a_check_has_a_time_limit(config: ApacheConfig, apache: Apache, clock: Clock) -> None:
    """A check that does not end is ended, and holds."""
    apache.code = ENDLESS
    assert config.check(EDIT) == Wait(POLL)
    clock.now += LIMIT
    hold = config.check(EDIT)
    assert isinstance(hold, Hold)
    assert "took more than" in hold.reason
    assert apache.begun[0].returncode is not None


def test_an_answer_counts_for_a_while(config: ApacheConfig, apache: Apache, clock: Clock) -> None:
    """A fresh answer is used again; an old one is not, and a repair is noticed."""
    apache.code = BROKEN
    assert isinstance(answer(config), Hold)
    apache.code = GOOD
    assert isinstance(answer(config), Hold)
    clock.now += FRESH
    assert answer(config) == GO


def test_broken_for_long(config: ApacheConfig, apache: Apache, clock: Clock) -> None:
    """It is checked ever less often, and at once after another change or for a person."""
    apache.code = BROKEN
    for _ in range(600):
        assert isinstance(answer(config), Hold)
        clock.now += 1
    assert 40 < len(apache.begun) < 60
    apache.code = GOOD
    clock.now += FRESH
    config.reset()
    assert answer(config) == GO
    apache.code = BROKEN
    clock.now += FRESH
    assert isinstance(answer(config), Hold)


@pytest.mark.parametrize("is_prefetched", [True, False])
@pytest.mark.parametrize("error", [FileNotFoundError(2, "No such file"), MemoryError("no room")])
def test_a_missing_apache_holds(
    config: ApacheConfig, monkeypatch: pytest.MonkeyPatch, error: Exception, *, is_prefetched: bool
) -> None:
    """When in doubt, hold: a check that cannot be made is reported."""

    def missing(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(subprocess, "Popen", missing)
    for _ in range(3):
        if is_prefetched:
            config.prefetch()
        hold = config.check(EDIT)
        assert isinstance(hold, Hold)
        assert "could not check" in hold.reason


def test_an_answer_that_cannot_be_read(
    config: ApacheConfig, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    """No earlier answer counts in its place."""
    assert answer(config) == GO
    clock.now += FRESH
    end = command.Command.end

    def fails(self: command.Command) -> str:
        end(self)
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(command.Command, "end", fails)
        with pytest.raises(OSError, match="Input/output"):
            answer(config)
    hold = config.check(EDIT)
    assert isinstance(hold, Hold)
    assert "could not check" in hold.reason
    clock.now += FRESH
    assert answer(config) == GO


def test_the_end(config: ApacheConfig, apache: Apache) -> None:
    """The end of the monitor ends a check that runs."""
    apache.code = ENDLESS
    config.check(EDIT)
    config.end()
    assert apache.begun[0].returncode is not None
    config.end()


def test_it_begins_with_the_first_event(config: ApacheConfig, apache: Apache) -> None:
    """What was begun beside the waiting is the check whose answer counts."""
    apache.code = BROKEN
    config.prefetch()
    apache.code = GOOD
    assert isinstance(answer(config), Hold)
    assert len(apache.begun) == 1


def test_events_that_change_nothing_cost_one_check(
    config: ApacheConfig, apache: Apache, clock: Clock
) -> None:
    """A file that is touched for ever begins one; the next change begins them again."""
    for _ in range(3):
        config.prefetch()
        config.reset()
        clock.now += FRESH
    assert len(apache.begun) == 1
    assert answer(config) == GO
    clock.now += FRESH
    config.prefetch()
    assert len(apache.begun) == 3


def test_a_check_of_long_ago_does_not_count(
    config: ApacheConfig, apache: Apache, clock: Clock
) -> None:
    """The configuration may have been broken since an event that changed nothing."""
    config.prefetch()
    clock.now += 600
    apache.code = BROKEN
    config.prefetch()
    assert isinstance(answer(config), Hold)


def test_a_slow_check_is_not_begun_again(
    config: ApacheConfig, apache: Apache, clock: Clock
) -> None:
    """Events that come while a restart waits for its answer do not put it off."""
    apache.code = ENDLESS
    for _ in range(5):
        assert config.check(EDIT) == Wait(POLL)
        config.prefetch()
        clock.now += FRESH
    assert len(apache.begun) == 1
