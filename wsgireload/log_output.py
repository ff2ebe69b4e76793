"""Where a line of the log goes.

That is the logger `wsgireload`; without a handler there Apache's error log, by way of mod_wsgi's
own handler if it has one, else of stderr.
"""

from __future__ import annotations

import contextlib
import logging
import sys

from wsgireload.log import Event


def write(line: str, about: Event, *, loud: bool) -> None:
    """Write a line, as a warning if it is `loud`, else as information; with what it is about."""
    level = logging.WARNING if loud else logging.INFO
    line += f" [pid {about.pid}, application {about.application!r}"
    logger = logging.getLogger("wsgireload")
    if logger.hasHandlers() and not logger.disabled:
        path = about.paths[0] if about.paths else None
        fields = {"event": about.kind, "path": path, "line": about.line, "seconds": about.seconds}
        fields |= {"application": about.application, "details": about.details}
        logger.log(level, "%s", f"{line}]", extra=fields)
    elif not _write_with_level(level, f"wsgireload: {line}]") and sys.stderr is not None:
        # The current one: mod_wsgi gives each interpreter its own. All its lines are errors.
        sys.stderr.write(f"wsgireload: {line}, {logging.getLevelName(level).lower()}]\n")
        sys.stderr.flush()


def _write_with_level(level: int, line: str) -> bool:
    """Write to Apache's error log where mod_wsgi can set the level (6.0); return whether it did.

    Apache discards lines below its LogLevel, by default all information. These lines answer the
    question why nothing happens, so each gets the lowest level from its own on that is written.
    """
    handler_type = getattr(sys.modules.get("mod_wsgi"), "LogHandler", None)
    written = _Written()
    with contextlib.suppress(Exception):  # stderr is left
        if handler_type is not None:
            handler = handler_type()
            handler.setFormatter(written)
            for each in sorted({level, logging.WARNING, logging.ERROR}):
                if not written.is_written:
                    record = logging.LogRecord("wsgireload", each, __file__, 0, line, None, None)
                    handler.emit(record)
    return written.is_written


class _Written(logging.Formatter):
    """Knows whether a line was written: mod_wsgi formats no other."""

    is_written = False

    def format(self, record: logging.LogRecord) -> str:
        self.is_written = True
        return str(record.msg)
