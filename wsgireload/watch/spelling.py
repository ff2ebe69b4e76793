"""The paths that we know, by how Windows may report a change of them.

It reports a name in another case. A path with a short name (`PROGRA~1`), through a junction or on a
drive of `subst` it reports as the real one, whose folder has to be watched as well.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from wsgireload.server.files import is_link
from wsgireload.watch.roots import watched_folder


class Spelling:
    """Empty, and of no effect, on other systems."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}  # by normcase
        self._real: dict[str, dict[str, None]] = {}  # paths that lead to this one, or through it
        self._folders: dict[str, str] = {}  # the real path of each that exists
        self._links: dict[str, bool] = {}  # whether a folder is a link, or below one

    def clear(self) -> None:
        for each in (self._known, self._real, self._folders, self._links):
            each.clear()

    def add(self, path: str, folder: str, name: str, *, by_link: bool) -> Iterator[tuple[str, str]]:
        """Recognise a path, by its name in the folder that is watched for it, and by its real one.

        Returns the folders to watch, each with a name in it: also of the folders down to the path,
        as Windows reports no more than the name of one that is renamed.
        """
        above, below = path, name
        while below and (known := os.path.normcase(above)) not in self._known:
            self._known[known] = above
            yield folder, below
            above, below = os.path.dirname(above), os.path.dirname(below)
        real = self.real(path, by_link=by_link)
        if os.path.normcase(real) != os.path.normcase(os.path.join(self.real_folder(folder), name)):
            folder, name = watched_folder(real)
            while name:
                self._real.setdefault(os.path.normcase(real), {})[path] = None
                yield folder, name
                real, name = os.path.dirname(real), os.path.dirname(name)

    def knows(self, folder: str) -> bool:
        return os.path.normcase(folder) in self._known

    def paths(self, reported: str) -> list[str]:
        """Return the paths of which a reported change is one."""
        known = os.path.normcase(reported)
        return [self._known.get(known, reported), *self._real.get(known, ())]

    def real(self, path: str, *, by_link: bool) -> str:
        """Return where a path leads; `by_link`: through a link."""
        folder, name = os.path.split(path)
        if by_link or "~" in name:
            return _resolved(path)
        return os.path.join(self.real_folder(folder), name)

    def by_link(self, path: str) -> bool:
        """Whether a path leads through a link, which may be switched without an event."""
        return self._by_link(os.path.dirname(path)) or is_link(path)

    def _by_link(self, folder: str) -> bool:
        if folder not in self._links:
            above = os.path.dirname(folder)
            self._links[folder] = above != folder and (is_link(folder) or self._by_link(above))
        return self._links[folder]

    def real_folder(self, folder: str) -> str:
        real = self._folders.get(folder) or _resolved(folder)
        if folder not in self._folders and os.path.isdir(folder):  # one that is missing may come
            self._folders[folder] = real
        return real


def _resolved(path: str) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):  # as on a drive that has not all that Windows asks for
        return path
