"""Fixtures of all tests against a real Apache. The tests' own conftest.py chooses the `apache`."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from support.apache import Apache
from support.httpdconf import Application
from support.packages import copy_from_pypi, copy_packages, made_once
from support.testsite import Sites, quiet

SHARED = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder that all processes of this run share; the first one removes it at the end."""
    if hasattr(config, "workerinput"):
        config.stash[SHARED] = Path(config.workerinput["shared"])
        return
    config.stash[SHARED] = Path(tempfile.mkdtemp(prefix="wsgireload-tests-"))
    config.stash[SHARED].chmod(0o755)
    config.add_cleanup(partial(shutil.rmtree, config.stash[SHARED]))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Pass the folder on to a process of pytest-xdist."""
    node.workerinput["shared"] = str(node.config.stash[SHARED])


@pytest.fixture(scope="session")
def shared(pytestconfig: pytest.Config) -> Path:
    """A folder of this run, which www-data may read, unlike pytest's own."""
    return pytestconfig.stash[SHARED]


@pytest.fixture(scope="session")
def library(shared: Path) -> Path:
    """The packages that every application may import."""
    return made_once(shared / "library", lambda folder: copy_packages(folder, "wsgireload"))


@pytest.fixture(scope="session")
def frameworks(shared: Path) -> Callable[..., Path]:
    """Where packages from PyPI are, by their requirements: `frameworks("django==4.2.*")`."""

    def folder(*requirements: str) -> Path:
        name = re.sub(r"[^\w.]", "-", " ".join(requirements))  # wine has to read it too
        return made_once(shared / name, lambda folder: copy_from_pypi(folder, *requirements))

    return folder


@pytest.fixture
def new_site(apache: Apache, library: Path) -> Iterator[Sites]:
    """Makes sites that are not started yet. Their error logs must be free of noise at the end."""
    with Sites(apache, Application(python_path=[library])) as sites, quiet(sites.made):
        yield sites
