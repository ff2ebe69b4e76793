"""What the application reports of itself."""

from __future__ import annotations

import pytest
from support.webpage import status

import wsgireload


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch):
    """Sets the status that wsgireload reports."""

    def say(**told: object) -> None:
        monkeypatch.setattr(wsgireload, "status", lambda: status(**told))

    say()
    return say
