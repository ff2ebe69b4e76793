"""When the application is loaded, and what the log says then: what is watched, and why."""

from __future__ import annotations

import time

from wsgireload.log import Log, Word, few, shown
from wsgireload.wiring import Parts

LONG_AGO = 60.0  # seconds: a restart that lies further back is not reported as the one just made
AGAIN = 0.02  # seconds between two checks whether the application is loaded
SLOWLY = 30.0  # seconds, after which the log reports that it is still being loaded


class Loading:
    """The time from the start of a monitor until its application is loaded."""

    def __init__(self, parts: Parts, log: Log) -> None:
        self._parts = parts
        self._log = log
        self._began = time.monotonic()
        self._has_script = parts.is_loading()
        self._is_over = False

    def goes_on(self) -> bool:
        """Whether to check again soon; called after a scan. Logs the end of loading."""
        if self._is_over:
            return False
        if self._parts.is_loading():
            if time.monotonic() - self._began < SLOWLY:
                return True
            self._log.say_once(Word.WATCHING, "the WSGI script is still being loaded")
        elif self._has_script and not self._parts.is_up():  # the next request loads it again
            text = "the WSGI script could not be loaded; the traceback above says why"
            self._log.say_once(Word.WATCHING, text)
        else:
            self._is_over = True
            self._report()
        return False

    def _report(self) -> None:
        budget, detector, up = self._parts.budget, self._parts.detector, time.monotonic()
        made_by = budget.made_by
        if made_by is not None and self._began - made_by.at < LONG_AGO:
            budget.complete(made_by._replace(up=up))
            took = f"new code up after {up - made_by.at:.2f} s"
            self._log.say(Word.RELOADED, f"{made_by.reason}; {took}{budget.repeated()}")
        text = f"{len(detector)} files"
        if unproven := detector.unproven:
            text += f"; imported before start(), assumed unchanged: {few(map(shown, unproven))}"
        self._log.say(Word.WATCHING, text)
