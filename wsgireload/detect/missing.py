"""Where a module would be that no finder found: `try: import local_settings` is a question."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from importlib.machinery import EXTENSION_SUFFIXES

STANDARD_LIBRARY = os.path.dirname(os.__file__)
INSTALLED = {"site-packages", "dist-packages"}  # of pip's; what comes there is imported by others


def places(name: str, folders: Iterable[str]) -> Iterator[str]:
    """The files that could become this module, in those of the folders that are an application's.

    A folder without an `__init__.py` is none of them: a package is copied after its folder is made.
    """
    last = name.rpartition(".")[2]
    if not last.replace("-", "_").isidentifier():
        return
    for folder in filter(is_of_application, map(os.path.abspath, folders)):
        path = os.path.join(folder, last)
        yield f"{path}.py"
        yield os.path.join(path, "__init__.py")
        for suffix in EXTENSION_SUFFIXES:
            yield path + suffix


def is_of_application(folder: str) -> bool:
    """Whether a folder of sys.path or of a package is neither Python's own nor pip's."""
    if INSTALLED.intersection(folder.split(os.sep)):
        return False
    return not f"{folder}{os.sep}".startswith(f"{STANDARD_LIBRARY}{os.sep}") and os.path.isdir(
        folder
    )
