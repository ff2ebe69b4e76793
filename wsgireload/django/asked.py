"""What the project's settings ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from wsgireload import SettingsError

if TYPE_CHECKING:
    from wsgireload.settings import Asked


def asked() -> Asked:
    """`WSGIRELOAD`, which may be absent; SettingsError where it is no dict of keywords."""
    got = getattr(settings, "WSGIRELOAD", {})
    if not isinstance(got, dict) or not all(isinstance(name, str) for name in got):
        raise SettingsError("WSGIRELOAD", got, "a dict of what wsgireload.start() takes")
    return got  # type: ignore[return-value]  # start() looks at what is in it
