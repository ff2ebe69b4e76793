"""Events of real folders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.listener import (
    Listener,
)


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    """A listener that ends with the test."""
    listener = Listener(tmp_path / "listener")
    yield listener
    listener.events.end()
