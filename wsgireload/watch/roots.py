"""Which folder is watched for a file."""

from __future__ import annotations

import os
import sys
from functools import lru_cache

WINDOWS = os.name == "nt"


def watched_folder(path: str) -> tuple[str, str]:
    """Return the folder to watch for a file, and the file's name in there.

    On Windows that is the entry of sys.path above it: few handles, each with everything below.
    """
    if WINDOWS:
        known = os.path.normcase(path)
        entries = (entry for entry in list[object](sys.path) if isinstance(entry, str))
        for beginning, root in _roots(tuple(entries)):
            if known.startswith(beginning):
                return root, path[len(beginning) :]
    return os.path.split(path)


def inside(root: str) -> str:
    """Return how paths inside a folder begin, once normalised."""
    return os.path.normcase(root).rstrip(os.sep) + os.sep


@lru_cache(1)  # it is requested for every file
def _roots(entries: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the folders of sys.path, the longest first: how paths inside begin, and the folder."""
    folders = [os.path.abspath(entry) for entry in entries if entry]
    return sorted(((inside(each), each) for each in folders), key=lambda pair: -len(pair[0]))
