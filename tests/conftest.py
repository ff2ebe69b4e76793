"""What the whole of the tests takes from the command line."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """For tests/chaos, which is best started by ci/chaos."""
    parser.addoption("--long", action="store_true", help="tests/chaos: as often as it takes")
    parser.addoption("--seed", type=int, help="tests/chaos: repeat a run by the seed it printed")
