"""What the tests in the Windows lab need: a site on a real winnt Apache, and time."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.sitefixtures import frameworks, new_folder  # noqa: F401
from support.windows.sitefixtures import lab, new_site, packages  # noqa: F401 - pytest finds them here
from support.windows.testsite import WindowsSite, WindowsSites


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test in this folder needs the lab."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.windows)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(300))


@pytest.fixture
def site(new_site: WindowsSites) -> WindowsSite:  # noqa: F811
    """The site that most tests need: started, and looked at once."""
    site = new_site()
    site.start()
    assert site.ask().value == "old"
    site.wait_for_looks()
    return site
