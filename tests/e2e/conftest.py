"""What every end-to-end test needs: a site on each mod_wsgi, ended and checked at the end."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from apache import Apache
from httpdconf import Application
from library import copy_packages
from testsite import Site, Sites


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


@pytest.fixture(scope="session")
def library() -> Iterator[Path]:
    """The packages that the application may import, where www-data may read them."""
    folder = Path(tempfile.mkdtemp(prefix="apache-library-"))
    folder.chmod(0o755)
    yield copy_packages(folder, "wsgireload")
    shutil.rmtree(folder)


@pytest.fixture
def new_site(apache: Apache, library: Path) -> Iterator[Sites]:
    """Makes sites that are not started yet. Their error logs must be free of noise at the end."""
    with Sites(apache, Application(python_path=[library])) as sites:
        try:
            yield sites
            for site in sites.made:
                site.stop()
                assert site.noisy or site.noise() == []
        finally:
            for site in sites.made:
                print(site.log.text())  # noqa: T201 - pytest shows it where a test fails


@pytest.fixture
def site(new_site: Sites) -> Site:
    """The site that most tests need: started, and asked once so that the application is loaded."""
    site = new_site()
    site.start()
    assert site.ask().value == "old"
    return site
