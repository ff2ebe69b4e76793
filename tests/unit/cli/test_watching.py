"""The doctor's finding about events: of each folder that this user may look into."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from wsgireload.cli.doctor import watching

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="no events elsewhere")


def test_a_folder(tmp_path: Path) -> None:
    """Changes in a usual folder are reported at once."""
    [found] = watching.folders([str(tmp_path)])
    assert (found.what, found.text.partition(": ")[0]) == ("events", str(tmp_path))


def test_a_folder_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that this user cannot read is not called polled: the site's user may read it."""
    monkeypatch.setattr(os, "access", lambda path, _mode: path != str(tmp_path))
    assert watching.folders([str(tmp_path)]) == []
