"""May we: would the server start again with the configuration that lies on disk now?

A restarted Apache on Windows reads all of its configuration again, and an error there ends it: the
site is down. `httpd -k restart` looks first; a signal from the inside does not, so we do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wsgireload.decide.syntax import Hold

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess

LIMIT = 30.0  # seconds that a check may take
FRESH = 2.0  # seconds for which an answer counts, and between two checks of what is held
POLL = 0.02
NO_WINDOW = 0x08000000  # CREATE_NO_WINDOW: a service has no screen to show one on


class ConfigCheck:
    """Runs the server's own check beside us: begun early, it is done when we want to know."""

    def __init__(
        self, command: str, environment: Mapping[str, str], clock: Callable[[], float]
    ) -> None:
        """`command` is how this server was started; `environment` what it runs in."""
        self._command = command
        # An httpd that finds it believes that it is the child of a running one.
        kept = {name: value for name, value in environment.items() if name != "AP_PARENT_PID"}
        self._environment = kept
        self._clock = clock
        self._running: subprocess.Popen[str] | None = None
        self._began = float("-inf")
        self._answer: Hold | None = None
        self._vain = False

    def foresee(self) -> None:
        """Begin a check that may come in useful; but not if the last such did not."""
        if not self._vain:
            self._vain = True
            self.begin()

    def begin(self) -> None:
        """Begin a check, unless one runs or the last answer is fresh."""
        if self._running is not None or self._clock() - self._began < FRESH:
            return
        import subprocess

        self._began = self._clock()
        try:
            self._running = subprocess.Popen(
                f"{self._command} -t",
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                creationflags=NO_WINDOW,
            )
        except OSError as error:
            self._answer = Hold(f"the server's configuration cannot be checked: {error}")

    def left(self) -> float:
        """Seconds until it is worth asking again; 0.0 when the answer is there."""
        running = self._running
        if running is None:
            return 0.0
        if running.poll() is None:
            if self._clock() - self._began < LIMIT:
                return POLL
            running.kill()
            self._answer = Hold(f"the check of the configuration took more than {LIMIT:g} s")
        else:
            told = running.stdout.read(8192).split("\n") if running.stdout else []
            words = " ".join(line.strip() for line in told if line.strip())
            good = running.returncode == 0
            self._answer = None if good else Hold(f"the server's configuration is broken: {words}")
        self._end(running)
        return 0.0

    def answer(self) -> Hold | None:
        """What the last check said: a hold, or None where the server would start."""
        self._vain = False
        return self._answer

    def stop(self) -> None:
        """End a check that still runs: nobody waits for its answer."""
        if self._running is not None:
            self._running.kill()
            self._end(self._running)

    def _end(self, running: subprocess.Popen[str]) -> None:
        if running.stdout:
            running.stdout.close()
        running.wait()
        self._running = None
