"""A real etcd and a real Redis, each on a free loopback port."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import ClassVar, Self

import pytest

from support.apacheserver import HOST, free_port, wait_for


class CoordinatorServer:
    """One server, as a context manager. `command` is given a folder of its own."""

    program: ClassVar[str]
    scheme: ClassVar[str]

    def __init__(
        self, host: str = HOST, prefix: Sequence[str] = (), tls: Path | None = None
    ) -> None:
        """`prefix` begins its command, as to enter a namespace; `tls` holds its certificate."""
        if not shutil.which(self.program):
            pytest.skip(f"{self.program} is missing: apt-get install {self.program}-server")
        self.host = host
        self.port = free_port()
        self.prefix = prefix
        self.tls = tls
        self._folder = tempfile.mkdtemp(prefix=f"{self.scheme}-")
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0  # where its log began at the last start, in bytes

    @property
    def address(self) -> str:
        """Where it is, as a URL begins."""
        return f"{self.scheme}{'s' if self.tls else ''}://{self.host}:{self.port}"

    def start(self) -> None:
        """Start it, with what it kept; return once it answers."""
        with Path(self._folder, "log").open("ab") as log:
            self._began = log.tell()
            self._process = subprocess.Popen(
                [*self.prefix, *self.command(self._folder)],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_for(self.answers, f"an answer of {self.program} at port {self.port}")

    def kill(self) -> None:
        """End it as a power failure does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self, *, on: bool) -> None:
        """Let it hang, or go on."""
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGSTOP if on else signal.SIGCONT)

    def command(self, folder: str) -> list[str]:
        """The program and its arguments."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether it serves."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


class RedisServer(CoordinatorServer):
    """Redis, which keeps nothing beyond its end."""

    program, scheme = "redis-server", "redis"
    password = ""

    def command(self, folder: str) -> list[str]:
        words = [
            self.program,
            "--bind",
            self.host,
            "--dir",
            folder,
            "--save",
            "",
            "--protected-mode",
            "no",
        ]
        if self.password:
            words += ["--requirepass", self.password]
        if self.tls is None:
            return [*words, "--port", str(self.port)]
        words += ["--port", "0", "--tls-port", str(self.port), "--tls-auth-clients", "no"]
        files = {"cert": "cert.pem", "key": "cert.pem", "ca-cert": "cert.pem"}
        for name, file in files.items():
            words += [f"--tls-{name}-file", str(self.tls / file)]
        return words

    def answers(self) -> bool:
        if self.prefix:
            words = ["redis-cli", "-h", self.host, "-p", str(self.port), "ping"]
            return not subprocess.run(
                [*self.prefix, *words], capture_output=True, check=False
            ).returncode
        with suppress(OSError), socket.create_connection((self.host, self.port), 1):
            return True
        return False


class EtcdServer(CoordinatorServer):
    """One etcd, which keeps everything in its folder."""

    program, scheme = "etcd", "etcd"

    def __init__(self, *arguments: object, **named: object) -> None:
        super().__init__(*arguments, **named)  # type: ignore[arg-type]
        self._peers = free_port()

    def command(self, folder: str) -> list[str]:
        url, peers = f"http://{self.host}:{self.port}", f"http://{HOST}:{self._peers}"
        words = []
        if self.tls is not None:
            url = f"https://{self.host}:{self.port}"
            words = [f"--{name}-file={self.tls / 'cert.pem'}" for name in ("cert", "key")]
        return [
            *(self.program, *words, "--data-dir", f"{folder}/data"),
            *("--listen-client-urls", url, "--advertise-client-urls", url),
            *("--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers),
            *("--initial-cluster", f"default={peers}"),
        ]

    def answers(self) -> bool:
        if self.prefix or self.tls:
            log = Path(self._folder, "log").read_bytes()[self._began :]
            # etcd 3.4, and later ones
            return b"client requests on" in log or b"serving client traffic" in log
        connection = http.client.HTTPConnection(self.host, self.port, timeout=1)
        with suppress(OSError, http.client.HTTPException), closing(connection):
            connection.request("GET", "/health")
            return b'"true"' in connection.getresponse().read()
        return False


KINDS = [EtcdServer, RedisServer]
