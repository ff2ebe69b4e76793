"""Reload a Flask application: `wsgireload.flask.init_app(app)`; see docs/flask.md."""

from __future__ import annotations

from typing import Any

from flask import Flask, request_started

import wsgireload
from wsgireload.server import detection as server
from wsgireload.settings import Settings


def init_app(app: Flask, **settings: Any) -> None:
    """Call `wsgireload.start()` with these settings, and track the templates that Flask caches.

    Only under mod_wsgi, or if the WSGI script has started a monitor. SettingsError for an invalid
    setting, also under `flask run`, where nothing is started.
    """
    Settings.of(**settings)
    if server.mod_wsgi() is not None or wsgireload.status().active:
        wsgireload.track(*_template_folders(app))
        wsgireload.start(**settings)
        request_started.connect(_track_blueprints, app)


def _track_blueprints(app: Flask, **_: object) -> None:
    """Track later blueprints at the first request: after it Flask accepts no more of them."""
    request_started.disconnect(_track_blueprints, app)
    wsgireload.track(*_template_folders(app))


def _template_folders(app: Flask) -> list[str]:
    """Return the folders of the application and its blueprints, if Flask caches templates."""
    if app.config["TEMPLATES_AUTO_RELOAD"]:
        return []
    loaders = (owner.jinja_loader for owner in (app, *app.iter_blueprints()))
    return [folder for loader in loaders for folder in getattr(loader, "searchpath", ())]
