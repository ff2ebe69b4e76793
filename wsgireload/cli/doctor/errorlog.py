"""Apache's error log, read from its end: why the site does not answer."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from wsgireload.cli.apache.directives import Directive, by_host
from wsgireload.cli.apache.httpd import Httpd
from wsgireload.server.libraries import is_own

MOST = 256 * 1024  # bytes from the end
DEFAULT = "logs/error_log"
# What Apache puts before a message: its time, module, pid, client; the formats differ.
PREFIX = re.compile(r"^(?:\[[^\]]*\] ?)+")
PID = re.compile(r"\[pid (\d+)")
TRACEBACK = "Traceback (most recent call last):"
# mod_wsgi's line before an exception, which may have no traceback.
RAISED = re.compile(r"(?i:exception (raised|occurred) processing WSGI script)")
ERROR = re.compile(r"[A-Za-z_][\w.]*(: .*)?$")
PLACE = re.compile(r'\s+File "(.+)", line (\d+)')


class Raised(NamedTuple):
    """The exception of a traceback, in one line, and the innermost place in the user's code."""

    error: str
    path: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.error} ({self.path}, line {self.line})" if self.path else self.error


def file(directives: Sequence[Directive], host: int, httpd: Httpd) -> str:
    """Return the path of a virtual host's error log; "" if it is no file."""
    given = by_host(directives, "errorlog")
    path = given.get(host) or given.get(0) or DEFAULT
    return "" if path.startswith(("|", "syslog")) else httpd.absolute(path)


def read(path: str, start: int = 0) -> list[str] | None:
    """Return the lines from a position on, but only the last ones of many; None: unreadable."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would block
            return None
        with open(path, "rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(start if start <= end else 0, end - MOST))
            return log.read(MOST).decode("utf-8", "replace").splitlines()
    except OSError:
        return None


def last_traceback(lines: Sequence[str]) -> Raised | None:
    """Return what the last complete traceback says; None without one."""
    starts = (line.endswith(TRACEBACK) or RAISED.search(line) for line in lines)
    for number in reversed([number for number, is_one in enumerate(starts) if is_one]):
        if found := _parse(list(_of_process(lines, number))):
            return found
    return None


def last(lines: Sequence[str], pattern: re.Pattern[str]) -> re.Match[str] | None:
    """Return the last match of a pattern in the messages."""
    return next(filter(None, (pattern.search(line) for line in reversed(lines))), None)


def _of_process(lines: Sequence[str], number: int) -> Iterator[str]:
    """Return the messages from a line on of the process that wrote it, without their prefixes."""
    pid = PID.search(lines[number])
    before = lines[number].partition(TRACEBACK)[0]
    # By ErrorLogFormat a prefix may be anything; only its numbers change.
    same = re.compile(re.sub(r"\d+", r"\\d+", re.escape(before)))
    for line in lines[number:]:
        found = PID.search(line)
        if pid is None or found is None or found[1] == pid[1]:
            prefix = same.match(line) or PREFIX.match(line)
            yield line[prefix.end() :] if prefix else line


def _parse(messages: Sequence[str]) -> Raised | None:
    path, number = "", 0
    for message in messages[1:]:
        if found := PLACE.match(message):
            if is_own(found[1]):
                path, number = found[1], int(found[2])
        elif ERROR.match(message):
            return Raised(message.strip(), path, number)
    return None
