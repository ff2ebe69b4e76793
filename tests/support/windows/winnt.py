"""A Windows Apache in a folder of its own: what server.Server is on Linux."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from support.apacheserver import HOST, Server, ServerError, free_port
from support.httpdconf import Application
from support.windows.lab import Lab, LabError, windows

CONFIG = """\
ServerRoot "{root}"
ServerName localhost
Listen {host}:{port}
PidFile "{root}/httpd.pid"
ErrorLog "{root}/error.log"
LogLevel info
# Apache's own way resets whoever comes in the moment in which the old child lets go.
AcceptFilter http none
ThreadsPerChild 8
LoadModule authz_core_module "{modules}/mod_authz_core.so"
LoadFile "{home}/python{number}.dll"
LoadModule wsgi_module "{mod_wsgi}"
WSGIPythonHome "{home}"
WSGIPythonPath "{path}"
<Directory "{root}">
  Require all granted
</Directory>
"""


def winnt_conf(lab: Lab, version: str, served: Application, root: Path, port: int) -> str:
    """The text for a server in `root`, whose scripts are in `root`/app."""
    apache, home = lab.apache(version), lab.home(version)
    text = CONFIG.format(
        root=windows(root),
        host=HOST,
        port=port,
        modules=windows(apache.modules),
        home=windows(home),
        number=version.replace(".", ""),
        mod_wsgi=windows(apache.mod_wsgi),
        path=";".join(windows(root / folder) for folder in [*served.python_path, "app"]),
    )
    lines = [f"WSGIApplicationGroup {served.group}"] if served.group else []
    for url, script in sorted(served.scripts.items(), reverse=True):  # "/" takes what is left
        file = f'"{windows(root)}/app/{script}"'
        group = f"application-group={served.group or script}" if served.preload else ""
        lines += [f"WSGIScriptAlias {url} {file} {group}"]
        lines += [f"WSGIImportScript {file} {group}"] if served.preload else []
    return "\n".join([text, *lines, served.directives, ""])


class WindowsServer(Server):
    """One Apache under wine, with the mod_wsgi of one Python; else as `Server`.

    One parent and one child, which alone has Python in it: `served.daemon` has no meaning here.
    Pids are Linux' in `pid`, `daemons` and `running`, but Windows' in `child`, in Apache's log,
    and for os.getpid() in the application.
    """

    patience = 180.0
    """Seconds: the first scan of a large application takes 7 s of processor time under wine."""

    def __init__(
        self, lab: Lab, version: str, served: Application, arguments: Sequence[str] = ()
    ) -> None:
        super().__init__(lab.apache(version), served)
        self.user = None  # wine has but one
        self.lab = lab
        self.version = version
        self.arguments = arguments
        """More of httpd's, such as -X."""
        # A copy of the program: its path tells this server's processes from all others.
        self._httpd = self.root / "httpd" / "httpd.exe"
        shutil.copytree(self.apache.httpd.parent, self._httpd.parent)

    def start(self) -> None:
        """Start, and return once the port answers."""
        self.port = free_port()
        config = winnt_conf(self.lab, self.version, self.served, self.root, self.port)
        (self.root / "httpd.conf").write_text(config)
        self._launch()
        self.wait_for(self._answers, f"an answer at port {self.port}")

    def stop(self) -> None:
        """Have Apache stop by its own means, and see that all its processes are gone."""
        try:
            if self.running():
                self._shut_down()
                self.wait_for(lambda: not self.running(), "the end of Apache's processes")
        except (LabError, ServerError, TimeoutError) as error:
            left = self.running()
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            raise ServerError(f"Apache was told to stop and left {left}: {error}") from error
        finally:
            if self._process:
                self._process.wait(10)
            self._process = None

    def restart(self) -> None:
        """Set the event that a child sets to have Apache restart, but from outside."""
        self.lab.set_event(f"ap{self._windows_pid}_restart")

    graceful = restart  # on Windows there is no difference

    def running(self) -> list[int]:
        """The pids of this server's processes, the oldest first: that is the parent."""
        program = windows(self._httpd).encode()
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                command = (path / "cmdline").read_bytes().replace(b"\\", b"/")
                if command.startswith(program):  # a dead process has none
                    started = (path / "stat").read_text().rpartition(")")[2].split()[19]
                    found.append((int(started), int(path.name)))
            except (FileNotFoundError, ProcessLookupError):  # it ended as we looked
                continue
        return [pid for _, pid in sorted(found)]

    @property
    def pid(self) -> int:
        """The parent's."""
        if not (running := self.running()):
            raise ServerError("Apache is not running")
        return running[0]

    def daemons(self) -> set[int]:
        """The pids of the children: one, or more while old ones end."""
        return set(self.running()[1:])

    @property
    def child(self) -> int:
        """Windows' pid of the newest child."""
        return int(self.log.lines("AH00418")[-1].text.rpartition(" ")[2])

    def restarts(self) -> int:
        """How often Apache was asked to restart and did."""
        return len(self.log.lines("AH00424: Parent: Received restart signal"))

    def _launch(self) -> None:
        where = ["-d", windows(self.root), "-f", windows(self.root / "httpd.conf")]
        with self._first_words.open("wb") as first_words:
            self._process = subprocess.Popen(
                ["wine", windows(self._httpd), *where, *self.arguments],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=first_words,
                stderr=subprocess.STDOUT,
                process_group=0,  # a Ctrl-C at the terminal is ours to answer, not Apache's
            )

    def _shut_down(self) -> None:
        self.lab.set_event(f"ap{self._windows_pid}_shutdown")

    @property
    def _windows_pid(self) -> int:
        """The parent's, as Windows has it."""
        return int((self.root / "httpd.pid").read_text())

    def _environment(self) -> dict[str, str]:
        return {**self.lab.environment, **self.served.environment}


class WindowsService(WindowsServer):
    """Apache as a service of Windows': installed by `start`, and gone again after `stop`.

    A service has the environment of Windows: `served.environment` does not reach it.
    """

    @property
    def name(self) -> str:
        return re.sub(r"\W", "", self.root.name)

    def restart(self) -> None:
        """What `httpd -k restart -n NAME` does: it looks at the configuration first."""
        self._control("-k", "restart", "-n", self.name)

    def _launch(self) -> None:
        where = ("-d", windows(self.root), "-f", windows(self.root / "httpd.conf"))
        self._control("-k", "install", "-n", self.name, *where)
        self._must("net", "start", self.name)

    def _shut_down(self) -> None:
        self._must("net", "stop", self.name)
        self._control("-k", "uninstall", "-n", self.name)

    def _control(self, *arguments: str) -> None:
        self._must(windows(self._httpd), *arguments)

    def _must(self, *command: str) -> None:
        done = self.lab.run(*command)
        if done.returncode:
            raise ServerError(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
