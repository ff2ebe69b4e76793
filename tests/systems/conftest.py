"""A Debian in a folder, on which nothing was installed yet: `ci/systems --documents`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright
from support.newsystem import NewSystem


@pytest.fixture
def system(request: pytest.FixtureRequest) -> NewSystem:
    """The system that --root names."""
    root: Path | None = request.config.getoption("--root")
    if root is None:
        pytest.skip("ci/systems --documents makes the system that this test needs")
    return NewSystem(root)


@pytest.fixture
def tab() -> Iterator[Page]:
    """A tab of a browser on this machine, which has the system's ports."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(120_000)  # a busy machine is no failure
        yield page
        browser.close()
