"""One peer's process, seen from outside: what it says, and what it costs according to /proc."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from modules import source
from support import processgroup

HERE = Path(__file__).parent


class PeerError(Exception):
    """The peer does not run here; the message is why."""


def begin(command: Sequence[str | Path], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """Start a process to talk with; in a group of its own, so that its children can be found."""
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
        env=environment,
    )


class Process:
    """A peer with the modules of a folder imported; started by `watch`, ended by the `with`."""

    patience = 300.0
    """Seconds for what takes as long as it takes, such as importing 50,000 modules."""

    def __init__(self, peer: str, folder: Path) -> None:
        self.peer, self.folder = peer, folder
        self._process = self._start(peer, folder)
        self._lines: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._loaded = False
        self._last_words = "it ended"
        threading.Thread(target=self._read, daemon=True).start()
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def _start(self, peer: str, folder: Path) -> subprocess.Popen[str]:
        # A journal of its own for wsgireload: what other runs restarted is nothing to it.
        state = folder.parent / "state"
        state.mkdir(exist_ok=True)
        known = {"PATH": os.defpath, "XDG_STATE_HOME": str(state)}
        return begin([sys.executable, HERE / "watchers.py", peer, folder], known)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()
        self._listening.join(1.0)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()

    def source(self, number: int) -> Path:
        """The file of a module."""
        return source(self.folder, number)

    def load(self) -> None:
        """Wait until its modules are imported."""
        if not self._loaded:
            self._loaded = bool(self.said("imported", self.patience))

    def watch(self) -> dict[str, float]:
        """Start the peer, once its modules are imported: the seconds until it watches."""
        self.load()
        self._before = self.resident()
        assert self._process.stdin is not None
        print("go", file=self._process.stdin, flush=True)
        return self.said("watching", self.patience)["watching"]

    def said(self, key: str, seconds: float) -> dict[str, Any]:
        """The next line with this key; PeerError if the peer ended, TimeoutError if it is mute."""
        end = time.monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise TimeoutError(f"{self.peer}: nothing {key} within {seconds:g} s") from None
            if line is None:
                self._listening.join(1.0)  # it may have more to say
                raise PeerError(self._last_words)
            if key in line:
                return line

    def processor(self) -> float:
        """Seconds that it and its children have had of a processor, to the nanosecond."""
        parts = [
            path
            for pid in processgroup.members(self._process.pid)
            for path in Path(f"/proc/{pid}/task").iterdir()
        ]
        return sum(int((path / "schedstat").read_text().split()[0]) for path in parts) / 1e9

    def resident(self) -> float:
        """Megabytes resident, its children's included."""
        pages = [
            Path(f"/proc/{pid}/statm").read_text().split()[1]
            for pid in processgroup.members(self._process.pid)
        ]
        return sum(map(int, pages)) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def added(self) -> float:
        """Megabytes resident more than before the peer was imported."""
        return self.resident() - self._before

    def trace(self) -> Trace:
        """Begin to count its system calls; it runs slower from now on."""
        return Trace(self._process.pid)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(json.loads(line))
        self._lines.put(None)

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._last_words = line.strip() or self._last_words


class Trace:
    """strace, counting the calls of all threads of a process until it is asked for the sum."""

    def __init__(self, pid: int) -> None:
        self._summary = tempfile.NamedTemporaryFile("r")  # noqa: SIM115 (closed by calls)
        options = ["-c", "-f", "-qq", "-U", "calls,name", "-o", self._summary.name]
        self._strace = subprocess.Popen(
            ["strace", *options, "-p", str(pid)], stderr=subprocess.PIPE, text=True
        )

    def calls(self) -> int:
        """How many there were; PeerError where they could not be counted."""
        if self._strace.poll() is None:
            self._strace.send_signal(signal.SIGINT)
        _, complaint = self._strace.communicate()
        with self._summary as lines:
            totals = [line.split()[0] for line in lines if line.split()[1:] == ["total"]]
        if complaint:
            raise PeerError(complaint.strip())
        return int(totals[0]) if totals else 0  # no line at all: not one call ended
