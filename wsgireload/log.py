"""What we say: one line for each thing that happens, where somebody reads it.

Every line begins with one of the words of `Word` and ends with who says it. It goes to the stdlib
logger `wsgireload`; where nobody listens there it goes to stderr, which is Apache's error log.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterable
from enum import Enum

logger = logging.getLogger("wsgireload")


class Word(Enum):
    """The first word of a line, and how loud it is."""

    WATCHING = "watching", logging.INFO
    CHANGED = "changed", logging.INFO
    HOLDING = "holding", logging.WARNING
    RESTARTING = "restarting", logging.WARNING
    RELOADED = "reloaded", logging.INFO
    INACTIVE = "inactive", logging.WARNING


class _ErrorLog(logging.StreamHandler):  # type: ignore[type-arg]  # generic in the stubs alone
    """Today's sys.stderr, looked up at each line: mod_wsgi gives each interpreter its own."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))

    @property
    def stream(self) -> object:
        return sys.stderr


_error_log = _ErrorLog()


class Log:
    """Speaks for one monitor: adds the pid and the application group to what it says."""

    def __init__(self, application: str) -> None:
        self.application = application
        self._said: set[str] = set()

    def say(self, word: Word, text: str) -> None:
        """Write one line; that it cannot be written is no reason to fail."""
        with contextlib.suppress(Exception):
            self._write(word, text)

    def _write(self, word: Word, text: str) -> None:
        name, level = word.value
        line = f"{name}: {text} [pid {os.getpid()}, application {self.application!r}]"
        line = line.encode("utf-8", "backslashreplace").decode()
        if logger.hasHandlers() and not logger.disabled:
            logger.log(level, "%s", line)
        elif sys.stderr is not None:
            _error_log.handle(logger.makeRecord(logger.name, level, "", 0, "%s", (line,), None))

    def say_once(self, word: Word, text: str) -> None:
        """The same, but never the same text twice in the life of this process."""
        if text not in self._said and len(self._said) < 1000:
            self._said.add(text)
            self.say(word, text)


def shown(path: str) -> str:
    """A path as it may stand in a line: what would break the line or its encoding is escaped."""
    return path if path.isprintable() else repr(path)


def few(texts: Iterable[str], most: int = 3) -> str:
    """The first few, and how many more there are."""
    every = list(texts)
    more = len(every) - most
    return ", ".join(every[:most]) + (f" and {more} more" if more > 0 else "")
