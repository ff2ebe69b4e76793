"""The log: one line for each thing that happens.

Every line begins with one of the words of `Word` and ends with the process and the application.
Where it goes is the matter of log_output.py.
"""

import contextlib
import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from wsgireload.threads import Beside, RealThread, time


class Word:
    """The first word of a line."""

    WATCHING = "watching"
    CHANGED = "changed"
    HOLDING = "holding"
    RESTARTING = "restarting"
    RELOADED = "reloaded"
    INACTIVE = "inactive"


LOUD = {Word.HOLDING, Word.RESTARTING, Word.INACTIVE}  # warnings; the others are information


class Event(NamedTuple):
    """One event in the life of a process, as `on_event` gets it.

    kind: "changed", "held", "restarting", "reloaded" or "failed".
    message: the log line's text, without its first word and its end.
    paths: the files that it is about; the one that is at fault if a file holds a restart.
    line: the number of the line that is at fault in the first of them, from 1.
    seconds: for "reloaded", from the request to restart until the new code was up.
    details: for "failed", the traceback; for "held", what a check has printed.
    application: the application group; pid: the process; at: the time, in seconds since 1970.
    What does not apply is None.
    """

    kind: str
    paths: tuple[str, ...] = ()
    line: int | None = None
    seconds: float | None = None
    details: str | None = None
    message: str = ""
    application: str = ""
    pid: int = 0
    at: float = 0.0

    def asdict(self) -> dict[str, object]:
        """Return the fields as JSON-able data."""
        return {**self._asdict(), "paths": list(self.paths)}


class Log:
    """The lines of one monitor, each with its pid and application group.

    `send` is called with the event that a line reports, if it reports one, after the line.
    """

    def __init__(
        self, application: str, send: Callable[[Event], None] = lambda _event: None
    ) -> None:
        self.application = application
        self._send = send
        self._beside: Beside | None = None
        self._said: set[str] = set()

    def use_threads(self, start: Callable[..., RealThread]) -> None:
        """From now on, wait for handlers of the application for a bounded time; see `Beside`."""
        self._beside = Beside(partial(start, name="wsgireload-log"), self._report_slow)

    def wait(self, longest: float) -> None:
        """Return once the handlers have all lines, or after so many seconds."""
        if self._beside is not None:
            self._beside.join(longest)

    def forget(self) -> None:
        """In a forked child: what the parent's threads do, and the locks that they hold."""
        self._beside, self._send = None, lambda _event: None

    def say(self, word: str, text: str, *, loud: bool = False, event: Event | None = None) -> None:
        """Write one line, as a warning if it is `loud`. A failure to do so is ignored.

        Of the `event` the caller sets what is special to it; the rest is the same for all.
        """
        text = text if text.isprintable() else escaped(text)
        about = (event or Event(word))._replace(
            message=text, application=self.application, pid=os.getpid(), at=time.time()
        )
        with contextlib.suppress(Exception):
            # Now: most processes are loaded before their first line, and this imports logging.
            from wsgireload.log_output import write

            deliver = _call if self._beside is None else self._beside.deliver
            write(f"{word}: {text}", about, deliver, loud=loud or word in LOUD)
        if event is not None:
            self._send(about)

    def quote(self, word: str, text: str) -> None:
        """Write several lines, below the one that they explain."""
        for line in text.splitlines():
            self.say(word, f"| {line}")

    def say_once(
        self, word: str, text: str, *, loud: bool = False, event: Event | None = None
    ) -> None:
        """The same, but never the same text twice in the life of this process."""
        if text not in self._said and len(self._said) < 1000:
            self._said.add(text)
            self.say(word, text, loud=loud, event=event)

    def _report_slow(self, seconds: float) -> None:
        text = f"a logging handler takes more than {seconds:g} s; restarts do not wait for it"
        self.say_once(Word.WATCHING, text, loud=True)


def _call(function: Callable[[], object]) -> bool:
    function()
    return True


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
