"""Deletions: a restart after which the site could not import is held."""

from __future__ import annotations

from collections.abc import Mapping

from wsgireload.changes import DELETED, Change, Changes
from wsgireload.decide.deletions import Deletions
from wsgireload.decide.verdict import GO, Hold
from wsgireload.report import Held

GONE = Changes({"/srv/models.py": Change(b"missing", DELETED, is_python=True, is_code=True)})


def importer(files: Mapping[str, Change]) -> tuple[str, str, int] | None:
    """Stands in for detect/importers.py."""
    return ("/srv/models.py", "/srv/views.py", 3) if files else None


def test_it_holds_what_is_imported() -> None:
    """The line is named; a restart by hand is held as well, as with a syntax error."""
    gate, what = Deletions(importer), "/srv/models.py is gone"
    place = Held("/srv/views.py", 3, None, None, what)
    held = Hold(f"{what}, and /srv/views.py, line 3, imports it", place)
    assert gate.check(GONE) == gate.check(GONE._replace(requested="by hand")) == held
    assert gate.check(Changes(requested="by hand")) == GO
