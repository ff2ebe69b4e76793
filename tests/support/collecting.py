"""A pytest plugin: no collection of garbage while pytest collects the tests."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect the tests with Python's collector off: thousands of objects, and none is garbage.

    They stay until the end of the run, so a later collection of garbage leaves them out.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
