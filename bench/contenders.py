"""The servers that take turns: wsgireload and others under Apache, and servers with a reloader."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import applications
import recipe
import visitor
from applications import Site
from phases import STAMPS, Turn, divided, logged
from support import processgroup
from support.apacheserver import HOST, Server, free_port, wait_for


class Contender(ABC):
    """A server with an application: stopped while others have their turn, ended by the `with`."""

    name: str
    folder: Path
    """Where the application is."""
    port: int
    group = 0
    """The process group of all its processes; 0 before it is started."""

    def __init__(self) -> None:
        self._saves = 0

    def __enter__(self) -> Self:
        return self

    def await_answer(self) -> None:
        """Return once the application of the last save answers."""
        visitor.first_answer(self.port, applications.text(self._saves))

    def turn(self) -> Turn:
        """Save, and return what came of it."""
        self._saves += 1
        return self._measured(applications.text(self._saves))

    def pause(self) -> None:
        os.killpg(self.group, signal.SIGSTOP)

    def resume(self) -> None:
        os.killpg(self.group, signal.SIGCONT)

    def _save(self) -> None:
        applications.save(self.folder, self._saves)

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def _measured(self, text: str) -> Turn: ...

    @abstractmethod
    def __exit__(self, *error: object) -> None: ...


class UnderApache(Contender):
    """One daemon process of five threads under Apache, with the phases from its log."""

    def __init__(self, name: str, server: Server, site: Site, lines: tuple[str, str]) -> None:
        """`lines`: of the WSGI script, as `applications.write` takes them."""
        super().__init__()
        self.name, self._server, self.folder = name, server, server.app
        applications.write(site, server.app, *lines)
        (server.app / "monitor.py").write_text(recipe.source("os.kill(os.getpid(), signal.SIGINT)"))

    def start(self) -> None:
        self._server.start()
        self.port, self.group = self._server.port, self._server.pid

    def __exit__(self, *error: object) -> None:
        if self.group:
            self.resume()
        self._server.__exit__(*error)

    def _measured(self, text: str) -> Turn:
        with visitor.Ending(self._daemon()) as ending:
            saved = time.time()
            self._save()
            answer = visitor.first_answer(self.port, text)
        ends = logged(self._server.log.lines(), saved)
        if "settle" not in ends and "decide" in ends:  # another reloader's: it logs no decision
            ends["settle"] = ends.pop("decide")
        ends |= dict(zip(STAMPS, answer.stamps, strict=True)) | {"answer": answer.at}
        if ending.at is not None:
            ends["python"] = ending.at
        return Turn(divided(saved, ends), bool(answer.failed))

    def _daemon(self) -> int:
        """The pid of the daemon process, whichever name Apache's configuration gives it."""

        def found() -> list[int]:
            started = processgroup.children(self.group)
            return [pid for pid, command in started.items() if command.startswith("(wsgi:")]

        (pid,) = wait_for(found, "a daemon process")
        return pid


class Program(Contender):
    """A server with a reloader of its own, started by one command."""

    def __init__(
        self, name: str, command: str, site: Site, folder: Path, path: Sequence[str]
    ) -> None:
        super().__init__()
        self.name, self.folder, self._command, self._path = name, folder, command, path
        folder.mkdir(parents=True)
        applications.write(site, folder)

    def start(self) -> None:
        self.port = free_port()
        words = self._command.format(port=self.port, address=f"{HOST}:{self.port}").split()
        environment = {
            "PATH": os.defpath,
            "PYTHONPATH": os.pathsep.join([*self._path, str(self.folder)]),
            "DJANGO_SETTINGS_MODULE": "site_settings",
        }
        with (self.folder / "output.log").open("w") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *words],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        self.group = self._process.pid

    def __exit__(self, *error: object) -> None:
        if self.group:
            os.killpg(self.group, signal.SIGKILL)
            self._process.wait()

    def _measured(self, text: str) -> Turn:
        saved = time.time()
        self._save()
        answer = visitor.first_answer(self.port, text)
        replaced, _, loaded = answer.stamps
        ends = {"replaced": replaced, "imports": loaded, "answer": answer.at}
        return Turn(divided(saved, ends), bool(answer.failed))
