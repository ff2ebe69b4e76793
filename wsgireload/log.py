"""The log: one line for each thing that happens.

Every line begins with one of the words of `Word` and ends with the process and the application. It
goes to the logger `wsgireload`; without a handler there it goes to stderr: Apache's error log.
"""

from __future__ import annotations

import contextlib
import logging
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
    """The lines of one monitor, each with its pid and application group."""

    def __init__(self, application: str) -> None:
        self.application = application
        self._said: set[str] = set()

    def say(self, word: str, text: str, *, loud: bool = False) -> None:
        """Write one line, as a warning if it is `loud`. A failure to do so is ignored."""
        line = f"{word}: {text} [pid {os.getpid()}, application {self.application!r}]"
        with contextlib.suppress(Exception):
            _write(loud or word in LOUD, line if line.isprintable() else escaped(line))

    def say_once(self, word: str, text: str, *, loud: bool = False) -> None:
        """The same, but never the same text twice in the life of this process."""
        if text not in self._said and len(self._said) < 1000:
            self._said.add(text)
            self.say(word, text, loud=loud)


def _write(loud: bool, line: str) -> None:
    logger = logging.getLogger("wsgireload")
    if logger.hasHandlers() and not logger.disabled:
        logger.log(logging.WARNING if loud else logging.INFO, "%s", line)
    elif sys.stderr is not None:  # the current one: mod_wsgi gives each interpreter its own
        sys.stderr.write(f"wsgireload: {line}\n")
        sys.stderr.flush()


def escaped(text: str) -> str:
    """A text without line breaks, terminal controls, and characters that have no encoding."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def shown(path: str) -> str:
    """A path for a log line: what would break the line or its encoding is escaped."""
    return path if path.isprintable() else repr(path)


def few(texts: Iterable[str]) -> str:
    """The first three, and how many more there are."""
    every = list(texts)
    more = len(every) - 3
    return ", ".join(every[:3]) + (f" and {more} more" if more > 0 else "")
