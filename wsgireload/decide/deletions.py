"""Has the code that stays lost a module that it imports?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wsgireload.changes import Change, Changes
from wsgireload.decide.verdict import GO, Gate, Hold, Verdict
from wsgireload.log import shown
from wsgireload.report import Held

Importer = tuple[str, str, int]  # the file that is gone; the source that imports it, and the line


class Deletions(Gate):
    """Holds a restart while a source imports a module whose file is gone.

    `importer` returns the first one, of all files that differ.
    """

    def __init__(self, importer: Callable[[Mapping[str, Change]], Importer | None]) -> None:
        self._importer = importer

    def check(self, changes: Changes) -> Verdict:
        found = self._importer(changes.files)
        if found is None:
            return GO
        gone, path, line = found
        what = f"{shown(gone)} is gone"
        place = Held(path, line, None, None, what)
        return Hold(f"{what}, and {shown(path)}, line {line}, imports it", place)
