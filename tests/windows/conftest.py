"""What the tests on Windows need: a site on a real winnt Apache.

`py -m pytest tests/windows` on a PC, `ci/windows/python 3.13 -m pytest tests/windows` under wine.
"""

from __future__ import annotations

import os

import pytest

if os.name == "nt":
    from support.windows.testsite import WindowsSite, WindowsSites
else:
    collect_ignore_glob = ["test_*.py"]  # tests/wine runs them there


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
