"""Would the new process miss a module: one that is gone, not there yet, or cannot be read?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping

from wsgireload.changes import Change, Changes
from wsgireload.decide.verdict import GO, Gate, Hold, Verdict
from wsgireload.log import shown
from wsgireload.report import Held
from wsgireload.server.files import NO_DESCRIPTOR_LEFT, open_file

# Of the files that differ: the one that is gone, or the name of a module that is not there; the
# source that imports it, and the line.
Find = Callable[[Mapping[str, Change]], tuple[str, str, int] | None]


class MissingModules(Gate):
    """Holds a restart while a source imports a module that is gone, or loaded code cannot be read.

    `find` returns the first such import, of all files that differ. `unread` returns the files of
    loaded code that the last scan could not read.
    """

    def __init__(self, find: Find, unread: Callable[[], Iterable[str]] = tuple) -> None:
        self._find = find
        self._unread = unread

    def check(self, changes: Changes) -> Verdict:
        for path in self._unread():
            if (why := unreadable(path)) is not None:
                what = f"cannot be read: {why}"
                return Hold(f"{shown(path)}: {what}", Held(path, None, None, None, what))
        found = self._find(changes.files)
        if found is None:
            return GO
        gone, path, line = found
        what = f"{shown(gone)} is gone" if os.path.isabs(gone) else f"there is no module {gone}"
        place = Held(path, line, None, None, what)
        return Hold(f"{what}, and {shown(path)}, line {line}, imports it", place)


def unreadable(path: str) -> str | None:
    """Why a file cannot be read; None if it can, is missing, or this process may open no file."""
    try:
        os.close(open_file(path))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except OSError as error:
        return None if error.errno in NO_DESCRIPTOR_LEFT else error.strerror
    return None
