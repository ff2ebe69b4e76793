"""A pytest plugin: the markers of each folder's tests, and which tests ci/test begins with."""

from __future__ import annotations

import contextlib
import os
from typing import Any

import pytest

MARKERS = {
    "browser/": pytest.mark.browser,
    "chaos/": pytest.mark.chaos,
    "e2e/": pytest.mark.e2e,
    "fleet/": pytest.mark.fleet,
    "native/windows/": pytest.mark.windows,
    "windows/": pytest.mark.windows,
    "wine/": pytest.mark.windows,
}
"""The marker of all tests whose path has this beginning."""

ORDER = (
    ("wine/test_windows.py", ""),
    ("wine/", ""),
    ("native/windows/", "lab"),
    ("browser/", "browser"),
    ("fleet/", ""),
    ("e2e/test_rolling.py", ""),
    ("chaos/", ""),
    ("e2e/", ""),
    ("replay/", ""),
    ("unit/test_package.py", "package"),
    ("unit/test_house.py", "house"),
)
"""The longest first, since the test that ends last decides how long a parallel run takes.

Each entry is the beginning of a test's path and the name of a group, or "" for none. The tests of a
group share something that is slow to make (a session of wine, a browser, a wheel, the syntax trees
of the package): one process runs all of them. All other tests follow in the order in which pytest
collects them.
"""


def pytest_configure(config: pytest.Config) -> None:
    """Let the longest test go before all others: the first worker is given it."""
    if getattr(config, "workerinput", {}).get("workerid") == "gw0":
        with contextlib.suppress(PermissionError, AttributeError):  # for root, on UNIX
            os.setpriority(os.PRIO_PROCESS, 0, -5)


def path_of(nodeid: str) -> str:
    """A test's path below tests/, followed by its name: pytest's begins at the checkout."""
    return nodeid.removeprefix("tests/")


def place_of(path: str) -> int:
    """The index of a test's entry in ORDER; len(ORDER) if it has none."""
    places = (place for place, (start, _) in enumerate(ORDER) if path.startswith(start))
    return next(places, len(ORDER))


def group_of(path: str) -> str:
    """The name of a test's group, or "" if it has none."""
    place = place_of(path)
    return ORDER[place][1] if place < len(ORDER) else ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Add the markers and sort by ORDER."""
    for item in items:
        for start, marker in MARKERS.items():
            if path_of(item.nodeid).startswith(start):
                item.add_marker(marker)
    items.sort(key=lambda item: place_of(path_of(item.nodeid)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each group to one process, and every other test to whichever is free."""
    # Not --dist=loadgroup: it passes the groups on in an attribute that pytest 9.2 does not have.
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(path_of(nodeid)) or nodeid

    config.option.loadscopereorder = False  # by the number of tests
    return Scheduling(config, log)
