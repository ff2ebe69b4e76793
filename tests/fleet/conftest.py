"""Three machines with two processes each, and a coordinator between them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.apache import Apache
from support.coordinators import KINDS
from support.fleet import Fleet

FAULTS = {  # the usual kind of coordinator of each test
    "test_a_version_that_does_not_start": "redis",
    "test_a_machine_dies": "etcd",
    "test_the_coordinator_dies": "redis",
    "test_a_machine_is_cut_off": "etcd",
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run a fault with one kind of coordinator unless --long: test_stores.py compares the kinds."""
    if config.getoption("--long"):
        return
    for item in list(items):
        chosen = getattr(item, "callspec", None)
        name, kind = getattr(item, "originalname", ""), chosen and chosen.params.get("fleet")
        if name in FAULTS and kind is not None and kind.scheme != FAULTS[name]:
            items.remove(item)


@pytest.fixture(scope="session")
def apache() -> Apache:
    """The latest mod_wsgi."""
    return Apache.of_venv(Path(sys.prefix)).existing()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What it holds is closed at the end."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(params=KINDS, ids=lambda kind: kind.scheme)
def fleet(request: Any, apache: Apache, library: Path, stack: ExitStack) -> Fleet:
    """A fleet that is not started, around one kind of coordinator, which runs."""
    return Fleet.around(request.param, apache, library, stack)
