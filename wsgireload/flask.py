"""Reload a Flask application: `wsgireload.flask.init_app(app)`; see docs/flask.md."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from flask import Flask, request_started

import wsgireload
from wsgireload.jinja import places
from wsgireload.server import detection as server
from wsgireload.settings import Settings


def init_app(app: Flask, **settings: Any) -> None:
    """Call `wsgireload.start()` with these settings, and track the templates that Jinja caches.

    Only under mod_wsgi, or if the WSGI script has started a monitor. SettingsError for an invalid
    setting, also under `flask run`, where nothing is started.
    """
    Settings.of(**settings)
    if server.mod_wsgi() is not None or wsgireload.status().active:
        wsgireload.track(*_template_folders(app))
        wsgireload.start(**settings)
        request_started.connect(_track_again, app)


def _track_again(app: Flask, **_: object) -> None:
    """Track what the application has changed since, at the first request.

    By then its Jinja environment is complete, and Flask accepts no more blueprints.
    """
    request_started.disconnect(_track_again, app)
    with contextlib.suppress(Exception):  # no request fails because of us
        wsgireload.track(*_template_folders(app))


def _template_folders(app: Flask) -> Iterator[str]:
    """Return the folders and archives from which Jinja reads a template once, and caches it."""
    environment = app.__dict__.get("jinja_env")  # created by the first use, which is not for us
    checked = _auto_reload(app) if environment is None else environment.auto_reload
    owners = (app, *app.iter_blueprints())
    loaders = (getattr(environment, "loader", None), *(owner.jinja_loader for owner in owners))
    return places(loaders, checked=checked)


def _auto_reload(app: Flask) -> bool:
    """Whether an environment that Flask creates now would check each template's mtime."""
    configured = app.jinja_options.get("auto_reload", app.config["TEMPLATES_AUTO_RELOAD"])
    return bool(app.debug if configured is None else configured)
