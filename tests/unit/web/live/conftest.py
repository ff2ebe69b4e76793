"""What the application reports of itself in all tests of live pages."""

from __future__ import annotations

import pytest
from support.livepage import status

import wsgireload


@pytest.fixture(autouse=True)
def say(monkeypatch: pytest.MonkeyPatch):
    """Sets the status that wsgireload reports."""

    def say(**told: object) -> None:
        monkeypatch.setattr(wsgireload, "status", lambda: status(**told))

    say()
    return say
