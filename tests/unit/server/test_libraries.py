"""Which files are Python's own or an installed package's, and which the application's."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import wsgireload
from wsgireload.server import libraries, native
from wsgireload.server.libraries import count_own, is_own


def test_files_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of Python, of installed packages and of wsgireload itself are not a person's own."""
    installed = tmp_path / "venv/lib/python3.11/site-packages/django"
    installed.mkdir(parents=True)
    own = [tmp_path / "a.py", tmp_path / "b.html", installed.parents[3] / "c.py"]
    others = [installed / "x.py", os.__file__, json.__file__, native.__file__, wsgireload.__file__]
    assert count_own(map(str, own)) == 3
    assert count_own(map(str, others)) == 0
    assert count_own(map(str, [*own, *others])) == 3
    monkeypatch.setattr(libraries, "OURS", str(tmp_path / "venv"))  # as in a checkout
    assert count_own(map(str, own)) == 2


def test_what_is_no_file_of_ones_own() -> None:
    """Neither is code without a file, as a traceback names it."""
    assert not is_own("<frozen importlib._bootstrap>")
    assert not is_own("<string>")
    assert not is_own("/usr/lib/python3/dist-packages/django/urls.py")
