"""Which files are mounted by themselves: nothing reports their changes."""

from __future__ import annotations

import os
import re
from functools import cache

from wsgireload.server.detection import proc

OCTAL = re.compile(rb"\\([0-7]{3})")  # how mountinfo has a blank, for example


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
