"""Environment variables that override settings; a wrong one never does harm."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wsgireload.environment import VARIABLES, overridden
from wsgireload.settings import CHECKS, Settings

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    ("name", "text", "setting", "value"),
    [
        ("WSGIRELOAD_WATCH", "poll", "watch", "poll"),
        ("WSGIRELOAD_WATCH", " Events\n", "watch", "events"),
        ("WSGIRELOAD_INTERVAL", "5", "interval", 5.0),
        ("WSGIRELOAD_INTERVAL", "0.25", "interval", 0.25),
        ("WSGIRELOAD_SETTLE", " 1 ", "settle", 1.0),
    ],
)
def test_a_variable_overrides_the_code(name: str, text: str, setting: str, value: object) -> None:
    """Its value applies, whatever start() got, and is reported; other settings stay."""
    chosen = Settings.of(watch="auto", interval=2.0, settle=0.5, track="/srv")
    found = overridden(chosen, {name: text, "PATH": "/bin"})
    assert found.settings == chosen._replace(**{setting: value})
    assert found.changed == (f"{name}={text.strip()}",)
    assert found.wrong == ()


@pytest.mark.parametrize("environment", [{}, {"WSGIRELOAD_WATCH": ""}, {"WSGIRELOAD_SETTLE": " "}])
def test_an_empty_variable_is_none(environment: dict[str, str]) -> None:
    """As a compose file sets it for a default that is not there."""
    assert overridden(Settings(), environment) == (Settings(), (), ())


WATCHES = "'auto' or 'events' or 'poll' (did you mean 'poll'?); 'auto' applies"
NO_SECONDS = ("-1", "61", "nan", "inf", "500ms", "0,5", "1 s", "\udcff", "a\nb")


@pytest.mark.parametrize(
    ("name", "text", "rest"),
    [
        ("WSGIRELOAD_WATCH", "pol", WATCHES),
        ("WSGIRELOAD_INTERVAL", "fast", "a number of seconds, 0.01 to 3600; 2.0 applies"),
        *(
            ("WSGIRELOAD_SETTLE", bad, "a number of seconds, 0 to 60; 0.05 applies")
            for bad in NO_SECONDS
        ),
    ],
)
def test_a_wrong_value_has_no_effect(name: str, text: str, rest: str) -> None:
    """What the code chose applies; the sentence has the variable, its value and what it takes."""
    chosen = Settings.of(interval=2.0)
    found = overridden(chosen, {name: text})
    assert found == (chosen, (), (f"{name} is {text!r}; it takes {rest}",))
    assert found.wrong[0].isprintable()


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("WSGIRELOAD_INTERVALL", "did you mean WSGIRELOAD_INTERVAL?"),
        ("wsgireload_watch", "did you mean WSGIRELOAD_WATCH?"),
        ("WSGIRELOAD_SETTEL", "did you mean WSGIRELOAD_SETTLE?"),
        ("WSGIRELOAD_TRACK", f"the variables are WSGIRELOAD, {', '.join(VARIABLES.values())}"),
        ("WSGIRELOAD_BUDGET", f"the variables are WSGIRELOAD, {', '.join(VARIABLES.values())}"),
    ],
)
def test_a_variable_without_effect(name: str, end: str) -> None:
    """A variable that was meant for us, but is none, is named with those that are."""
    [wrong] = overridden(Settings(), {name: "1"}).wrong
    assert name in wrong
    assert wrong.endswith(f"has no effect; {end}")


@pytest.mark.parametrize("setting", ["TOKEN", "SECRET", "HOME", "KIT", "", "VERSION"])
def test_the_applications_own_variables(setting: str) -> None:
    """A variable of another meaning is the application's."""
    assert overridden(Settings(), {f"WSGIRELOAD_{setting}": "x"}) == (Settings(), (), ())


def test_each_variable_is_described() -> None:
    """docs/settings.md has a row for each, and each is a setting."""
    rows = re.findall(r"^\| `(WSGIRELOAD_\w+)", (DOCS / "settings.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(VARIABLES.values())
    assert VARIABLES.keys() <= CHECKS.keys()
