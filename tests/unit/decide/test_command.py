"""A command that runs beside the application."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest
from support.openfiles import open_files
from support.standins import Clock
from support.waiting import wait_for

from wsgireload.decide import command as module
from wsgireload.decide.command import LINES, LOST, MOST_BYTES, Command, Outcome

ENDLESS = "print('begun', flush=True); import threading; threading.Event().wait()"


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


def running(command: Command) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    """The process of a command that was started, and its output."""
    assert command._running is not None
    return command._running


def outcome(command: Command) -> Outcome:
    """Wait for it."""
    return wait_for(command.poll)


def test_the_outcome(make: Make) -> None:
    """The exit code and the last lines of both outputs, which are there once."""
    command = make("for n in range(9): print(' ', n, ' \\n', flush=True)", "raise SystemExit('x')")
    assert not command.running
    assert command.poll() is None
    command.start()
    assert command.running
    assert outcome(command)[:2] == (1, ["5", "6", "7", "8", "x"])
    assert LINES == 5
    assert not command.running
    assert command.poll() is None


def test_it_runs_again(make: Make) -> None:
    """A command can be run again and again."""
    command = make("open('runs', 'a').write('x')", "print(open('runs').read())")
    for runs in ("x", "xx"):
        command.start()
        assert outcome(command)[:2] == (0, [runs])


def test_where_it_runs(make: Make, tmp_path: Path) -> None:
    """A command runs in the given folder and environment, without an input."""
    command = make("import os, sys", "print(os.getcwd(), os.environ['KEPT'], sys.stdin.read())")
    command.start()
    assert outcome(command).lines == [f"{tmp_path.resolve()} 1"]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only where descriptors are listed")
def test_what_it_inherits(make: Make, tmp_path: Path) -> None:
    """A command inherits its input and outputs, and no other open file, inheritable or not."""
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        command = make("import os", "print(sorted(os.listdir('/proc/self/fd')))")
        command.start()
        # The last one is what lists them.
        assert outcome(command).lines == ["['0', '1', '2', '3']"]


def test_its_time_limit(make: Make, clock: Clock) -> None:
    """A command that does not end in time is ended."""
    command = make(ENDLESS)
    command.start()
    process, _ = running(command)
    clock.now += 9.5
    assert command.poll() is None
    clock.now += 0.5
    found = command.poll()
    assert found is not None
    assert found.code is None
    assert process.returncode
    assert not command.running


def test_it_is_ended(make: Make) -> None:
    """After end() its process is gone, and none of its files is open."""
    before = open_files()
    command = make(ENDLESS)
    command.start()
    process, _ = running(command)
    command.end()
    assert process.returncode
    assert command.end() == ""
    assert open_files() == before


FAMILY = """\
import os, subprocess, sys, threading
child = subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait()"])
print(os.getpid(), child.pid, "begun", flush=True)
threading.Event().wait()
"""


def begun(command: Command) -> str:
    """Wait for the first line of an endless command."""

    def text() -> str | None:
        assert command.poll() is None
        _, output = running(command)
        text = os.pread(output.fileno(), 999, 0).decode()
        return text if "begun" in text else None

    return wait_for(text)


def test_its_exit_code_is_lost(make: Make) -> None:
    """A command whose exit code other code has collected has failed: its outcome is unknown."""
    command = make("print('done')")
    command.start()
    os.waitpid(running(command)[0].pid, 0)
    found = outcome(command)
    assert found.code == LOST
    assert found.lines[0] == "done"
    assert "exit code was taken" in found.lines[1]


class Popen:
    """Stands in for that of gevent, which refuses to work in another thread than the main one."""

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("child watchers are only available on the default loop")


def test_where_subprocess_is_replaced(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own is used, also where gevent has put another one in its place."""
    monkeypatch.setattr("subprocess.Popen", Popen)
    command = make("print('done')")
    command.start()
    assert outcome(command)[:2] == (0, ["done"])


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="only where there are process groups")
def test_what_it_has_started_is_ended_too(make: Make, clock: Clock) -> None:
    """At the time limit its whole process group is ended."""
    command = make(FAMILY)
    command.start()
    group, grandchild = map(int, begun(command).partition("begun")[0].split())
    assert os.getpgid(grandchild) == group != os.getpgid(0)
    clock.now += 10.0
    assert command.poll() is not None
    wait_for(lambda: not is_running(grandchild))


