"""A request to the coordinator: a command, and what its end means."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from support.standins import Clock
from support.waiting import wait_for

from wsgireload.decide import coordinator
from wsgireload.decide.command import Command
from wsgireload.decide.coordinator import LIMIT, NOT_YET, STOPPED, TAKE, YES, Answer, Requests

PRINTS = "import sys; print(*sys.argv[2:]); sys.exit(int(sys.argv[1]))"
ENDLESS = "import threading; threading.Event().wait()"


def requests(folder: Path, *command: str) -> Requests:
    """What asks by this command."""
    return Requests(Command(command, dict(os.environ), str(folder), LIMIT, Clock()), "web1")


@pytest.mark.parametrize(
    ("code", "meaning"), [(0, YES), (75, NOT_YET), (76, STOPPED), (1, None), (2, None), (74, None)]
)
def test_the_end_of_the_command(tmp_path: Path, code: int, meaning: int | None) -> None:
    """Three codes are answers, any other is none; the words are the verb, the owner and more."""
    asking = requests(tmp_path, sys.executable, "-c", PRINTS, str(code))
    asking.begin(TAKE, "v2")
    assert asking.verb == TAKE
    assert wait_for(asking.poll) == Answer(meaning, "take web1 v2")
    assert asking.verb == ""
    assert asking.poll() is None


@pytest.mark.parametrize(("code", "meaning"), [(0, YES), (2, None)])
def test_another_release_of_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, meaning: int | None
) -> None:
    """After an upgrade the exit codes still count; any other answer names the upgrade."""
    for name in ("__init__.py", "__main__.py"):
        (tmp_path / name).touch()
    monkeypatch.setattr(coordinator, "OWN", str(tmp_path))
    command = (sys.executable, "-c", PRINTS, str(code), "wsgireload.turn")
    asking = requests(tmp_path, *command)
    (tmp_path / "__main__.py").write_text("raise SystemExit(2)")
    asking.begin(TAKE)
    answer = wait_for(asking.poll)
    assert answer is not None
    assert answer.code == meaning
    assert ("restart Apache" in answer.text) == (meaning is None)


def test_a_command_that_is_missing(tmp_path: Path) -> None:
    """That is no answer either."""
    asking = requests(tmp_path, "/missing/command")
    asking.begin(TAKE, "v2")
    answer = asking.poll()
    assert answer is not None
    assert answer.code is None
    assert "/missing/command cannot be run" in answer.text


def test_a_command_that_hangs(tmp_path: Path) -> None:
    """It is ended, and that is no answer; a command that prints nothing is named by its code."""
    clock = Clock()
    command = Command((sys.executable, "-c", ENDLESS), {}, str(tmp_path), LIMIT, clock)
    asking = Requests(command, "web1")
    asking.begin(TAKE)
    assert asking.poll() is None
    clock.now += LIMIT
    assert wait_for(asking.poll) == Answer(None, "no answer within 10 s")
    silent = requests(tmp_path, sys.executable, "-c", "raise SystemExit(3)")
    silent.begin(TAKE)
    assert wait_for(silent.poll) == Answer(None, "the command ended with 3")


def test_another_request(tmp_path: Path) -> None:
    """A new request takes the place of the one that runs, whose answer does not come."""
    asking = requests(tmp_path, sys.executable, "-c", ENDLESS)
    asking.begin(TAKE)
    asking.end()
    assert asking.verb == ""
    assert asking.poll() is None


def test_an_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host name and the beginning of the machine's id, or the host name alone."""
    host = os.uname().nodename
    monkeypatch.setattr(coordinator, "MACHINE_ID", str(tmp_path / "machine-id"))
    assert coordinator.owner({}) == host
    (tmp_path / "machine-id").write_text("0123456789abcdef\n")
    assert coordinator.owner({}) == f"{host}-01234567"
    (tmp_path / "machine-id").write_text("\n")
    assert coordinator.owner({}) == host


def test_a_copy_of_a_machine() -> None:
    """The environment names machines that share an id; it is one word."""
    assert coordinator.owner({coordinator.OWNER: " web 7\n"}) == "web7"
