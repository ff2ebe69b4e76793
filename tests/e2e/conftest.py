"""What every end-to-end test needs: a site on each mod_wsgi, ended and checked at the end."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.apache import Apache
from support.sitefixtures import frameworks, library, new_folder, new_site  # noqa: F401 - pytest finds them here
from support.testsite import Site, Sites


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test in this folder is an e2e test."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session", params=["4.9.4", "6.1.1"])
def apache(request: pytest.FixtureRequest) -> Apache:
    """Debian's Apache, with Debian's own mod_wsgi and with the latest."""
    from_debian = request.param == "4.9.4"
    found = Apache.of_the_system() if from_debian else Apache.of_venv(Path(sys.prefix))
    if missing := found.missing():
        pytest.fail(f"mod_wsgi {request.param}: {missing} are missing; ci/test installs them")
    return found


@pytest.fixture
def site(new_site: Sites) -> Site:  # noqa: F811
    """The site that most tests need: started, and asked once so that the application is loaded."""
    site = new_site()
    site.start()
    assert site.ask().value == "old"
    return site
