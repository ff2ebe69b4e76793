"""Fixtures of the end-to-end tests: sites on each mod_wsgi, stopped and checked at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.apache import Apache
from support.examplesite import ExampleSite, ExampleSites
from support.testsite import Site, Sites


@pytest.fixture(scope="session", params=["4.9.4", "6.1.1"])
def apache(request: pytest.FixtureRequest) -> Apache:
    """Debian's Apache, with Debian's own mod_wsgi and with the latest."""
    from_debian = request.param == "4.9.4"
    found = Apache.of_the_system() if from_debian else Apache.of_venv(Path(sys.prefix))
    if missing := found.missing():
        pytest.fail(f"mod_wsgi {request.param}: {missing} are missing; ci/test installs them")
    return found


@pytest.fixture
def site(new_site: Sites) -> Site:
    """The site that most tests need: started, and its application loaded by a request."""
    site = new_site()
    site.start()
    assert site.ask().value == "old"
    return site


@pytest.fixture
def new_example(
    apache: Apache, library: Path, frameworks: Callable[..., Path]
) -> Iterator[ExampleSites]:
    """Makes sites of examples, which are not started yet. Their error logs are printed."""
    with ExitStack() as stack:
        made: list[ExampleSite] = []

        def new(name: str, *requirements: str) -> ExampleSite:
            path = [library, frameworks(*requirements)] if requirements else [library]
            made.append(stack.enter_context(ExampleSite(apache, name, path)))
            return made[-1]

        yield new
        for site in made:
            print(site.log.text())  # noqa: T201 - pytest shows it where a test fails
