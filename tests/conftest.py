"""What tests of several folders share: fixtures and options."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

if os.name == "nt":  # `python -m pytest` finds the checkout first, which has no native module
    here = Path(__file__).parents[1]
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != here]

import wsgireload

LINUX = ["support.sitefixtures", "support.windows.labfixtures"]
pytest_plugins = [
    "support.collecting",
    "support.order",
    *(LINUX if os.name != "nt" else ["support.windows.sitefixtures"]),
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """For tests/chaos, which is best started by ci/chaos, tests/e2e and tests/systems."""
    parser.addoption("--long", action="store_true", help="tests/chaos: as often as it takes")
    parser.addoption("--seed", type=int, help="tests/chaos: repeat a run by the seed it printed")
    everything = "tests/e2e: run every test against each mod_wsgi, and not only some"
    parser.addoption("--each-mod-wsgi", action="store_true", help=everything)
    parser.addoption("--root", type=Path, help="tests/systems: folder of a Debian made for it")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What a framework's room asks of wsgireload, in its order; nothing is done."""
    asked: list[tuple[str, Any]] = []
    monkeypatch.setattr(wsgireload, "start", lambda **chosen: asked.append(("start", chosen)))
    monkeypatch.setattr(wsgireload, "track", lambda *paths: asked.append(("track", paths)))
    return asked


@pytest.fixture
def in_apache(monkeypatch: pytest.MonkeyPatch) -> None:
    """mod_wsgi, as it is inside Apache."""
    module = ModuleType("mod_wsgi")
    module.version = (6, 1, 1)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mod_wsgi", module)
