"""What we say: one line for each thing that happens, where somebody reads it.

Every line begins with one of the words of `Word` and ends with who says it. It goes to the stdlib
logger `wsgireload`; where nobody listens there it goes to stderr, which is Apache's error log.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable


class Word:
    """The first word of a line."""

    WATCHING = "watching"
    CHANGED = "changed"
    HOLDING = "holding"
    RESTARTING = "restarting"
    RELOADED = "reloaded"
    INACTIVE = "inactive"


LOUD = {Word.HOLDING, Word.RESTARTING, Word.INACTIVE}  # warnings; the others are information


class Log:
    """Speaks for one monitor: adds the pid and the application group to what it says."""

    def __init__(self, application: str) -> None:
        self.application = application
        self._said: set[str] = set()

    def say(self, word: str, text: str) -> None:
        """Write one line; that it cannot be written is no reason to fail."""
        line = f"{word}: {text} [pid {os.getpid()}, application {self.application!r}]"
        with contextlib.suppress(Exception):
            _write(word in LOUD, line if line.isprintable() else escaped(line))

    def say_once(self, word: str, text: str) -> None:
        """The same, but never the same text twice in the life of this process."""
        if text not in self._said and len(self._said) < 1000:
            self._said.add(text)
            self.say(word, text)


def _write(loud: bool, line: str) -> None:
    # Where logging was never imported nobody configured it, and we need not be the first. While
    # another thread imports it, it is there by halves: without the last of its functions.
    logging = sys.modules.get("logging")
    if logging is not None and hasattr(logging, "captureWarnings"):
        logger = logging.getLogger("wsgireload")
        if logger.hasHandlers() and not logger.disabled:
            logger.log(logging.WARNING if loud else logging.INFO, "%s", line)
            return
    if sys.stderr is not None:  # today's: mod_wsgi gives each interpreter its own
        sys.stderr.write(f"wsgireload: {line}\n")
        sys.stderr.flush()


def escaped(text: str) -> str:
    """A text without what would break its line, be obeyed by a terminal, or has no encoding."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def shown(path: str) -> str:
    """A path as it may stand in a line: what would break the line or its encoding is escaped."""
    return path if path.isprintable() else repr(path)


def few(texts: Iterable[str], most: int = 3) -> str:
    """The first few, and how many more there are."""
    every = list(texts)
    more = len(every) - most
    return ", ".join(every[:most]) + (f" and {more} more" if more > 0 else "")
