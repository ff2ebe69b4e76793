"""Fixtures of all tests against a real Apache; where they are imported, an `apache` is too."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from apache import Apache
from httpdconf import Application
from library import copy_packages
from testsite import Sites


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
                print(site.log.text())
