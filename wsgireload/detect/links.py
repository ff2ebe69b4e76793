"""Files by the link that leads to them, as a deployment switches `current` to another release.

A program that resolves its own path (`Path(__file__).resolve()`) loads its modules by their real
one, where nothing changes when the link is switched.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

from wsgireload.server.files import absolute, is_link


class Links:
    """Replaces real folders in a path by the links that `paths` go through.

    The result leads to the same file until such a link is switched.
    """

    def __init__(self, paths: Iterable[str] = ()) -> None:
        links: dict[str, None] = {}
        for path in absolute(paths):
            with contextlib.suppress(OSError, RecursionError):  # it goes just now, or has no end
                _follow(path, links)
        real = {link: os.path.realpath(link) for link in reversed(links) if os.path.isdir(link)}
        # The longest first; of several links to one folder the first; none to a folder around it.
        pairs = {
            folder: link
            for link, folder in real.items()
            if not _is_in(os.path.realpath(os.path.dirname(link)), folder)
        }
        self._pairs = sorted(pairs.items(), key=lambda pair: len(pair[0]), reverse=True)

    def __call__(self, path: str) -> str:
        """Return the path by its link; the path itself if there is none."""
        for folder, link in self._pairs:
            if _is_in(path, folder):
                return link + path[len(folder) :]
        return path


def _is_in(path: str, folder: str) -> bool:
    path, folder = os.path.normcase(path), os.path.normcase(folder)
    return path == folder or path.startswith(folder + os.sep)


def _follow(path: str, links: dict[str, None]) -> None:
    """Add the links on the way to a path, in the order in which they are met."""
    folder, name = os.path.split(path)
    if not name:
        return
    _follow(folder, links)
    if path not in links and is_link(path):
        links[path] = None
        target = os.path.join(os.path.realpath(folder), os.readlink(path))
        _follow(os.path.normpath(target), links)
