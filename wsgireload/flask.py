"""Reload a Flask application: `wsgireload.flask.init_app(app)`; see docs/flask.md."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flask import Flask, request_started

import wsgireload
from wsgireload import server
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
        wsgireload.start(**asked)
        request_started.connect(_track_templates, app)


def _track_templates(app: Flask, **_: object) -> None:
    """With the first request, when no blueprint can come any more and no template was read yet."""
    request_started.disconnect(_track_templates, app)
    if not app.jinja_env.auto_reload:
        wsgireload.track(*_template_folders(app))


def _template_folders(app: Flask) -> Iterator[str]:
    for owner in (app, *app.iter_blueprints()):
        yield from getattr(owner.jinja_loader, "searchpath", ())
