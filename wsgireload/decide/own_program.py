"""A program of wsgireload's own, run beside the application: is it still that of this release?

An upgrade replaces it while the process runs. The other release's may take other arguments, and
answer in another way.
"""

from __future__ import annotations

import os

from wsgireload.changes import fingerprint
from wsgireload.server.files import content

UPGRADED = "an upgrade has replaced wsgireload's own program: restart Apache"


class OwnProgram:
    """`path` is its file, or its package."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._digest = _digest(path)

    @property
    def is_replaced(self) -> bool:
        return _digest(self._path) != self._digest


def _digest(path: str) -> str | None:
    """The digest of a file, or of all modules of a folder; None if one cannot be read."""
    try:
        if not os.path.isdir(path):
            return fingerprint(content(path))
        names = sorted(name for name in os.listdir(path) if name.endswith(".py"))
        return fingerprint(*(content(os.path.join(path, name)) for name in names))
    except OSError:
        return None
