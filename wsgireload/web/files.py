"""Files that the browser alone has to hear of: style sheets, templates that are read each time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from glob import iglob

from wsgireload.web.hashes import sha256

AT_MOST = 0.25  # seconds for which what was found counts
SHARE = 10  # a look may take a tenth of the time


class Files:
    """The files that these globs name (`**` too), from a folder that is given with each question.

    A folder itself means all that is in it.
    """

    def __init__(
        self, patterns: Sequence[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._patterns = patterns
        self._clock = clock
        self._until = float("-inf")
        self._digests: dict[str, tuple[tuple[int, int], bytes]] = {}
        self._told = ""

    def digest(self, folder: str) -> str:
        """A name for what is in all of them now, or was so many parts of a second ago."""
        if not self._patterns:
            return ""
        began = self._clock()
        if began >= self._until:
            self._told = self._look(folder)
            now = self._clock()
            self._until = now + max(AT_MOST, SHARE * (now - began))
        return self._told

    def _look(self, folder: str) -> str:
        before, found = self._digests, {}
        whole = sha256()
        for path in sorted(set(self._paths(folder))):
            try:
                stat = os.stat(path)
                mark = (stat.st_mtime_ns, stat.st_size)
                known = before.get(path)
                found[path] = known if known and known[0] == mark else (mark, _digest(path))
            except OSError:  # it went, or it is not for us: then nobody serves it either
                continue
            whole.update(os.fsencode(path) + b"\0" + found[path][1])
        self._digests = found
        return whole.hexdigest()[:16]

    def _paths(self, folder: str) -> list[str]:
        paths = []
        for pattern in self._patterns:
            named = os.path.join(folder, pattern)
            inside = os.path.join(named, "**") if os.path.isdir(named) else named
            paths += [
                path
                for path in iglob(inside, recursive=True)
                if os.path.isfile(path) and not path.endswith("~")  # an editor's
            ]
        return paths


def _digest(path: str) -> bytes:
    with open(path, "rb") as file:
        return sha256(file.read()).digest()
