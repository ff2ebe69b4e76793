"""Which folder is watched for a file."""

from __future__ import annotations

import os
import sys

WINDOWS = os.name == "nt"


def watched_folder(path: str) -> tuple[str, str]:
    """Return the folder to watch for a file, and the file's name in there.

    On Windows that is the entry of sys.path above it: few handles, each with everything below.
    """
    if WINDOWS:
        roots = [os.path.abspath(entry).rstrip("\\/") for entry in sys.path if entry]
        above = [root for root in roots if os.path.normcase(path).startswith(inside(root))]
        if above:
            root = max(above, key=len)
            return root, path[len(root) + 1 :]
    return os.path.split(path)


def inside(root: str) -> str:
    """Return how paths inside a folder begin, once normalised."""
    return os.path.normcase(root) + os.sep
