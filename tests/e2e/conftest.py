"""Fixtures of the end-to-end tests: sites on each mod_wsgi, stopped and checked at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.apache import BETWEEN, Apache, skip_without
from support.commandline import CommandLine
from support.doctoring import Doctor
from support.examplesite import ExampleSite, ExampleSites
from support.testsite import Site, Sites


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run only the tests with the marker `each_mod_wsgi` against that one, or all if asked to."""
    if config.getoption("--each-mod-wsgi"):
        return
    for item in list(items):
        chosen = getattr(item, "callspec", None)
        is_between = chosen is not None and chosen.params.get("apache") == BETWEEN
        if is_between and item.get_closest_marker("each_mod_wsgi") is None:
            items.remove(item)


@pytest.fixture(scope="session", params=["system", BETWEEN, "6.1.1"])
def apache(request: pytest.FixtureRequest, frameworks: Callable[..., Path]) -> Apache:
    """The system's Apache: with its own mod_wsgi, with the latest, and with one between them."""
    if request.param == "system":
        return Apache.of_the_system().existing()
    if request.param == BETWEEN:
        skip_without(BETWEEN)
        return Apache.of_packages(frameworks(f"mod_wsgi=={BETWEEN}")).existing()
    return Apache.of_venv(Path(sys.prefix)).existing()


@pytest.fixture(scope="session")
def command() -> Iterator[CommandLine]:
    """The command line, where www-data can read it: tests leave it as it was.

    Not one for each module: each process that runs tests of it would make that.
    """
    with CommandLine.readable() as command:
        yield command


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


@pytest.fixture
def healthy(new_site: Sites, command: CommandLine) -> Site:
    """A site without problems, not started."""
    site = new_site(
        daemon=f"threads=5 python-home={command.home}", python_path=[], group="%{GLOBAL}"
    )
    line = "reload_required = wsgireload.reload_required\n"
    site.edit("app.wsgi", "import importlib\n", f"{line}\nimport importlib\n")
    return site


@pytest.fixture
def doctor(command: CommandLine) -> Doctor:
    """Run the doctor on a site: its findings by name. Its exit code is 0 only if all are ok."""

    def examine(site: Site, *words: str | Path, **environment: str) -> dict[str, dict[str, str]]:
        where = ("--httpd", site.apache.httpd, "--config", site.root / "httpd.conf")
        done = command("doctor", *where, "--json", *words, environment=environment)
        assert done.err == ""
        told: dict[str, Any] = done.json
        well = all(each["level"] == "ok" for each in told["findings"])
        assert (done.code, told["ok"]) == (0 if well else 1, well)
        found: dict[str, dict[str, str]] = {}
        for each in told["findings"]:
            if found.get(each["what"], {"level": "ok"})["level"] == "ok":
                found[each["what"]] = each
        return found

    return examine
