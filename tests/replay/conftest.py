"""Whole monitors, with real events, and a stand-in for the native call that asks for a restart."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.waiting import DEADLINE, wait_for

from wsgireload import settings
from wsgireload.detect.digest import digest_of
from wsgireload.monitor import Monitor
from wsgireload.server.detection import Server, native
from wsgireload.settings import Settings


def digests(folder: Path) -> dict[str, bytes]:
    """What lies below a folder: each file by its path from there on."""
    found = {}
    for at, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if name != ".git"]
        for name in names:
            path = Path(at, name)
            found[str(path.relative_to(folder))] = digest_of(str(path))
    return found


class Application:
    """A folder that is watched, and what lay there when a restart was asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.asked: list[dict[str, bytes]] = []
        self.monitors: list[Monitor] = []
        self._event = threading.Event()

    def restart(self) -> bool:
        """Stands in for the native restart."""
        self.asked.append(digests(self.root))
        self._event.set()
        return True

    def begin(self, *, wait: bool = True, **chosen: object) -> Monitor:
        """Begin to watch, as a new process would; returns after the first look if told to wait."""
        self.end()
        self._event.clear()
        usual = {"interval": 0.05, "settle": 0.25, "track": [self.root], "server": "daemon"}
        server = Server("daemon", None, process_group="site", application="app|/")
        monitor = Monitor(Settings.of(**usual | chosen), server, None)
        self.monitors.append(monitor)
        monitor.start()
        wait_for(lambda: not wait or monitor.status().looks)
        return monitor

    def restarted(self) -> float:
        """Wait until a restart is asked for; returns the seconds that took."""
        began = time.monotonic()
        assert self._event.wait(DEADLINE), "no restart was asked for"
        return time.monotonic() - began

    def idle(self, monitor: Monitor) -> None:
        """Wait for a few looks, after which no restart must have been asked for."""
        before, asked = monitor.status().looks, len(self.asked)
        wait_for(lambda: monitor.status().looks > before + 3)
        assert monitor.status().changed == ()
        assert len(self.asked) == asked

    def end(self) -> None:
        """Stop the monitor that is on."""
        for monitor in self.monitors:
            monitor.stop()
        self.monitors.clear()


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    """No signal is sent, and the journal lies in the test's own folder."""
    application = Application(tmp_path / "site")
    application.root.mkdir()
    monkeypatch.setattr(native, "restart", application.restart)
    monkeypatch.setattr(settings, "state_folders", lambda: (str(tmp_path / "journal"),))
    yield application
    application.end()
