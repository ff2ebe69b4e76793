"""Optional imports that failed before the import hook was there."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from wsgireload.detect.optional import missing
from wsgireload.detect.statements import MOST


def names(path: Path, text: str, module: str = "site_settings") -> dict[str, list[str]]:
    """The missing names of a source, each with the folders that were searched."""
    path.write_text(text)
    return dict(missing(str(path), module))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("try:\n    from local_settings import *\nexcept ImportError:\n    pass", "local_settings"),
        ("try:\n    import local\nexcept ModuleNotFoundError:\n    pass", "local"),
        ("try:\n    import local.deep.er as x\nexcept:\n    pass", "local"),
        ("with suppress(ImportError):\n    import a, local", "local"),
        ("if 1:\n  try:\n    if 1: import local\n  except ImportError: 0", "local"),
    ],
)
def test_a_name_that_may_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, name: str
) -> None:
    """An import that may fail, of a module that is not loaded and has no file."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), None])
    (tmp_path / "a.py").touch()
    assert names(tmp_path / "s.py", text) == {name: [str(tmp_path)]}


@pytest.mark.parametrize(
    ("file", "module", "statement", "name"),
    [
        ("__init__.py", "conf", "from .local import *", "conf.local"),
        ("base.py", "conf.base", "from .local import DEBUG", "conf.local"),
        ("base.py", "conf.base", "from . import local", "conf.local"),
        ("base.py", "conf.base", "from conf import local, WORD", "conf.local"),
        ("base.py", "conf.base", "import conf.local.x", "conf.local"),
    ],
)
def test_a_name_in_a_package(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    module: str,
    statement: str,
    name: str,
) -> None:
    """A relative import begins in the module's package; what the package has is no module."""
    package = ModuleType("conf")
    package.__path__, package.WORD = [str(tmp_path)], 1  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "conf", package)
    found = names(tmp_path / file, f"try:\n    {statement}\nexcept ImportError:\n    pass", module)
    assert list(found) == [name]
    assert found[name] == [str(tmp_path)]


@pytest.mark.parametrize(
    "text",
    [
        "import local",
        "try:\n    import os, sys.x\n    from os import path, sep\nexcept ImportError:\n    pass",
        "try:\n    import there, folder, zipapp, _abc\nexcept ImportError:\n    pass",
        "try:\n    import local\nexcept ImportError:\n    pass\n(",
        "try:\n    import local\nexcept ImportError:\n    pass\n" + "#" * MOST,
    ],
    ids=["must not fail", "loaded", "can be found", "no program", "large"],
)
def test_nothing_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """What must not fail, is loaded, or can be found, in a source that can be read."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "there.py").touch()
    (tmp_path / "folder").mkdir()
    assert names(tmp_path / "s.py", text) == {}
    assert dict(missing(str(tmp_path / "no/such.py"), "such")) == {}
