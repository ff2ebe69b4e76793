"""init_app for Flask: when it starts, and which templates it tracks."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from flask import Blueprint, Flask
from jinja2 import DictLoader

import wsgireload
from wsgireload.flask import init_app

pytestmark = pytest.mark.usefixtures("calls")


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """An application that answers every request with 404."""
    return Flask("shop", root_path=str(tmp_path))


def blueprint(name: str, folder: Path, *, templates: str | None = "wares") -> Blueprint:
    """A blueprint with templates in its own folder."""
    return Blueprint(name, name, root_path=str(folder / name), template_folder=templates)


@pytest.mark.usefixtures("in_apache")
def test_it_starts_in_apache(app: Flask, calls: list[tuple[str, Any]], tmp_path: Path) -> None:
    """Under mod_wsgi it tracks the templates first and then starts, with its arguments."""
    init_app(app, interval=2)
    assert calls == [("track", (str(tmp_path / "templates"),)), ("start", {"interval": 2})]


@pytest.mark.parametrize("package", [None, ModuleType("mod_wsgi")])
def test_it_does_not_start_elsewhere(
    package: ModuleType | None,
    app: Flask,
    calls: list[tuple[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Without mod_wsgi, or with only its package, it does nothing, then and later."""
    monkeypatch.setitem(sys.modules, "mod_wsgi", package)
    init_app(app)
    app.test_client().get("/")
    assert calls == []
    assert capfd.readouterr() == ("", "")


def test_mistakes_show_everywhere(app: Flask) -> None:
    """An invalid setting raises also where nothing would start."""
    with pytest.raises(wsgireload.SettingsError, match="interval"):
        init_app(app, interval=0)


def test_it_adds_to_a_monitor(
    app: Flask, calls: list[tuple[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the WSGI script has started a monitor, in any server, it tracks as well."""
    monkeypatch.setattr(wsgireload, "status", lambda: SimpleNamespace(active=True))
    init_app(app)
    assert [what for what, _ in calls] == ["track", "start"]


@pytest.mark.usefixtures("in_apache")
def test_blueprints(app: Flask, calls: list[tuple[str, Any]], tmp_path: Path) -> None:
    """Later and nested blueprints are tracked at the first request."""
    outer, inner = blueprint("outer", tmp_path), blueprint("inner", tmp_path)
    outer.register_blueprint(inner)
    init_app(app)
    app.register_blueprint(outer)
    app.register_blueprint(blueprint("bare", tmp_path, templates=None))
    calls.clear()
    for _ in range(2):
        app.test_client().get("/")
    own, *others = calls[0][1]
    assert len(calls) == 1
    assert own == str(tmp_path / "templates")
    assert others == [str(tmp_path / name / "wares") for name in ("outer", "inner")]


@pytest.mark.usefixtures("in_apache")
def test_templates_that_are_looked_at_anyway(app: Flask, calls: list[tuple[str, Any]]) -> None:
    """With TEMPLATES_AUTO_RELOAD a template needs no restart, and is not tracked."""
    app.config["TEMPLATES_AUTO_RELOAD"] = True
    init_app(app)
    app.test_client().get("/")
    assert {paths for what, paths in calls if what == "track"} == {()}


@pytest.mark.usefixtures("in_apache")
def test_templates_from_elsewhere(app: Flask, calls: list[tuple[str, Any]]) -> None:
    """A loader without folders has none to track."""
    app.jinja_loader = DictLoader({})  # type: ignore[assignment, misc]
    init_app(app)
    assert calls[0] == ("track", ())
