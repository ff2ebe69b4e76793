"""Which files are Python's own or an installed package's, and which the application's."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable

STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep
INSTALLED = {"site-packages", "dist-packages"}  # pip's, and Debian's
OURS = os.path.dirname(os.path.dirname(__file__))  # in a checkout it is not installed


def is_installed(path: str) -> bool:
    """Whether a file or folder belongs to Python or to an installed package."""
    in_library = f"{path}{os.sep}".startswith(STANDARD_LIBRARY)
    return in_library or not INSTALLED.isdisjoint(path.split(os.sep))


def is_own(path: str) -> bool:
    """Whether a file or folder is the application's: neither installed, nor wsgireload's."""
    is_ours = f"{path}{os.sep}".startswith(OURS + os.sep)
    return os.path.isabs(path) and not is_ours and not is_installed(path)


def count_own(paths: Iterable[str]) -> int:
    """Return how many files are the application's."""
    folders = Counter(map(os.path.dirname, paths))  # many files have few
    return sum(files for folder, files in folders.items() if is_own(folder))
