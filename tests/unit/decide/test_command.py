"""A command that runs beside the application."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wsgireload.decide.command import LINES, Command, Outcome

ENDLESS = "print('begun', flush=True); import threading; threading.Event().wait()"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


Make = Callable[..., Command]


@pytest.fixture
def clock() -> Clock:
    """A clock that the test moves."""
    return Clock()


@pytest.fixture
def make(tmp_path: Path, clock: Clock) -> Iterator[Make]:
    """Makes commands of lines of Python, with 10 s to run in a folder of their own."""
    made: list[Command] = []

    def make(*code: str, program: str = sys.executable) -> Command:
        arguments = [program, "-c", "\n".join(code)]
        made.append(Command(arguments, {"KEPT": "1"}, str(tmp_path), 10.0, clock))
        return made[-1]

    yield make
    for command in made:
        command.end()


def outcome(command: Command) -> Outcome:
    """Wait for it."""
    pulse = threading.Event()
    for _ in range(2000):
        if found := command.poll():
            return found
        pulse.wait(0.01)
    raise AssertionError("no outcome")


def test_the_outcome(make: Make) -> None:
    """The exit code and the last lines of both outputs, which are there once."""
    command = make("for n in range(9): print(' ', n, ' \\n', flush=True)", "raise SystemExit('x')")
    assert not command.running
    assert command.poll() is None
    command.start()
    assert command.running
    assert outcome(command) == Outcome(1, ["5", "6", "7", "8", "x"])
    assert LINES == 5
    assert not command.running
    assert command.poll() is None


def test_it_runs_again(make: Make) -> None:
    """A command can be run as often as it takes."""
    command = make("open('runs', 'a').write('x')", "print(open('runs').read())")
    for runs in ("x", "xx"):
        command.start()
        assert outcome(command) == Outcome(0, [runs])


def test_where_it_runs(make: Make, tmp_path: Path) -> None:
    """In the folder and the environment that it was given, without an input."""
    command = make("import os, sys", "print(os.getcwd(), os.environ['KEPT'], sys.stdin.read())")
    command.start()
    assert outcome(command).lines == [f"{tmp_path.resolve()} 1"]


def test_its_time_limit(make: Make, clock: Clock) -> None:
    """A command that does not end in time is ended."""
    command = make(ENDLESS)
    command.start()
    assert command._running is not None
    process = command._running[0]
    clock.now += 9.5
    assert command.poll() is None
    clock.now += 0.5
    found = command.poll()
    assert found is not None
    assert found.code is None
    assert process.returncode
    assert not command.running


def test_it_is_ended(make: Make) -> None:
    """Its process is gone then, and nothing of it stays open."""
    before = os.listdir("/dev/fd")  # noqa: PTH208
    command = make(ENDLESS)
    command.start()
    assert command._running is not None
    process = command._running[0]
    command.end()
    assert process.returncode
    assert command.end() == []
    assert os.listdir("/dev/fd") == before  # noqa: PTH208


@pytest.mark.parametrize("program", ["/no/such", "a\0b"])
def test_it_cannot_be_run(make: Make, program: str) -> None:
    """That is an error, and nothing stays open."""
    before = os.listdir("/dev/fd")  # noqa: PTH208
    command = make(program=program)
    with pytest.raises((OSError, ValueError)):
        command.start()
    assert not command.running
    assert os.listdir("/dev/fd") == before  # noqa: PTH208


def test_noise(make: Make) -> None:
    """Whatever it writes, and however much, becomes text."""
    command = make("import sys", "sys.stdout.buffer.write(b'x' * 1_000_000 + b'\\n\\xff!\\n')")
    command.start()
    assert outcome(command).lines[-1] == "\N{REPLACEMENT CHARACTER}!"
