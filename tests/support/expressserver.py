"""A site under mod_wsgi-express, which makes Apache's configuration and starts it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from support.apache import Apache
from support.commandline import CommandLine
from support.httpdconf import Application
from support.testsite import APPLICATION, Site

PROGRAM = """\
#!/bin/sh
exec "$(dirname "$0")/python" -c "from {module} import main; main()" "$@"
"""


def express(home: Path) -> Path:
    """The program, in a virtual environment that has the package."""
    [package] = home.glob("lib/python3*/site-packages/mod_wsgi")
    module = "express.cli" if (package / "express").exists() else "server"  # before mod_wsgi 6
    program = home / "bin" / "mod_wsgi-express"
    program.write_text(PROGRAM.format(module=f"mod_wsgi.{module}"))
    program.chmod(0o755)
    return program


class ExpressSite(Site):
    """The application of tests/e2e under `mod_wsgi-express start-server`, in the foreground.

    Its log goes to the terminal, as in a container. `as_user`: Apache's own user starts it.
    """

    def __init__(self, python: CommandLine, *options: str, as_user: bool = False) -> None:
        super().__init__(Apache.of_venv(python.home), Application())
        self.python = python
        self.options = options
        self.entry_point = str(self.app / "app.wsgi")
        self.is_set_up = False  # by setup-server, and started by the apachectl that this makes
        self.as_user = as_user and self.user is not None
        self.server_root = self.folder("express")
        self.log.path = self._first_words
        shutil.copytree(APPLICATION, self.app, dirs_exist_ok=True)

    def command(self) -> list[str | Path]:
        """What starts Apache in the foreground."""
        if not self.is_set_up:
            return self._words("start-server")
        subprocess.run(self._words("setup-server"), check=True, env=self._environment())
        return [self.server_root / "apachectl", "start", "-DFOREGROUND"]

    def _words(self, command: str) -> list[str | Path]:
        """One of express's commands for this site, as the user that runs it."""
        place = ["--server-root", self.server_root, "--working-directory", self.app]
        drop = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups"]
        user = ["--user", str(self.user), "--group", str(self.user)]
        return [
            *(drop if self.as_user else []),
            *(self.python.home / "bin" / "mod_wsgi-express", command, self.entry_point),
            *(*place, "--host", "127.0.0.1", "--port", str(self.port), "--log-to-terminal"),
            *(user if self.user and not self.as_user else []),
            *self.options,
        ]


ExpressSites = Callable[..., ExpressSite]
