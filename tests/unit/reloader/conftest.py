"""The reloader of these tests, and what it meets."""

import pytest
from support.reloaderworld import World

from wsgireload.server import native


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A reloader's surroundings."""
    world = World()
    monkeypatch.setattr(native, "restart", world.server.restart)
    monkeypatch.setattr(native, "terminate", world.server.terminate)
    monkeypatch.setattr(native, "taken", lambda: world.server.taken)
    monkeypatch.setattr(native, "rearm", world.server.rearm)
    return world
