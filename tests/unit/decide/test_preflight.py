"""The preflight: the user's own command, run for a group of processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from wsgireload.decide import preflight
from wsgireload.decide.preflight import LIMIT, Preflight
from wsgireload.state.journal import Journal

COUNTS = "import pathlib; open('runs', 'a').write('x')"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Group:
    """The processes of a group: each with a preflight of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.journal = Journal([str(folder / "journal")], "app", print)

    def process(self, *code: str) -> Preflight:
        """One process, whose command is these lines of Python."""
        command = [sys.executable, "-c", "\n".join((COUNTS, *code))]
        return Preflight(command, str(self.folder), dict(os.environ), self.journal, self.clock)

    def runs(self) -> int:
        """How often the command was run."""
        return len((self.folder / "runs").read_text())


@pytest.fixture
def group(tmp_path: Path) -> Group:
    """A group in a folder of its own."""
    return Group(tmp_path)


def landed(flight: Preflight, what: str = "change") -> Preflight:
    """Wait for the answer."""
    pulse = threading.Event()
    for _ in range(2000):
        if not flight.left(what):
            return flight
        pulse.wait(0.01)
    raise AssertionError("no answer")


def test_content(group: Group) -> None:
    """A command that ends with 0 holds nothing, and is run once for a change."""
    flight = landed(group.process())
    assert landed(flight).answer() is None
    assert group.runs() == 1


def test_not_content(group: Group) -> None:
    """Another exit code holds, with the last lines of what it said."""
    held = landed(group.process("for n in range(99): print('line', n)", "sys.exit(3)")).answer()
    assert held is not None
    assert "ended with 1" in held.reason  # sys was not imported
    assert "line 98" in held.reason
    assert "line 93" not in held.reason


def test_much_to_say(group: Group) -> None:
    """A command that says more than a pipe holds comes to its end."""
    assert landed(group.process("print('x' * 1_000_000)")).answer() is None


def test_another_change(group: Group) -> None:
    """Each change has a run of its own."""
    flight = landed(group.process(), "one")
    landed(flight, "two")
    assert group.runs() == 2


@pytest.mark.parametrize("end", ["", "raise SystemExit('no good')"])
def test_one_run_for_the_group(group: Group, end: str) -> None:
    """One process runs it, all have its answer."""
    flights = [group.process(end) for _ in range(3)]
    for flight in flights:
        flight.left("change")
    answers = [landed(flight).answer() for flight in flights]
    assert group.runs() == 1
    assert {answer is None for answer in answers} == {not end}


def test_who_runs_it_dies(group: Group) -> None:
    """Where no answer comes from the one who runs it, another one does."""
    silent = group.process("import threading; threading.Event().wait()")
    silent.left("change")
    flight = group.process()
    assert flight.left("change")
    group.clock.now += LIMIT + 1
    assert landed(flight).answer() is None
    silent.stop()


def test_it_takes_too_long(group: Group) -> None:
    """A command that does not end is ended, and that is the reason for the hold."""
    flight = group.process("import threading; threading.Event().wait()")
    flight.left("change")
    group.clock.now += LIMIT + 1
    held = landed(flight).answer()
    assert held is not None
    assert "took more than" in held.reason


def test_it_cannot_be_run(group: Group) -> None:
    """A program that is not there is a reason as well."""
    flight = Preflight(["/no/such"], str(group.folder), {}, group.journal, group.clock)
    held = landed(flight).answer()
    assert held is not None
    assert "cannot be run" in held.reason


def test_stopped(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that nobody waits for is ended."""
    made: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: made.append(real(*a, **k)) or made[0])
    flight = group.process("import threading; threading.Event().wait()")
    flight.left("change")
    flight.stop()
    assert made[0].returncode


def test_the_right_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python` is the application's own, wherever sys.executable points; other words stay."""
    monkeypatch.setattr(sys, "executable", "/usr/sbin/apache2")
    program, *words = preflight.command(["python", "-c", "pass"])
    assert Path(program).is_relative_to(sys.prefix)
    assert words == ["-c", "pass"]
    assert preflight.command(["/bin/true", "x"]) == ["/bin/true", "x"]


def test_its_environment() -> None:
    """It finds its modules where we do, and reloads nothing itself."""
    told = preflight.environment({"KEPT": "1"})
    assert told["KEPT"] == "1"
    assert set(told["PYTHONPATH"].split(os.pathsep)) == {path for path in sys.path if path}
    assert told["WSGIRELOAD"] == "off"
