"""The app: it starts wsgireload under mod_wsgi, and registers its checks elsewhere."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.core.checks import register
from django.core.signals import request_finished

import wsgireload
from wsgireload.django.options import options
from wsgireload.server import detection as server


class WsgireloadConfig(AppConfig):
    """Calls `wsgireload.start(**settings.WSGIRELOAD)` and tracks the files that Django caches.

    Only under mod_wsgi, or if the WSGI script has started a monitor; never under manage.py.
    """

    name = "wsgireload.django"
    label = "wsgireload"
    verbose_name = "wsgireload"

    def __init__(self, *given: Any) -> None:
        """Start before Django imports the models: once an app has raised, it calls no `ready`.

        Nothing but another process heals that, so the repair has to be noticed.
        """
        super().__init__(*given)
        if server.mod_wsgi() is not None:
            try:
                wsgireload.start(**options())
            except wsgireload.SettingsError:  # `ready` raises it
                wsgireload.start()

    def ready(self) -> None:
        """Start and track; Django calls this once all apps are known.

        SettingsError as by `start`.
        """
        if server.mod_wsgi() is not None or wsgireload.status().active:
            from wsgireload.django.cached_files import cached_files, track_engines

            wsgireload.track(*cached_files())
            wsgireload.start(**options())
            request_finished.connect(track_engines)
        else:
            from wsgireload.django.checks import check

            register(check)
