"""Reload a WSGI application under Apache/mod_wsgi when its code really changed.

Two lines in the WSGI script:

    import wsgireload
    wsgireload.start()
"""

from wsgireload.api import reload_required, restart, start, status, stop, streams, track
from wsgireload.errors import NativeError, SettingsError, WsgireloadError
from wsgireload.log import Event
from wsgireload.monitor import Monitor
from wsgireload.report import Awaited, Held, Restarted, Status

__all__ = [
    "Awaited",
    "Event",
    "Held",
    "Monitor",
    "NativeError",
    "Restarted",
    "SettingsError",
    "Status",
    "WsgireloadError",
    "reload_required",
    "restart",
    "start",
    "status",
    "stop",
    "streams",
    "track",
]
