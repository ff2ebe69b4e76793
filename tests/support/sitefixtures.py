"""Fixtures of all tests against a real Apache; where they are imported, an `apache` is too."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.apache import Apache
from support.httpdconf import Application
from support.library import copy_from_pypi, copy_packages
from support.testsite import Sites


@pytest.fixture(scope="session")
def new_folder() -> Iterator[Callable[[], Path]]:
    """Makes folders that www-data may read, unlike pytest's own."""
    made: list[Path] = []

    def new() -> Path:
        made.append(Path(tempfile.mkdtemp(prefix="apache-library-")))
        made[-1].chmod(0o755)
        return made[-1]

    yield new
    for folder in made:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def library(new_folder: Callable[[], Path]) -> Path:
    """The packages that every application may import."""
    return copy_packages(new_folder(), "wsgireload")


@pytest.fixture(scope="session")
def frameworks(new_folder: Callable[[], Path]) -> Callable[..., Path]:
    """Where packages from PyPI are, by their requirements: `frameworks("django==4.2.*")`."""
    made: dict[tuple[str, ...], Path] = {}

    def folder(*requirements: str) -> Path:
        if requirements not in made:
            made[requirements] = copy_from_pypi(new_folder(), *requirements)
        return made[requirements]

    return folder


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
