"""Databases under any name: data that the application writes, as litter is.

py4web has a SQLite in `service.storage`, Roundup in `db`, and Python's `shelve` adds no suffix.
"""

from __future__ import annotations

import os
import stat

from wsgireload.server.files import open_file

# How SQLite's files begin, and those of GDBM's formats.
HEADS = (b"SQLite format 3\0", *(bytes((last, 0x9A, 0x57, 0x13)) for last in range(0xCD, 0xD2)))


class Databases:
    """The paths of databases: those that are there, and those that were and are gone."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def __contains__(self, path: str) -> bool:
        found = _is_database(path)
        if found:
            self._known.add(path)
        elif found is False:
            self._known.discard(path)
        return path in self._known


def _is_database(path: str) -> bool | None:
    """Whether a file begins as a database does; None if it cannot be read."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False
        handle = open_file(path)
        try:
            return os.read(handle, max(map(len, HEADS))).startswith(HEADS)
        finally:
            os.close(handle)
    except (OSError, ValueError):
        return None
