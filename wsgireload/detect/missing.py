"""What decides on imports without being imported: places of missing modules, and .pth files."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from importlib.machinery import EXTENSION_SUFFIXES

from wsgireload.server.files import absolute, beginning
from wsgireload.server.libraries import INSTALLED, is_installed

LARGEST = 1 << 16  # bytes of a .pth file, which holds a few lines


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
        yield from _in_folder(folder)
    yield from other_path_files()


def other_path_files() -> Iterator[str]:
    """Those in other folders than site-packages, which have added to sys.path.

    mod_wsgi reads them in the folders of python-path. Not all that end in .pth: a PyTorch model
    does as well.
    """
    folders = dict.fromkeys(absolute(filter(is_text, sys.path)))
    for folder in (each for each in folders if os.path.basename(each) not in INSTALLED):
        for path in _in_folder(folder):
            with contextlib.suppress(OSError, ValueError):
                added = filter(None, beginning(path, LARGEST).decode().splitlines())
                if any(os.path.abspath(os.path.join(folder, each)) in folders for each in added):
                    yield path


def path_folders() -> list[str]:
    """The folders in which Python reads them."""
    folders = dict.fromkeys(absolute(filter(is_text, sys.path)))
    return [each for each in folders if os.path.basename(each) in INSTALLED]


def _in_folder(folder: str) -> list[str]:
    try:
        names = os.listdir(folder)
    except (OSError, ValueError):
        return []
    return [os.path.join(folder, name) for name in names if name.endswith(".pth")]


def is_text(entry: object) -> bool:
    """Whether an entry of sys.path is a path: importlib ignores all others."""
    return isinstance(entry, str)


def is_of_application(folder: str) -> bool:
    """Whether a folder of sys.path or of a package is neither Python's own nor pip's."""
    return not is_installed(folder) and os.path.isdir(folder)
