"""A private folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from wsgireload.state.private_dir import PrivateDir


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the folder is."""
    return tmp_path / "state"


@pytest.fixture
def folder(path: Path) -> Iterator[PrivateDir]:
    """The folder, made just now."""
    folder = PrivateDir(str(path))
    yield folder
    folder.close()