def is_running(pid: int) -> bool:
    """Whether a process runs; one that has ended may be left to an init that waits for none."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_no_group_of_others(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The group of a command that was waited for is not ended: its number may be another's."""
    ended: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda *_: ended.append(1))
    command = make("pass")
    command.start()
    outcome(command)
    command.start()
    os.waitpid(running(command)[0].pid, 0)
    command.end()
    assert not ended


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="only where there are process groups")
def test_a_command_that_has_left_its_group(make: Make, clock: Clock) -> None:
    """A command that has left its process group is ended too."""
    command = make(f"import os; os.setpgid(0, {os.getpgid(0)})", ENDLESS)
    command.start()
    begun(command)
    process, _ = running(command)
    assert os.getpgid(process.pid) == os.getpgid(0)
    clock.now += 10.0
    assert command.poll() is not None
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("error", [PermissionError, ProcessLookupError])
def test_a_command_that_cannot_be_ended(
    make: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch, error: type[OSError]
) -> None:
    """A command that may not be ended, as one of sudo, is left alone, and blocks nothing."""

    def refuse(*_: object) -> None:
        raise error

    command = make(ENDLESS)
    command.start()
    process, _ = running(command)
    clock.now += 10.0  # its time limit
    with monkeypatch.context() as patched:
        patched.setattr(os, "killpg", refuse)
        patched.setattr(os, "kill", refuse)
        patched.setattr(module, "LEAVES", 0.01)
        assert command.poll() is not None
    assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_command_that_does_not_leave(
    make: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that hangs in the kernel, as on a lost disk, is waited for, but not for ever."""
    monkeypatch.setattr(module, "LEAVES", 0.01)
    command = make(ENDLESS)
    command.start()
    process, _ = running(command)
    clock.now += 10.0  # its time limit
    with monkeypatch.context() as patched:
        patched.setattr(os, "killpg", lambda *_: None)
        patched.setattr(os, "kill", lambda *_: None)
        assert command.poll() is not None
    process.kill()
    process.wait()


@pytest.mark.parametrize("name", ["tempfile.TemporaryFile", "os.memfd_create"])
def test_a_disk_without_room(make: Make, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The output needs no disk where the system has another place for it, and vice versa."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(name, full, raising=False)
    command = make("print('passed')")
    command.start()
    assert outcome(command)[:2] == (0, ["passed"])


def test_output_without_end(make: Make, tmp_path: Path) -> None:
    """Of endless output about 16 MB are kept, and the last lines are reported."""
    command = make(
        "import os, time",
        "print('x' * 20_000_000, flush=True)",
        "while not os.path.exists('shrunk'): time.sleep(0.01)",
        "print('last')",
    )
    command.start()
    file = running(command)[1].fileno()
    wait_for(lambda: os.fstat(file).st_size >= 20_000_000)
    wait_for(lambda: command.poll() is None and os.fstat(file).st_size <= MOST_BYTES)
    (tmp_path / "shrunk").touch()
    assert outcome(command)[:2] == (0, ["last"])


@pytest.mark.parametrize("program", ["/no/such", "a\0b"])
def test_it_cannot_be_run(make: Make, program: str) -> None:
    """A command that cannot be run is an error, and leaves no file open."""
    before = open_files()
    command = make(program=program)
    with pytest.raises((OSError, ValueError)):
        command.start()
    assert not command.running
    assert open_files() == before


def test_noise(make: Make) -> None:
    """Any output, of any length, becomes text."""
    command = make("import sys", "sys.stdout.buffer.write(b'x' * 1_000_000 + b'\\n\\xff!\\n')")
    command.start()
    assert outcome(command).lines[-1] == "\N{REPLACEMENT CHARACTER}!"
