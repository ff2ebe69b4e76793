"""The application of the detector's tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.watchedapp import Application


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Application:
    """An application that keeps its bytecode."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return Application(tmp_path)
