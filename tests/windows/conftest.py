"""What the tests in the Windows lab need: a site on a real winnt Apache."""

from __future__ import annotations

import pytest
from support.windows.testsite import WindowsSite, WindowsSites


@pytest.fixture
def new_site(new_windows_site: WindowsSites) -> WindowsSites:
    """Makes sites that are not started yet."""
    return new_windows_site


@pytest.fixture
def site(new_site: WindowsSites) -> WindowsSite:
    """The site that most tests need: started, and scanned once."""
    site = new_site()
    site.start()
    assert site.ask().value == "old"
    site.wait_for_looks()
    return site
