"""MissingModules: a restart after which the site could not import is held."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from types import SimpleNamespace

import pytest

from wsgireload.changes import DELETED, Change, Changes
from wsgireload.decide.missing_modules import MissingModules
from wsgireload.decide.verdict import GO, Hold
from wsgireload.report import Held
from wsgireload.server import files

GONE = Changes({"/srv/models.py": Change(b"missing", DELETED, is_python=True, is_code=True)})


def importer(files: Mapping[str, Change]) -> tuple[str, str, int] | None:
    """Stands in for detect/importers.py."""
    return ("/srv/models.py", "/srv/views.py", 3) if files else None


def test_it_holds_what_is_imported() -> None:
    """The line is named; a restart by hand is held as well, as with a syntax error."""
    gate, what = MissingModules(importer), "/srv/models.py is gone"
    place = Held("/srv/views.py", 3, None, None, what)
    held = Hold(f"{what}, and /srv/views.py, line 3, imports it", place)
    assert gate.check(GONE) == gate.check(GONE._replace(requested="by hand")) == held
    assert gate.check(Changes(requested="by hand")) == GO


def test_it_holds_for_what_is_not_there_yet() -> None:
    """A module that never was there has no path: its name is in the line."""
    gate, what = (
        MissingModules(lambda _files: ("later", "/srv/views.py", 1)),
        "there is no module later",
    )
    held = Hold(
        f"{what}, and /srv/views.py, line 1, imports it", Held("/srv/views.py", 1, None, None, what)
    )
    assert gate.check(Changes({"/srv/views.py": Change(b"new", is_python=True)})) == held


@pytest.mark.parametrize(
    ("number", "is_held"),
    [
        (errno.EACCES, True),
        (errno.ELOOP, True),
        (errno.EIO, True),
        (errno.ENOENT, False),
        (errno.EMFILE, False),
        (0, False),
    ],
)
def test_it_holds_while_loaded_code_cannot_be_read(
    number: int, is_held: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else has changed; not for want of descriptors, which the new process has."""

    def open_(_path: str, _flags: int) -> int:
        if number:
            raise OSError(number, os.strerror(number))
        return os.open(os.devnull, os.O_RDONLY)

    real = SimpleNamespace(**vars(os))
    real.open = open_
    monkeypatch.setattr(files, "os", real)
    monkeypatch.setattr(files, "WINDOWS", False)
    gate = MissingModules(lambda _files: None, lambda: ["/srv/other.py"])
    what = f"cannot be read: {os.strerror(number)}"
    held = Hold(f"/srv/other.py: {what}", Held("/srv/other.py", None, None, None, what))
    changes = Changes({"/srv/views.py": Change(b"new", is_python=True, is_code=True)})
    assert gate.check(changes) == (held if is_held else GO)
    assert gate.check(changes._replace(requested="by hand")) == (held if is_held else GO)
