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

    `finder` makes a function that returns the first one, of all files that differ: at the first
    deletion, as most processes see none.
    """

    def __init__(self, finder: Callable[[], Find]) -> None:
        self._finder = finder
        self._find: Find | None = None

    def check(self, changes: Changes) -> Verdict:
        if all(each.kind != DELETED for each in changes.files.values()):
            return GO
        if self._find is None:
            self._find = self._finder()
        found = self._find(changes.files)
        if found is None:
            return GO
        gone, path, line = found
        what = f"{shown(gone)} is gone"
        place = Held(path, line, None, None, what)
        return Hold(f"{what}, and {shown(path)}, line {line}, imports it", place)
