"""Fixtures of all tests in the Windows lab: a session of wine, and sites on a real winnt Apache."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from support.httpdconf import Application
from support.testsite import APPLICATION, NOISE
from support.windows.lab import PYTHONS, Lab
from support.windows.testsite import WindowsSite, WindowsSites

WHEELS = Path(__file__).parents[3] / "dist"


def newest_wheel() -> Path:
    """The wheel that ci/wheel made."""
    wheels = sorted(WHEELS.glob("wsgireload-*-win_amd64.whl"))
    if not wheels:
        pytest.fail("there is no Windows wheel: ci/wheel win_amd64 makes it")
    return wheels[-1]


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """One session of wine for all tests."""
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="session")
def packages(lab: Lab) -> Callable[[str], Path]:
    """Where wsgireload is installed for a Python, from its wheel."""
    installed: dict[str, Path] = {}

    def install(version: str) -> Path:
        if version not in installed:
            installed[version] = lab.install(version, newest_wheel())
        return installed[version]

    return install


@pytest.fixture
def new_windows_site(lab: Lab, packages: Callable[[str], Path]) -> Iterator[WindowsSites]:
    """Makes sites that are not started yet. Their error logs must be free of noise at the end."""
    with ExitStack() as stack:
        made: list[WindowsSite] = []

        def new(
            version: str = PYTHONS[0],
            arguments: tuple[str, ...] = (),
            kind: type[WindowsSite] = WindowsSite,
            application: Path = APPLICATION,
            more: tuple[Path, ...] = (),
            **options: Any,
        ) -> Any:
            path = [packages(version), *more]
            served = Application(daemon=None, python_path=path, **options)
            site = stack.enter_context(kind(lab, version, served, arguments))
            shutil.copytree(application, site.app, dirs_exist_ok=True)
            made.append(site)
            return site

        try:
            yield new
            for site in made:
                site.stop()
                lines = site.log.lines()
                assert (
                    site.noisy or [x.text for x in lines if any(w in x.text for w in NOISE)] == []
                )
        finally:
            for site in made:
                print(site.log.text())
