"""What the tests of this folder share: a seed that is printed, short and long forms, figures.

Each test is run in its short form by ci/test, and in its long form by ci/chaos.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from random import Random, SystemRandom

import pytest
from support.apache import Apache

collect_ignore = [] if os.name == "nt" else ["test_load_windows.py"]  # tests/wine runs that
LONG = 7200  # seconds that a test may take in its long form


class Chaos:
    """What one test needs: `random` is seeded, `often` chooses between the two forms."""

    def __init__(self, seed: int, *, long: bool) -> None:
        self.random = Random(seed)
        self.seed = seed
        self.long = long
        self.figures: dict[str, object] = {}

    def often(self, short: int, long: int) -> int:
        """How often: in the short form, and in the long one."""
        return long if self.long else short

    def figure(self, name: str, value: object) -> None:
        """Keep something measured, to be printed at the end."""
        self.figures[name] = value


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In the long form every test has its time."""
    for item in items:
        if Path(__file__).parent in item.path.parents and config.getoption("--long"):
            item.add_marker(pytest.mark.timeout(LONG), append=False)


@pytest.fixture
def chaos(request: pytest.FixtureRequest) -> Iterator[Chaos]:
    """Of this test; the seed and the figures are printed: where it fails, and in the long form."""
    seed = request.config.getoption("--seed")
    seed = SystemRandom().randrange(1 << 32) if seed is None else seed
    chaos = Chaos(seed, long=request.config.getoption("--long"))
    yield chaos
    figures = "".join(f"\n  {name}: {value}" for name, value in chaos.figures.items())
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if chaos.long else nullcontext():
        print(f"\n{request.node.name}, seed {seed}{figures}")  # noqa: T201


if os.name != "nt":  # there it is the one of --httpd

    @pytest.fixture(scope="session")
    def apache() -> Apache:
        """Debian's Apache with the latest mod_wsgi: tests/e2e has the other one as well."""
        return Apache.of_venv(Path(sys.prefix)).existing()
