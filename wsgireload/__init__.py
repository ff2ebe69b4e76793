"""Reload a WSGI application under Apache/mod_wsgi when its code really changed.

Two lines in the WSGI script:

    import wsgireload
    wsgireload.start()
"""

from wsgireload.api import reload_required, restart, start, status, stop, track
from wsgireload.errors import NativeError, SettingsError, WsgireloadError
from wsgireload.monitor import Monitor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wsgireload.report import Status

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


def __getattr__(name: str) -> object:
    """Status is imported when somebody asks for it: see report.py."""
    if name == "Status":
        from wsgireload.report import Status

        return Status
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
