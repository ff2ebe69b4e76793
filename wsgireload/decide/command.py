"""A command that runs beside the application, with a time limit.

`subprocess` is imported with the first command: most processes run none, and save 0.3 MB.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import IO, TYPE_CHECKING, NamedTuple

from wsgireload.errors import NativeError
from wsgireload.server import native
from wsgireload.threads import sleep, time

if TYPE_CHECKING:
    import subprocess

LINES = 5  # of its output, the last ones are logged
MOST_LOGGED = 1 << 12  # characters that these have in all
MOST_BYTES = 1 << 24  # of its output are kept: memory that a runaway command takes from the site
MOST_TEXT = 1 << 17  # bytes of its output are reported, the last ones
LOST = 256  # no exit code
LEAVES = 1.0  # seconds for a process to leave once it was ended; one that cannot, stays behind
RETRY = 0.005
OWN_GROUP = None if os.name == "nt" else 0  # 0: a new process group, with the command as its leader
NO_WINDOW = 0x08000000 if os.name == "nt" else 0  # CREATE_NO_WINDOW: a service has no screen


class Outcome(NamedTuple):
    """The exit code, None for a command that was ended at its time limit; its last lines.

    `text` is the last part of all that it has printed.
    LOST where other code of this process, as a loop of libev, has waited for the command.
    """

    code: int | None
    lines: list[str]
    text: str = ""


class Command:
    """Runs a command for at most `limit` seconds; again and again, one process at a time."""

    def __init__(
        self,
        arguments: str | Sequence[str],
        environment: Mapping[str, str],
        folder: str | None,
        limit: float,
        clock: Callable[[], float],
    ) -> None:
        """No shell reads the arguments."""
        self.arguments = arguments
        self._environment = environment
        self._folder = folder
        self._limit = limit
        self._clock = clock
        self._began = 0.0
        self._running: tuple[subprocess.Popen[bytes], IO[bytes]] | None = None
        self._job: int | None = None  # on Windows, where no process group can be ended

    @property
    def running(self) -> bool:
        """Whether it was started, and its outcome not yet taken."""
        return self._running is not None

    def start(self, *more: str, stdin: int | None = None, stdout: IO[bytes] | None = None) -> None:
        """Start it, with `more` arguments; OSError or ValueError where that cannot be done.

        `stdin` is a descriptor. What goes to `stdout` is for the caller, and not limited.
        """
        python = _own_subprocess()
        self._began = self._clock()
        with contextlib.ExitStack() as stack:
            output = stack.enter_context(temporary_file())
            process = python.Popen(
                [*self.arguments, *more] if more else self.arguments,
                cwd=self._folder,
                env=self._environment,
                stdin=python.DEVNULL if stdin is None else stdin,
                stdout=output if stdout is None else stdout,
                stderr=output,
                creationflags=NO_WINDOW,
                process_group=OWN_GROUP,
            )
            if OWN_GROUP is None:
                with contextlib.suppress(NativeError):  # then the command alone can be ended
                    self._job = native.job(int(process._handle))
            self._running = process, output
            stack.pop_all()  # it stays open

    def poll(self) -> Outcome | None:
        """The outcome, once; None as long as there is none."""
        if self._running is None:
            return None
        process, output = self._running
        code = _exit_code(process)
        if code is None and self._clock() - self._began < self._limit:
            if os.fstat(output.fileno()).st_size > MOST_BYTES:
                output.seek(0)  # this is the command's position too
                os.ftruncate(output.fileno(), 0)
            return None
        text = self.end()
        lines = [line.strip() for line in text[-MOST_LOGGED:].split("\n") if line.strip()][-LINES:]
        if code == LOST:
            lines.append("(its exit code was taken by other code, which waits for all processes)")
        return Outcome(code, lines, text)

    def end(self) -> str:
        """End it and what it has started, if it still runs; returns what it has printed last."""
        if self._running is None:
            return ""
        process, file = self._running
        self._running = None
        # As long as it was not waited for, no other process and no other group has its number.
        still_runs = _exit_code(process) is None
        if self._job is not None:
            native.end_job(self._job, kill=still_runs)
            self._job = None
        if still_runs:
            _kill(process)
        with file as output:
            output.seek(max(0, output.seek(0, os.SEEK_END) - MOST_TEXT))
            return output.read().decode("utf-8", "replace")


def interpreter() -> str | None:
    """The Python that runs the application, as a program; None if it is not found.

    Inside Apache sys.executable is another program: search where that Python is installed.
    """
    major, minor = sys.version_info[:2]
    version = f"bin/python{major}.{minor}"
    flags = getattr(sys, "abiflags", "")  # "t" of a free-threaded build
    names = (version + flags, version, "bin/python3", "python.exe", "Scripts/python.exe")
    # The first is a virtual environment's, or any folder that an activate_this.py has put there.
    homes = (sys.prefix, sys.base_prefix)
    paths = [os.path.join(home, *name.split("/")) for home in homes for name in names]
    return next((path for path in paths if os.access(path, os.X_OK)), None)


def temporary_file() -> IO[bytes]:
    """A file to exchange data with a command: a pipe would block it once it is full.

    In memory where the system can: then a disk that is full or read-only fails no check.
    """
    with contextlib.suppress(AttributeError, OSError):
        return open(os.memfd_create("wsgireload"), "w+b")
    import tempfile

    return tempfile.TemporaryFile()


def _own_subprocess() -> ModuleType:
    """Python's own `subprocess`, also where gevent or eventlet has put another one in its place.

    Theirs need a loop that runs in the main thread.
    """
    import subprocess

    spec, popen = subprocess.__spec__, vars(subprocess)["Popen"]
    if not isinstance(popen, type) or popen.__module__ == "subprocess" or spec is None:
        return subprocess
    from importlib.util import module_from_spec

    module = module_from_spec(spec)
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


def _exit_code(process: "subprocess.Popen[bytes]") -> int | None:
    """As `Popen.poll`, which returns 0 where the exit code is LOST."""
    if OWN_GROUP is not None and process.returncode is None:
        try:
            pid, status = os.waitpid(process.pid, os.WNOHANG)
        except ChildProcessError:
            process.returncode = LOST
        else:
            process.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return process.returncode
    return process.poll()


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(OSError):  # another user's, as after sudo, or it has left its group
        if OWN_GROUP is not None:
            from signal import SIGKILL

            os.killpg(process.pid, SIGKILL)
    with contextlib.suppress(OSError):
        process.kill()
    end = time.monotonic() + LEAVES
    while _exit_code(process) is None and time.monotonic() < end:
        sleep(RETRY)
