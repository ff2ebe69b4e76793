"""What users may rely on: names, signatures, defaults, log words."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import wsgireload
from wsgireload.log import Word
from wsgireload.monitor import Monitor
from wsgireload.report import Status
from wsgireload.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"
DEFAULTS = {
    "track": (),
    "ignore": (),
    "interval": 1.0,
    "settle": 0.05,
    "watch": "auto",
    "compare": "bytes",
    "when": "auto",
    "patience": 5.0,
    "rolling": False,
    "preflight": None,
    "trigger": None,
    "budget": (10, 60.0),
    "check_config": True,
    "linger": 30.0,
    "enabled": None,
    "server": None,
    "on_event": None,
}


def test_names() -> None:
    """The package gives these names, and no others by accident."""
    assert set(wsgireload.__all__) >= {
        *("Event", "Monitor", "NativeError", "SettingsError", "Status", "WsgireloadError"),
        *("reload_required", "restart", "start", "status", "stop", "streams", "track"),
    }
    for name in wsgireload.__all__:
        assert hasattr(wsgireload, name)


def test_settings() -> None:
    """All settings with their defaults."""
    assert Settings.of()._asdict() == DEFAULTS


def test_start() -> None:
    """start() takes each setting by its name, with the same default, and returns the monitor."""
    signature = inspect.signature(wsgireload.start)
    *parameters, _unknown = signature.parameters.values()
    assert {each.name: each.default for each in parameters} == DEFAULTS
    assert {each.kind for each in parameters} == {inspect.Parameter.KEYWORD_ONLY}
    assert signature.return_annotation == "Monitor"


def test_the_settings_are_told() -> None:
    """docs/settings.md has a line for each, with its default."""
    told = re.findall(r"^\| `(\w+)=([^`]+)` \|", (DOCS / "settings.md").read_text(), re.MULTILINE)
    assert {name: ast.literal_eval(value) for name, value in told} == DEFAULTS


@pytest.mark.parametrize(
    ("function", "signature"),
    [
        (wsgireload.track, "(*paths: 'str | os.PathLike[str]') -> 'None'"),
        (wsgireload.restart, "(reason: 'str' = 'no reason given') -> 'bool'"),
        (wsgireload.reload_required, "(filename: 'str') -> 'bool'"),
        (wsgireload.status, "() -> 'Status'"),
        (wsgireload.stop, "(timeout: 'float' = 5.0) -> 'None'"),
        (Monitor.track, "(self, *paths: 'str | os.PathLike[str]') -> 'None'"),
        (Monitor.restart, "(self, reason: 'str' = 'no reason given') -> 'bool'"),
        (Monitor.status, "(self) -> 'Status'"),
        (Monitor.stop, "(self, timeout: 'float' = 5.0) -> 'None'"),
    ],
)
def test_signatures(function: object, signature: str) -> None:
    """Functions and methods keep their signatures."""
    assert str(inspect.signature(function)) == signature  # type: ignore[arg-type]


def test_a_status() -> None:
    """A status keeps these fields, which the command line and the page show."""
    assert set(Status._fields) >= {
        *("active", "reason", "server", "pid", "application", "files", "looks", "changed"),
        *("holding", "held", "restarting", "parent", "since", "generation", "reloaded", "history"),
        *("waiting", "beside", "failed", "output", "paused", "script", "requests"),
        *("own", "processes", "preloaded", "loading"),
    }


def test_log_words() -> None:
    """Lines begin with one of these words: people and programs search for them."""
    words = {word for name, word in vars(Word).items() if name.isupper()}
    assert words == {"watching", "changed", "holding", "restarting", "reloaded", "inactive"}
