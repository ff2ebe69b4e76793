"""A Python that has imported wsgireload's command line and forks for each command.

To start Python and to import all commands takes ten times as long as most of them do.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

SERVER = """
import json, os, runpy, signal, socket, sys
import wsgireload.cli

control = socket.socket(fileno=int(sys.argv[1]))
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # those that reply are not waited for
while True:
    request, given, _, _ = socket.recv_fds(control, 1 << 18, 3)
    if not request:
        sys.exit()
    if os.fork():
        for number in given:
            os.close(number)
        continue
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    control.close()
    out, err, reply = given
    if pid := os.fork():
        os.close(out)
        os.close(err)
        os.write(reply, b"%d" % pid)
        os.write(reply, b"%d" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        os._exit(0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.closerange(3, reply + 1)
    words, environment, folder = json.loads(request)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["-m", *words]
    sys.path[0] = folder
    runpy.run_module("wsgireload", run_name="__main__", alter_sys=True)
    sys.exit()
"""


class ForkServer:
    """The server of one Python, started in `folder`; `close` ends it."""

    def __init__(self, python: Path, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with closing(theirs):
            self._process = subprocess.Popen(
                [python, "-c", SERVER, str(theirs.fileno())],
                cwd=folder,
                env=environment,
                pass_fds=[theirs.fileno()],
            )

    def run(
        self, words: Sequence[str], environment: Mapping[str, str], seconds: float
    ) -> tuple[int, str, str]:
        """Run `python -m wsgireload WORDS`; return its exit code, stdout and stderr.

        TimeoutExpired, as from subprocess.run(), if it takes longer: it is killed then.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with closing(ours), tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            given = [out.fileno(), err.fileno(), theirs.fileno()]
            request = json.dumps([words, dict(environment), str(self._folder)])
            with closing(theirs):
                socket.send_fds(self._control, [request.encode()], given)
            pid = int(ours.recv(100))
            ours.settimeout(seconds)
            try:
                code = int(ours.recv(100))
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(list(words), seconds) from None
            return code, _text(out.fileno()), _text(err.fileno())

    def close(self) -> None:
        """End the server."""
        self._control.close()
        self._process.wait()


def _text(file: int) -> str:
    return os.pread(file, os.fstat(file).st_size, 0).decode()
