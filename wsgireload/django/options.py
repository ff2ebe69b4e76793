"""The keywords for `wsgireload.start()` in the project's settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from wsgireload import SettingsError


def options() -> dict[str, Any]:
    """Return `WSGIRELOAD`, which is optional; SettingsError if it is not a dict of keywords."""
    value = getattr(settings, "WSGIRELOAD", {})
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise SettingsError("WSGIRELOAD", value, "a dict of keywords for wsgireload.start()")
    return value
