"""Several machines on one: an Apache each, in network namespaces where those can be made."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Self

from support.apacheserver import HOST
from support.testsite import Site

CLONE_NEWNET = 0x40000000
NETWORK = "10.77.0"
SETNS = getattr(ctypes.CDLL(None, use_errno=True), "setns", None)


class Network:
    """A hub and links to it: a namespace for each. `works` is False where none can be made.

    Each name holds this process's number; all of them are removed at the end.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._links = 0
        self.hub = f"hub-{os.getpid()}"
        self.works = os.geteuid() == 0 and SETNS is not None
        try:
            self.works = self.works and self._add(self.hub)
        except (OSError, subprocess.CalledProcessError):
            self.works = False

    @property
    def address(self) -> str:
        """The hub's, where the coordinator listens."""
        return f"{NETWORK}.1" if self.works else HOST

    def link(self, name: str) -> str:
        """Add a machine's namespace, and return its name; "" without namespaces."""
        if not self.works:
            return ""
        self._links += 1
        space, veth = f"{name}-{os.getpid()}", f"v{self._links}"
        self._add(space)
        self._ip(self.hub, f"link add {veth} type veth peer name eth0 netns {space}")
        self._ip(self.hub, f"link set {veth} master br0 up")
        self._ip(space, f"addr add {NETWORK}.{10 + self._links}/24 dev eth0")
        self._ip(space, "link set eth0 up")
        return space

    def cut(self, space: str, *, off: bool) -> None:
        """Take a machine's link down, or up again."""
        self._ip(space, f"link set eth0 {'down' if off else 'up'}")

    @contextmanager
    def inside(self, space: str) -> Iterator[None]:
        """Let this thread be in a namespace, with the sockets and processes that it makes."""
        if not space:
            yield
            return
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _enter(f"/run/netns/{space}")
            yield
        finally:
            _enter(f"/proc/self/fd/{before}")
            os.close(before)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def _add(self, space: str) -> bool:
        run(f"ip netns add {space}")
        self._stack.callback(run, f"ip netns del {space}")
        self._ip(space, "link set lo up")
        if space == self.hub:
            self._ip(space, "link add br0 type bridge")
            self._ip(space, f"addr add {NETWORK}.1/24 dev br0")
            self._ip(space, "link set br0 up")
        return True

    def _ip(self, space: str, command: str) -> None:
        run(f"ip -n {space} {command}")


def run(command: str) -> None:
    """Run a command; an error has its words."""
    done = subprocess.run(command.split(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{command}: {done.stderr.strip()}")


def _enter(path: str) -> None:
    assert SETNS is not None
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if SETNS(descriptor, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter {path}")
    finally:
        os.close(descriptor)


class Machine(Site):
    """An Apache that is alone in its namespace, with a name in the fleet."""

    network: Network
    space = name = ""

    def start(self) -> None:
        with self.network.inside(self.space):
            super().start()

    def get(self, path: str = "/", **headers: str) -> str:
        with self.network.inside(self.space):
            return super().get(path, **headers)

    def cut(self, *, off: bool) -> None:
        """Take it off the network, or back."""
        self.network.cut(self.space, off=off)

    def power_off(self) -> None:
        """End all its processes at once."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        with suppress(FileNotFoundError):
            (self.root / "run" / "httpd.pid").unlink()
