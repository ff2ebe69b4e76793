"""Fixtures of the tests that run on Windows: sites on its Apache."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from support.apache import Apache
from support.httpdconf import Application
from support.testsite import APPLICATION, quiet
from support.windows import installed
from support.windows.testsite import WindowsSite, WindowsSites


def pytest_addoption(parser: pytest.Parser) -> None:
    """For the Apache of this Windows."""
    parser.addoption("--httpd", type=Path, default=installed.USUAL_HTTPD, help="Apache's httpd.exe")


@pytest.fixture(scope="session")
def apache(pytestconfig: pytest.Config) -> Apache:
    """The Apache that `--httpd` names, with the mod_wsgi of the Python that runs."""
    return installed.apache(pytestconfig.getoption("--httpd"))


@pytest.fixture
def new_windows_site(apache: Apache) -> Iterator[WindowsSites]:
    """Makes sites that are not started yet. Their error logs must be free of noise at the end."""
    with ExitStack() as stack:
        made: list[WindowsSite] = []

        def new(
            arguments: tuple[str, ...] = (),
            kind: type[WindowsSite] = WindowsSite,
            application: Path = APPLICATION,
            **options: Any,
        ) -> Any:
            served = Application(daemon=None, python_path=[installed.packages()], **options)
            site = stack.enter_context(kind(apache, served, arguments))
            shutil.copytree(
                application, site.app, copy_function=shutil.copyfile, dirs_exist_ok=True
            )
            made.append(site)
            return site

        with quiet(made):
            yield new
