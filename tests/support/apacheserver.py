"""A real Apache in a folder of its own: started, asked, reloaded, and ended without a trace."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from support import processgroup
from support.apache import Apache
from support.errorlog import ErrorLog
from support.httpdconf import GROUP, Application, httpd_conf

Result = TypeVar("Result")

HOST = "127.0.0.1"
APACHE_USER = "www-data"
"""Who Apache's processes are when we are root, as where Apache comes from a package."""


DEADLINE = 60.0
"""Seconds for whatever has to happen: a safety net, many times what it takes on a busy machine."""


class ServerError(Exception):
    """The server did not do as it was told, or did not answer with 200."""


def wait_for(
    condition: Callable[[], Result | None], what: str, *, deadline: float = DEADLINE
) -> Result:
    """Return the first true value of `condition`, polled for `deadline` seconds.

    A condition that is expensive to check is checked less often: it delays what is waited for. One
    that took seconds has waited by itself, as a request to a server that restarts.
    """
    end = time.monotonic() + deadline
    while True:
        began = time.monotonic()
        if result := condition():
            return result
        now = time.monotonic()
        if now > end:
            raise TimeoutError(f"{what}: not within {deadline:g} s")
        time.sleep(min(max(0.01, 10 * (now - began)), 1.0))


class Server:
    """One Apache on a free loopback port: put the application into `app`, then `start()`.

    As a context manager it removes its folder at the end, and stops first if it still runs.
    """

    patience = 25.0
    """Seconds for whatever has to happen: less than the 30 s of a sweep, which needs no event."""

    within: str | None = None
    """Where its folder is; None is the usual place for temporary ones."""

    def __init__(self, apache: Apache, served: Application) -> None:
        self.apache = apache
        self.served = served
        self.user = APACHE_USER if os.name != "nt" and os.getuid() == 0 else None
        self.root = Path(tempfile.mkdtemp(prefix="apache-", dir=self.within))
        self.root.chmod(0o755)
        self.app, self.temporary, _ = map(self.folder, ("app", "tmp", "run"))
        self.log = ErrorLog(self.root / "error.log")
        self.arguments = ["-DFOREGROUND"]
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def folder(self, name: str) -> Path:
        """A folder below the server's own, which Apache's user may write to."""
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        if self.user:
            import pwd  # there is none on Windows

            user = pwd.getpwnam(self.user)
            os.chown(path, user.pw_uid, user.pw_gid)
        return path

    def start(self) -> None:
        """Start, and return once the port answers."""
        self.port = free_port()
        with self._first_words.open("ab") as first_words:  # beside Apache, as its error log
            self._process = subprocess.Popen(
                self.command(),
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=first_words,
                stderr=subprocess.STDOUT,
                process_group=0,  # a Ctrl-C at the terminal is ours to answer, not Apache's
            )
        wait_for(self._answers, f"an answer at port {self.port}")

    def command(self) -> list[str | Path]:
        """What starts Apache in the foreground; writes its configuration."""
        config = self.root / "httpd.conf"
        config.write_text(httpd_conf(self.apache, self.served, self.root, self.port, self.user))
        return [self.apache.httpd, *self.arguments, "-f", config]

    def stop(self) -> None:
        """Have Apache stop, as `apachectl stop` does, and see that all its processes are gone."""
        if not self._process:
            return
        parent = self._process
        try:
            if "-X" in self.arguments:  # such an Apache sometimes leaves its daemon process behind
                os.killpg(parent.pid, signal.SIGTERM)
            else:
                parent.terminate()
            parent.wait(30)
            wait_for(lambda: not processgroup.members(parent.pid), "the end of Apache's processes")
        except (subprocess.TimeoutExpired, TimeoutError) as error:
            left = processgroup.members(parent.pid)
            os.killpg(parent.pid, signal.SIGKILL)
            parent.wait()
            raise ServerError(f"Apache was told to stop and left: {left}") from error
        finally:
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self.stop()
        finally:
            for folder in filter(Path.is_dir, self.root.rglob("*")):
                folder.chmod(0o755)  # a test may have made it one that cannot be written to
            # On Windows a scanner of viruses may have a file of it open.
            shutil.rmtree(self.root, ignore_errors=os.name == "nt")

    def wait_for(self, condition: Callable[[], Result | None], what: str) -> Result:
        """As the function of this name, with the patience of this server."""
        return wait_for(condition, what, deadline=self.patience)

    @property
    def pid(self) -> int:
        """The parent's."""
        if not self._process:
            raise ServerError("Apache is not running")
        return self._process.pid

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/"

    def graceful(self) -> None:
        """What `apachectl graceful` does."""
        os.kill(self.pid, signal.SIGUSR1)

    def restart(self) -> None:
        """What `apachectl restart` does."""
        os.kill(self.pid, signal.SIGHUP)

    def get(self, path: str = "/", **headers: str) -> str:
        """What the application answers; ServerError where that is not a 200."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=2 * self.patience)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            body = answer.read().decode()
        finally:
            connection.close()
        if answer.status != 200:
            raise ServerError(f"GET {path}: {answer.status} {answer.reason}\n{body}")
        return body

    def daemons(self) -> set[int]:
        """The pids of the daemon process group."""
        started = processgroup.children(self.pid)
        return {pid for pid, command in started.items() if command.startswith(f"(wsgi:{GROUP})")}

    def versions(self) -> dict[str, str]:
        """What Apache is made of, by its own greeting: {"mod_wsgi": "6.1.1", "Python": "3.11"}."""
        # Logged after the port answers.
        greeting = partial(self.log.lines, "resuming normal operations")
        line, *_ = self.wait_for(greeting, "Apache's greeting")
        return dict(re.findall(r"(\w+)/([\d.]+)", line.text))

    @property
    def _first_words(self) -> Path:
        """What Apache says before it has an error log."""
        return self.root / "start.log"

    def _environment(self) -> dict[str, str]:
        # Nothing of the shell that called us: it may switch bytecode off, or say WSGIRELOAD.
        own = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"}
        return {**own, "TMPDIR": str(self.temporary), **self.served.environment}

    def _answers(self) -> bool:
        if self._process and self._process.poll() is not None:
            self._process = None
            raise ServerError(f"Apache ended:\n{self._first_words.read_text()}{self.log.text()}")
        try:
            socket.create_connection((HOST, self.port), timeout=1).close()
        except (ConnectionRefusedError, TimeoutError):  # Windows tries for 2 s before it gives up
            return False
        return True


def free_port() -> int:
    """A port that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
