"""init_app for Flask: when it starts, and which templates it tracks."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from flask import Blueprint, Flask
from jinja2 import (
    ChoiceLoader,
    DictLoader,
    FileSystemLoader,
    ModuleLoader,
    PackageLoader,
    PrefixLoader,
)

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
    app.jinja_loader = DictLoader({})
    init_app(app)
    assert calls[0] == ("track", ())


def tracked(calls: list[tuple[str, Any]]) -> set[str]:
    """All paths that were tracked."""
    return {path for what, paths in calls if what == "track" for path in paths}


def test_the_environment_decides(
    app: Flask, calls: list[tuple[str, Any]], tmp_path: Path, in_apache: object
) -> None:
    """An environment that exists keeps its auto_reload, whatever the configuration is now."""
    app.jinja_env.filters["shout"] = str.upper
    app.config["TEMPLATES_AUTO_RELOAD"] = True
    init_app(app)
    assert tracked(calls) == {str(tmp_path / "templates")}


@pytest.mark.usefixtures("in_apache")
def test_an_environment_that_checks(app: Flask, calls: list[tuple[str, Any]]) -> None:
    """Templates that Jinja checks are not tracked, though the configuration is silent."""
    app.jinja_env.auto_reload = True
    init_app(app)
    app.test_client().get("/")
    assert tracked(calls) == set()


@pytest.mark.parametrize("how", ["debug", "option"])
@pytest.mark.usefixtures("in_apache")
def test_an_environment_that_will_check(app: Flask, calls: list[tuple[str, Any]], how: str) -> None:
    """Nor are they where the environment that Flask is going to create will check them."""
    if how == "debug":
        app.config["DEBUG"] = True  # app.debug = True would create the environment
    else:
        app.jinja_options = {"auto_reload": True}
    init_app(app)
    assert tracked(calls) == set()
    assert "jinja_env" not in vars(app)  # the application may still choose its options


@pytest.mark.usefixtures("in_apache")
def test_the_environment_by_the_first_request(
    app: Flask, calls: list[tuple[str, Any]], tmp_path: Path
) -> None:
    """An application that switches checking off after init_app has its templates tracked."""
    app.config["TEMPLATES_AUTO_RELOAD"] = True
    init_app(app)
    assert tracked(calls) == set()
    app.jinja_env.auto_reload = False
    app.test_client().get("/")
    assert tracked(calls) == {str(tmp_path / "templates")}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An importable package with a folder of templates."""
    folder = tmp_path / "lib" / "themepackage"
    (folder / "templates").mkdir(parents=True)
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path / "lib")
    monkeypatch.delitem(sys.modules, folder.name, raising=False)
    return folder


@pytest.mark.usefixtures("in_apache")
@pytest.mark.parametrize("where", ["app", "environment", "blueprint"])
def test_loaders_in_loaders(
    app: Flask, calls: list[tuple[str, Any]], tmp_path: Path, package: Path, where: str
) -> None:
    """The folders of all loaders in a loader are tracked, wherever the application puts it."""
    inner = PrefixLoader({"p": PackageLoader("themepackage"), "d": DictLoader({"x": "y"})})
    more = FileSystemLoader([tmp_path / "one", str(tmp_path / "two")])
    choice = ChoiceLoader([more, ChoiceLoader([inner, more])])
    if where == "app":
        app.jinja_loader = choice
    elif where == "environment":
        app.jinja_env.loader = choice
    else:
        shop = blueprint("shop", tmp_path)
        shop.jinja_loader = choice
        app.register_blueprint(shop)
    init_app(app)
    expected = {str(tmp_path / "one"), str(tmp_path / "two"), str(package / "templates")}
    assert tracked(calls) >= expected
    assert tracked(calls) - expected <= {str(tmp_path / "templates")}


@pytest.mark.usefixtures("in_apache")
def test_templates_that_jinja_cannot_check(
    app: Flask, calls: list[tuple[str, Any]], tmp_path: Path, package: Path
) -> None:
    """Archives and compiled templates are tracked whether Jinja checks or not."""
    zipped = PackageLoader("themepackage")
    zipped._archive = str(tmp_path / "theme.zip")
    app.config["TEMPLATES_AUTO_RELOAD"] = True
    compiled = ModuleLoader(tmp_path / "compiled")
    app.jinja_loader = ChoiceLoader([zipped, compiled])
    init_app(app)
    assert tracked(calls) == {str(tmp_path / "theme.zip"), str(tmp_path / "compiled")}


class OwnLoader(DictLoader):
    """A project's own loader, with names that Jinja's loaders use for something else."""

    def __init__(self, **names: object) -> None:
        super().__init__({})
        vars(self).update(names)


@pytest.mark.usefixtures("in_apache")
@pytest.mark.parametrize(
    "names",
    [{"loaders": None}, {"mapping": ["x"]}, {"searchpath": 7}, {"searchpath": [7]}],
    ids=str,
)
def test_a_loader_of_the_projects_own(
    app: Flask, calls: list[tuple[str, Any]], tmp_path: Path, names: dict[str, object]
) -> None:
    """Whatever it has under the names of Jinja's loaders, the application loads and answers."""
    folders = FileSystemLoader(tmp_path / "one")
    app.jinja_loader = ChoiceLoader([OwnLoader(**names), folders])
    init_app(app)
    assert app.test_client().get("/").status_code == 404
    assert tracked(calls) == {str(tmp_path / "one")}


@pytest.mark.usefixtures("in_apache")
def test_a_folder_that_is_a_path(app: Flask, calls: list[tuple[str, Any]], tmp_path: Path) -> None:
    """A project's own loader may have one Path as its folder."""
    app.jinja_loader = OwnLoader(searchpath=tmp_path / "one")
    init_app(app)
    assert tracked(calls) == {str(tmp_path / "one")}


@pytest.mark.usefixtures("in_apache", "calls")
def test_no_request_fails_because_of_us(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """If tracking fails at the first request, that is answered all the same."""
    init_app(app)

    def track(*_paths: str) -> None:
        raise wsgireload.SettingsError("track", "templates", "only absolute paths")

    monkeypatch.setattr(wsgireload, "track", track)
    assert app.test_client().get("/").status_code == 404
