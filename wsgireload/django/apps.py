"""Starts with Django, where it runs in a server; elsewhere there are only the checks."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register

import wsgireload
from wsgireload.django.asked import asked
from wsgireload.server import detection as server


class WsgireloadConfig(AppConfig):
    """`wsgireload.start(**settings.WSGIRELOAD)`, and what Django keeps in memory is tracked.

    Under mod_wsgi, or where the WSGI script has started a monitor. Never under manage.py.
    """

    name = "wsgireload.django"
    label = "wsgireload"
    verbose_name = "wsgireload"

    def ready(self) -> None:
        """Called by Django once all apps are known. SettingsError as by `wsgireload.start`."""
        if server.mod_wsgi() is not None or wsgireload.status().active:
            from wsgireload.django.kept import kept

            wsgireload.track(*kept())
            wsgireload.start(**asked())
        else:
            from wsgireload.django.checks import check

            register(check)
