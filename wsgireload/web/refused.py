"""The log lines about requests to the page that come from elsewhere."""

from __future__ import annotations

import wsgireload
from wsgireload.log import Log, Word

MOST = 20  # lines in the life of a process: scanners try such paths on every public site


class Refused:
    """Logs each reason once, so that a log shows why a browser does not get the page."""

    def __init__(self) -> None:
        self._logged: set[str] = set()

    def log(self, reason: str) -> None:
        """Log a reason, whatever a client may have put into it, unless it was logged before."""
        if reason not in self._logged and len(self._logged) < MOST:
            self._logged.add(reason)
            Log(wsgireload.status().application).say(Word.WATCHING, reason)
