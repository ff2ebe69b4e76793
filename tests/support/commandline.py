"""wsgireload's own commands, run with a virtual environment that Apache's user may read."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import tempfile
import venv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import SkipTest

from support.apache import Apache
from support.forkserver import ForkServer
from support.packages import copy_packages

SECONDS = 60.0
"""What a command may take."""
_servers: dict[tuple[Path, int], ForkServer] = {}


@dataclass(frozen=True)
class Done:
    """What came of one command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class CommandLine:
    """The commands of one virtual environment."""

    home: Path

    @classmethod
    def make(cls, home: Path, *packages: str) -> CommandLine:
        """A new environment of this Python, with wsgireload and more in it, and a mod_wsgi."""
        venv.create(home, symlinks=True)
        installed = next(home.glob("lib/python3*/site-packages"))
        wanted = ["wsgireload", *packages]
        try:
            Apache.of_the_system()
        except SkipTest:  # the system has none for this Python
            wanted.append("mod_wsgi")
        copy_packages(installed, *dict.fromkeys(wanted))
        program = home / "bin" / "wsgireload"
        program.write_text('#!/bin/sh\nexec "${0%/*}/python" -P -m wsgireload "$@"\n')
        program.chmod(0o755)
        return cls(home)

    @classmethod
    @contextlib.contextmanager
    def readable(cls, *packages: str) -> Iterator[CommandLine]:
        """A new one in a folder of its own where www-data can read it, removed at the end."""
        with tempfile.TemporaryDirectory(prefix="commandline-") as folder:
            Path(folder).chmod(0o755)
            made = cls.make(Path(folder, "venv"), *packages)
            with contextlib.closing(made):
                yield made

    @property
    def packages(self) -> Path:
        return next(self.home.glob("lib/python3*/site-packages"))

    def __call__(self, *words: str | Path, environment: Mapping[str, str] | None = None) -> Done:
        """Run `wsgireload` with these words, and nothing of our own environment that matters."""
        known = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
        known |= {"NO_COLOR": "1"}
        arguments, more = [*map(str, words)], environment or {}
        if "LD_PRELOAD" in more:  # which only counts at the start of a program
            return self._started(arguments, {**known, **more})
        return Done(*self._server(known).run(arguments, {**known, **more}, SECONDS))

    def _started(self, words: list[str], environment: dict[str, str]) -> Done:
        done = subprocess.run(
            [self.home / "bin" / "python", "-m", "wsgireload", *words],
            env=environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def _server(self, environment: Mapping[str, str]) -> ForkServer:
        """The one that has imported the package as it is now: a test may take a file away."""
        key = self.home, (self.packages / "wsgireload").stat().st_mtime_ns
        if key not in _servers:
            self.close()
            _servers[key] = ForkServer(self.home / "bin" / "python", self.home, environment)
        return _servers[key]

    def close(self) -> None:
        """End what runs for this environment."""
        for key in [key for key in _servers if key[0] == self.home]:
            _servers.pop(key).close()


@atexit.register
def _close_all() -> None:
    for server in _servers.values():
        server.close()
