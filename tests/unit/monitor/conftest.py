"""Monitors that request no real restart, and end with the test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.monitored import Asked

from wsgireload import settings
from wsgireload.monitor import Monitor
from wsgireload.server import native
from wsgireload.server.detection import Server
from wsgireload.settings import Settings


@pytest.fixture
def asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> Asked:
    """No signal is sent: it is counted. The journal lies in the test's own folder."""
    caplog.set_level("INFO", "wsgireload")
    stand_in = Asked()
    monkeypatch.setattr(native, "restart", stand_in)
    monkeypatch.setattr(settings, "state_folders", lambda: (str(tmp_path / "journal"),))
    return stand_in


@pytest.fixture
def begin(asked: Asked) -> Iterator[Callable[..., Monitor]]:
    """Starts monitors, and stops them when the test is over."""
    started: list[Monitor] = []

    def begin(refusal: str | None = None, processes: int = 1, **chosen: object) -> Monitor:
        chosen = {"interval": 0.01, "settle": 0.0, "server": "daemon"} | chosen
        server = Server("daemon", refusal, "site", "app|/", processes)
        monitor = Monitor(Settings.of(**chosen), server, refusal)
        started.append(monitor)
        monitor.start()
        return monitor

    yield begin
    for monitor in started:
        monitor.stop()
