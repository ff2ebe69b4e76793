"""The files that Django reads once and caches: templates and translations."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator

from django.apps import apps
from django.conf import settings


def cached_files() -> Iterator[str]:
    """Return paths for `wsgireload.track`; some may not exist.

    They come from the settings, not from the template engines: creating an engine would import the
    template tags of each app before that app is ready.
    """
    for engine in settings.TEMPLATES:
        yield from (os.fspath(folder) for folder in engine.get("DIRS", ()) if folder)
        yield from _in_apps("jinja2" if "Jinja2" in engine.get("BACKEND", "") else "templates")
    if settings.USE_I18N:
        for folder in (*settings.LOCALE_PATHS, *_in_apps("locale")):
            yield os.path.join(glob.escape(os.fspath(folder)), "**", "*.mo")


def _in_apps(name: str) -> Iterator[str]:
    """Return the folder of this name in each app that is not Django's own."""
    for config in apps.get_app_configs():
        if not config.name.startswith("django."):
            yield os.path.join(config.path, name)
