"""Has the code that stays lost a module that it imports?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wsgireload.changes import DELETED, Change, Changes
from wsgireload.decide.verdict import GO, Gate, Hold, Verdict
from wsgireload.log import shown
from wsgireload.report import Held

# Of the files that differ: the one that is gone; the source that imports it, and the line.
Find = Callable[[Mapping[str, Change]], tuple[str, str, int] | None]


class Deletions(Gate):
    """Holds a restart while a source imports a module whose file is gone.

    `find` returns the first one, of all files that differ.
    """

    def __init__(self, find: Find) -> None:
        self._find = find

    def check(self, changes: Changes) -> Verdict:
        if all(each.kind != DELETED for each in changes.files.values()):
            return GO
        found = self._find(changes.files)
        if found is None:
            return GO
        gone, path, line = found
        what = f"{shown(gone)} is gone"
        place = Held(path, line, None, None, what)
        return Hold(f"{what}, and {shown(path)}, line {line}, imports it", place)
