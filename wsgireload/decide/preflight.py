"""May we: does the user's own command find the new code good?

It runs in a process of its own, with the application's Python, folder and paths, while the old code
serves. The processes of a group share one run of it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence

from wsgireload.decide.syntax import Hold

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from typing import IO, Protocol

    class Shared(Protocol):
        """Where the processes of a group tell each other: see journal.py."""

        def first(self, name: str) -> bool: ...
        def tell(self, name: str, text: str) -> None: ...
        def told(self, name: str, younger_than: float) -> str | None: ...


LIMIT = 60.0  # seconds that the command may take
POLL = 0.05
LINES = 5  # so many last lines of what it says are worth telling
PASSED = "passed"


class Preflight:
    """Runs the command once for each change: `left` until there is an answer, then `answer`."""

    def __init__(
        self,
        command: Sequence[str],
        folder: str,
        environment: Mapping[str, str],
        shared: Shared,
        clock: Callable[[], float],
    ) -> None:
        """`command` is a program and its arguments: no shell ever reads it."""
        self._command = list(command)
        self._folder = folder
        self._environment = dict(environment)
        self._shared = shared
        self._clock = clock
        self._what: str | None = None
        self._began = 0.0
        self._running: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None
        self._text: str | None = None  # PASSED, or what is wrong; None: not known yet

    def left(self, what: str) -> float:
        """Seconds until it is worth asking again; 0.0 when the answer is there.

        `what` names the change, the same in each process of the group.
        """
        if what != self._what:
            self.stop()
            self._what, self._began, self._text = what, self._clock(), None
            if self._shared.first(f"{what}.flight"):
                self._run()
        if self._text is None and self._running is None:
            self._wait_for_the_other()
        elif self._running is not None:
            self._look_at(self._running)
        return POLL if self._text is None else 0.0

    def answer(self) -> Hold | None:
        """A hold with the command's last words, or None where it was content."""
        if self._text is None or self._text == PASSED:
            return None
        return Hold(f"the preflight {' '.join(self._command)!r} {self._text}")

    def stop(self) -> None:
        """End a run that nobody waits for any more."""
        if self._running is not None:
            self._running.kill()
            self._end(self._running)

    def _run(self) -> None:
        import subprocess
        import tempfile

        # A file and not a pipe: however much it says, nobody has to read along.
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - _end closes it
        try:
            self._running = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except (OSError, ValueError) as error:
            self._output.close()
            self._settle(f"cannot be run: {error}")

    def _look_at(self, running: subprocess.Popen[bytes]) -> None:
        if running.poll() is not None:
            code = running.returncode
            said = self._end(running)
            self._settle(PASSED if code == 0 else f"ended with {code}: {said}")
        elif self._clock() - self._began > LIMIT:
            running.kill()
            self._settle(f"took more than {LIMIT:g} s: {self._end(running)}")

    def _wait_for_the_other(self) -> None:
        """Another process of the group runs it; or did, and left before it could tell."""
        self._text = self._shared.told(f"{self._what}.flown", LIMIT)
        if self._text is None and self._clock() - self._began > LIMIT:
            self._began = self._clock()
            self._run()

    def _settle(self, text: str) -> None:
        self._text = text
        self._shared.tell(f"{self._what}.flown", text)

    def _end(self, running: subprocess.Popen[bytes]) -> str:
        """Its last words."""
        running.wait()
        self._running = None
        if self._output is None:
            return ""
        with self._output as output:
            output.seek(max(0, output.seek(0, os.SEEK_END) - 4096))
            lines = output.read().decode("utf-8", "replace").split("\n")
        return " / ".join([line.strip() for line in lines if line.strip()][-LINES:])


def command(words: Sequence[str]) -> list[str]:
    """The command, in which `python` is the Python that runs the application.

    Inside Apache sys.executable is not: it is looked for where that Python is installed.
    """
    if words[0] not in ("python", "python3"):
        return list(words)
    major, minor = sys.version_info[:2]
    names = (f"bin/python{major}.{minor}", "bin/python3", "python.exe", "Scripts/python.exe")
    paths = [os.path.join(sys.prefix, *name.split("/")) for name in names]
    found = [path for path in paths if os.access(path, os.X_OK)]
    return [found[0] if found else words[0], *words[1:]]


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """What the command runs in: as we do, and it finds its modules where we do."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return {**ours, "PYTHONPATH": path, "WSGIRELOAD": "off"}
