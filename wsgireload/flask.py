"""Reload a Flask application: `wsgireload.flask.init_app(app)`; see docs/flask.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, request_started

import wsgireload
from wsgireload.server import detection as server
from wsgireload.settings import Settings

if TYPE_CHECKING:
    from typing import Unpack

    from wsgireload.settings import Asked


def init_app(app: Flask, **asked: Unpack[Asked]) -> None:
    """`wsgireload.start(**asked)`, and the templates that Flask keeps in memory are tracked.

    Under mod_wsgi, or where the WSGI script has started a monitor; under `flask run` nothing is
    done. SettingsError for a setting that makes no sense, there as well.
    """
    Settings.of(**asked)
    if server.mod_wsgi() is not None or wsgireload.status().active:
        wsgireload.track(*_template_folders(app))
        wsgireload.start(**asked)
        request_started.connect(_track_the_rest, app)


def _track_the_rest(app: Flask, **_: object) -> None:
    """With the first request: from then on Flask takes no more blueprints."""
    request_started.disconnect(_track_the_rest, app)
    wsgireload.track(*_template_folders(app))


def _template_folders(app: Flask) -> list[str]:
    """Those of the application and its blueprints, unless Flask looks at them itself."""
    if app.config["TEMPLATES_AUTO_RELOAD"]:
        return []
    loaders = (owner.jinja_loader for owner in (app, *app.iter_blueprints()))
    return [folder for loader in loaders for folder in getattr(loader, "searchpath", ())]
