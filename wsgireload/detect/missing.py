"""What decides on imports without being imported: places of missing modules, and .pth files."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from importlib.machinery import EXTENSION_SUFFIXES

from wsgireload.server.files import absolute
from wsgireload.server.libraries import INSTALLED, is_installed


def places(name: str, folders: Iterable[str]) -> Iterator[str]:
    """The files that could become this module, in those of the folders that are an application's.

    A folder without an `__init__.py` is none of them: a package is copied after its folder is made.
    """
    last = name.rpartition(".")[2]
    if not last.replace("-", "_").isidentifier():
        return
    for folder in filter(is_of_application, absolute(folders)):
        path = os.path.join(folder, last)
        if not _is_encodable(path):
            continue
        yield f"{path}.py"
        yield os.path.join(path, "__init__.py")
        for suffix in EXTENSION_SUFFIXES:
            yield path + suffix


def _is_encodable(path: str) -> bool:
    """Whether a file can have this path: Python may run with LANG=C, or with another encoding."""
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return False
    return True


def path_files_now() -> Iterator[str]:
    """The .pth files that Python reads at its start, as those of editable installs."""
    for folder in path_folders():
        with contextlib.suppress(OSError):
            names = os.listdir(folder)
            yield from (os.path.join(folder, name) for name in names if name.endswith(".pth"))


def path_folders() -> list[str]:
    """The folders in which Python reads them."""
    folders = dict.fromkeys(absolute(filter(is_text, sys.path)))
    return [each for each in folders if os.path.basename(each) in INSTALLED]


def is_text(entry: object) -> bool:
    """Whether an entry of sys.path is a path: importlib ignores all others."""
    return isinstance(entry, str)


def is_of_application(folder: str) -> bool:
    """Whether a folder of sys.path or of a package is neither Python's own nor pip's."""
    return not is_installed(folder) and os.path.isdir(folder)
