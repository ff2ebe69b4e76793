"""Where a line of the log goes.

That is the logger `wsgireload`; without a handler there Apache's error log, by way of mod_wsgi's
own handler if it has one, else of stderr.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable
from functools import partial

from wsgireload.log import Event

Deliver = Callable[[Callable[[], object]], bool]  # see `Log`
NAME = "wsgireload"
_handlers: dict[object, logging.Handler] = {}  # mod_wsgi's, by type


def write(line: str, about: Event, deliver: Deliver, *, loud: bool) -> None:
    """Write a line, as a warning if it is `loud`, else as information; with what it is about.

    A line that the application's handlers do not take in time goes to Apache's error log as well,
    and so does one for which they raise an exception.
    """
    level = logging.WARNING if loud else logging.INFO
    line += f" [pid {about.pid}, application {about.application!r}"
    if NAME not in logging.root.manager.loggerDict:
        deliver(partial(logging.getLogger, NAME))
    taken: list[str] = []
    write_to_handlers = partial(_write_to_handlers, taken, level, f"{line}]", about)
    if _has_handlers() and deliver(write_to_handlers) and taken:
        return
    if not _write_with_level(level, f"wsgireload: {line}]", deliver) and sys.stderr is not None:
        # The current one: mod_wsgi gives each interpreter its own. All its lines are errors.
        sys.stderr.write(f"wsgireload: {line}, {logging.getLevelName(level).lower()}]\n")
        sys.stderr.flush()


def _has_handlers() -> bool:
    """Whether a line would reach a handler.

    Takes no lock of `logging`: dictConfig() holds its one while it makes handlers.
    """
    found = logging.root.manager.loggerDict.get(NAME)
    logger = found if isinstance(found, logging.Logger) else logging.root
    return logger.hasHandlers() and not logger.disabled


def _write_to_handlers(taken: list[str], level: int, line: str, about: Event) -> None:
    """Write a line, and add it to `taken` if nothing raises, as a filter outside of a request."""
    path = about.paths[0] if about.paths else None
    fields = {"event": about.kind, "path": path, "line": about.line, "seconds": about.seconds}
    fields |= {"application": about.application, "details": about.details}
    with contextlib.suppress(Exception):
        logging.getLogger(NAME).log(level, "%s", line, extra=fields)
        taken.append(line)


def _write_with_level(level: int, line: str, deliver: Deliver) -> bool:
    """Write to Apache's error log where mod_wsgi can set the level (6.0); return whether it did.

    Apache discards lines below its LogLevel, by default all information. These lines answer the
    question why nothing happens, so each gets the lowest level from its own on that is written.
    """
    handler_type = getattr(sys.modules.get("mod_wsgi"), "LogHandler", None)
    with contextlib.suppress(Exception):  # stderr is left
        if handler_type is not None:
            if handler_type not in _handlers:  # it takes the lock of `logging`
                deliver(partial(_make_handler, handler_type))
            for each in sorted({level, logging.WARNING, logging.ERROR}):
                record = logging.LogRecord(NAME, each, __file__, 0, line, None, None)
                _handlers[handler_type].emit(record)
                if hasattr(record, _Marking.__name__):
                    return True
    return False


def _make_handler(handler_type: Callable[[], logging.Handler]) -> None:
    handler = handler_type()
    handler.setFormatter(_Marking())
    _handlers[handler_type] = handler


class _Marking(logging.Formatter):
    """Marks the records that are written: mod_wsgi formats no other."""

    def format(self, record: logging.LogRecord) -> str:
        setattr(record, type(self).__name__, True)
        return str(record.msg)
