"""Reload a WSGI application under Apache/mod_wsgi when its code really changed.

Two lines in the WSGI script:

    import wsgireload
    wsgireload.start()
"""

from wsgireload.api import reload_required, restart, start, status, stop, track
from wsgireload.errors import NativeError, SettingsError, WsgireloadError
from wsgireload.monitor import Monitor, Status

__all__ = [
    "Monitor",
    "NativeError",
    "SettingsError",
    "Status",
    "WsgireloadError",
    "reload_required",
    "restart",
    "start",
    "status",
    "stop",
    "track",
]
