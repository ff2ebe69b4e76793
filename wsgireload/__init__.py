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
    from wsgireload.report import Held, Restarted, Status

__all__ = [
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
    "track",
]


def __getattr__(name: str) -> object:
    """Status and its parts are imported when somebody asks for them: see report.py."""
    if name in ("Held", "Restarted", "Status"):
        from wsgireload import report

        return getattr(report, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
