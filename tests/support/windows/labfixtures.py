"""Fixtures of the tests that run on Linux and start programs of the lab's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.windows.lab import Lab


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """One session of wine for all tests."""
    with Lab() as lab:
        yield lab
