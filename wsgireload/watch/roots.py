"""Which folder is watched for a file, and which folders and files cannot be."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Callable
from functools import cache, lru_cache

from wsgireload.log import shown
from wsgireload.server.process import proc

WINDOWS = os.name == "nt"
ABSENT = {errno.ENOENT, errno.ENOTDIR}
OCTAL = re.compile(rb"\\([0-7]{3})")  # how mountinfo has a blank, for example


class Polled:
    """Reports once for each reason why folders are polled."""

    def __init__(self, trouble: Callable[[str], None]) -> None:
        self._trouble = trouble
        self._reported: set[str] = set()

    def __call__(self, folder: str, why: str) -> None:
        if why not in self._reported:
            self._reported.add(why)
            self._trouble(f"{shown(folder)} and others like it are polled: {why}")


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


def is_mounted(path: str) -> bool:
    """Whether something is mounted at this path, as `docker run -v settings.py:/app/settings.py`.

    A change of such a file is an event of the folder that it comes from, not of the one around it.
    """
    return path in _mount_points()


@cache
def _mount_points() -> frozenset[str]:
    """Return where file systems were mounted at first; none where the system does not reveal it."""
    try:
        lines = proc("self", "mountinfo").splitlines()
    except OSError:
        return frozenset()
    points = (line.split()[4] for line in lines if line.count(b" ") > 4)
    return frozenset(
        os.fsdecode(OCTAL.sub(lambda got: bytes([int(got[1], 8)]), each)) for each in points
    )
