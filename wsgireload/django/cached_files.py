"""The files that Django reads once and caches: templates and translations."""

from __future__ import annotations

import contextlib
import glob
import os
from collections.abc import Iterable, Iterator
from typing import Any
from weakref import WeakSet

import django
from django.apps import apps
from django.conf import settings
from django.template import engines
from django.template.loaders import cached

import wsgireload
from wsgireload.jinja import places

_known: WeakSet[Any] = WeakSet()  # the engines whose folders are tracked


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


def track_engines(**_: object) -> None:
    """After a request, track the folders of the template engines that were created meanwhile.

    An engine knows more of them than the settings: those in the arguments of its loaders, and those
    of an environment or a loader that the project made itself.
    """
    with contextlib.suppress(Exception):  # no request fails because of us
        new = [each for each in list(engines._engines.values()) if each not in _known]
        _known.update(new)
        if new:
            wsgireload.track(*(folder for each in new for folder in _folders(each)))


def _folders(backend: Any) -> Iterator[str]:
    """Return the folders from which an engine reads a template once, and caches it."""
    if hasattr(backend, "env"):
        yield from places([backend.env.loader], checked=backend.env.auto_reload)
        return
    own = os.path.dirname(django.__file__)
    for folder in _cached(backend.engine.template_loaders):
        if folder and not folder.startswith(own + os.sep):
            yield folder


def _cached(loaders: Iterable[Any], *, within: bool = False) -> Iterator[str]:
    """Return the folders of loaders within a caching one."""
    for loader in loaders:
        if within and hasattr(loader, "get_dirs"):
            yield from map(os.fspath, loader.get_dirs())
        caches = within or isinstance(loader, cached.Loader)
        yield from _cached(getattr(loader, "loaders", ()), within=caches)


def _in_apps(name: str) -> Iterator[str]:
    """Return the folder of this name in each app that is not Django's own."""
    for config in apps.get_app_configs():
        if not config.name.startswith("django."):
            yield os.path.join(config.path, name)
