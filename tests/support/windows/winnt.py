"""A Windows Apache in a folder of its own: what `Server` is on Linux. It needs a Windows."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from support.apache import Apache
from support.apacheserver import HOST, Server, ServerError, free_port
from support.httpdconf import Application
from support.windows import installed, processes

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
{site}
"""
SITE = """\
LoadFile "{home}/python{number}.dll"
LoadModule wsgi_module "{mod_wsgi}"
WSGIPythonHome "{home}"
WSGIPythonPath "{path}"
<Directory "{root}">
  Require all granted
</Directory>
"""


def winnt_conf(apache: Apache, served: Application, root: Path, port: int) -> str:
    """The text for a server in `root`, whose scripts are in `root`/app."""
    modules, site = apache.modules.as_posix(), site_conf(apache, served, root)
    return CONFIG.format(root=root.as_posix(), host=HOST, port=port, modules=modules, site=site)


def site_conf(apache: Apache, served: Application, root: Path) -> str:
    """The part of it that a person adds to the configuration that came with an Apache."""
    home, number = Path(sys.base_prefix), "{}{}".format(*sys.version_info)
    text = SITE.format(
        root=root.as_posix(),
        home=home.as_posix(),
        number=number,
        mod_wsgi=apache.mod_wsgi.as_posix(),
        path=";".join((root / folder).as_posix() for folder in [*served.python_path, "app"]),
    )
    lines = [f"WSGIApplicationGroup {served.group}"] if served.group else []
    for url, script in sorted(served.scripts.items(), reverse=True):  # "/" takes what is left
        file = f'"{root.as_posix()}/app/{script}"'
        # An alias that names its group: on Windows that is what mod_wsgi preloads.
        group = f"application-group={served.group or script}" if served.preload else ""
        lines += [f"WSGIScriptAlias {url} {file} {group}"]
    return "\n".join([text, *lines, served.directives, ""])


class WindowsServer(Server):
    """One Apache with the mod_wsgi of the Python that runs; else as `Server`.

    One parent and one child, which alone has Python in it: `served.daemon` has no meaning here.
    """

    patience = 180.0
    """Seconds: the first scan of a large application takes 7 s of processor time under wine."""

    home = ""
    """Apache's own folder, below the server's."""
    within = os.environ["PROGRAMDATA"]  # no service reads a user's own temporary files

    def __init__(self, apache: Apache, served: Application, arguments: Sequence[str] = ()) -> None:
        super().__init__(apache, served)
        self.arguments = list(arguments)
        """More of httpd's, such as -X."""
        # A copy of the program: its path tells this server's processes from all others. Not by
        # CopyFile2, which copytree uses by itself and wine 8 lacks.
        self.httpd = self.root / self.home / "bin" / "httpd.exe"
        shutil.copytree(apache.httpd.parent, self.httpd.parent, copy_function=shutil.copyfile)

    def start(self) -> None:
        """Start, and return once the port answers."""
        self.port = free_port()
        self._configure()
        self._launch()
        self.wait_for(self._answers, f"an answer at port {self.port}")

    def stop(self) -> None:
        """Have Apache stop by its own means, and see that all its processes are gone."""
        try:
            if self.running():
                self._shut_down()
                self.wait_for(lambda: not self.running(), "the end of Apache's processes")
        except (OSError, ServerError) as error:  # TimeoutError is one of the first
            left = self.running()
            for pid in left:
                with suppress(OSError):  # it ended meanwhile
                    os.kill(pid, signal.SIGTERM)  # on Windows that ends it at once
            raise ServerError(f"Apache was told to stop and left {left}: {error}") from error
        finally:
            if self._process:
                self._process.wait(10)
            self._process = None

    def restart(self) -> None:
        """Set the event that a child sets to have Apache restart, but from outside."""
        processes.set_event(f"ap{self.pid}_restart")

    graceful = restart  # on Windows there is no difference

    @property
    def config(self) -> Path:
        return self.root / "httpd.conf"

    @property
    def pid_file(self) -> Path:
        return self.root / "httpd.pid"

    def running(self) -> set[int]:
        """The pids of this server's processes."""
        return processes.running(self.httpd)

    @property
    def pid(self) -> int:
        """The parent's. It listens before it writes the file."""
        self.wait_for(lambda: self.pid_file.exists() and self.pid_file.read_text(), "its pid")
        pid = int(self.pid_file.read_text())
        if pid not in self.running():
            raise ServerError("Apache is not running")
        return pid

    def daemons(self) -> set[int]:
        """The pids of the children: one, or more while old ones end."""
        return self.running() - {self.pid}

    @property
    def child(self) -> int:
        """The pid of the newest child."""
        return int(self.log.lines("AH00418")[-1].text.rpartition(" ")[2])

    def restarts(self) -> int:
        """How often Apache was asked to restart and did."""
        return len(self.log.lines("AH00424: Parent: Received restart signal"))

    def _configure(self) -> None:
        conf = winnt_conf(self.apache, self.served, self.root, self.port)
        self.config.write_text(conf, "utf-8")  # as Apache reads it on Windows

    def _launch(self) -> None:
        where = ["-d", self.root, "-f", self.config]
        self._begin(*where, *self.arguments)

    def _begin(self, *arguments: str | Path) -> None:
        with self._first_words.open("wb") as first_words:
            self._process = subprocess.Popen(
                [self.httpd, *arguments],
                env=installed.environment(**self.served.environment),
                stdin=subprocess.DEVNULL,
                stdout=first_words,
                stderr=subprocess.STDOUT,
                # A Ctrl-C at the console is ours to answer, not Apache's.
                creationflags=subprocess.CREATE_NEW_PROCESS_GROUP,
            )

    def _shut_down(self) -> None:
        processes.set_event(f"ap{self.pid}_shutdown")


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
        self._control("-k", "install", "-n", self.name, "-d", self.root, "-f", self.config)
        self._must("net", "start", self.name)

    def _shut_down(self) -> None:
        self._must("net", "stop", self.name)
        self._control("-k", "uninstall", "-n", self.name)

    def _control(self, *arguments: str | Path) -> None:
        self._must(self.httpd, *arguments)

    def _must(self, *command: str | Path) -> None:
        done = installed.run(*command)
        if done.returncode:
            raise ServerError(f"{command}:\n{done.stdout}{done.stderr}")
