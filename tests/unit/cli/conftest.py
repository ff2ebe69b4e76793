"""What the tests of the command line share."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsgireload import settings
from wsgireload.cli.running import monitors


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which status files are searched."""
    path = tmp_path / "state"
    path.mkdir(0o700)
    monkeypatch.setattr(settings, "state_folders", lambda: (str(path),))
    monkeypatch.setattr(monitors, "folders_of_all_users", list)
    return path
