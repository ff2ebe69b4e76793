"""The paths that a glob matches, and the names in a tracked folder that are not source files."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable
from functools import cache

# Left in folders by editors, version control, databases and logs: not source code, and some of it
# is written by the very program that a change would restart. Nor are files that rsync has not
# renamed yet: .name.html.a1B2c3, or .~tmp~/name.html. A file that is tracked by name always counts.
LITTER = (
    "__pycache__ *.pyc .git .hg .svn .DS_Store *~ *.tmp *.bak *.orig *.rej .*.sw? .#* #*# 4913"
    " .goutputstream-* *___jb_*___ *.kate-swp .*.*.?????? .~tmp~"
    " *.log *.pid *.sqlite3 *.sqlite3-* *.db *.db-*"
    # our own: see state/ and decide/rolling.py
    " [0-9]*-????????????????.state* [0-9]*-????????????????.restart ????????????????.call"
    " ????????????????.roll ????????????????.journal* journal.lock"
    " ????????????????.preflight*"
)


class Pattern:
    """An absolute path whose components may hold `*`, `?`, `[…]`, or be `**` (any folders).

    Paths match component by component. Everything below a matching folder matches too.
    """

    def __init__(self, pattern: str, *, hidden: bool = False) -> None:
        """With `hidden`, a wildcard also matches a leading dot."""
        self.root = fixed_part(pattern)
        self._parts = [
            None if part == "**" else _component(part, hidden=hidden)
            for part in split(pattern)[len(split(self.root)) :]
        ]
        self._hidden = hidden
        self.start = self._closure({0})

    def step(self, states: frozenset[int], name: str) -> frozenset[int]:
        """The states after one more component; empty: nothing from here on can match."""
        after = set()
        for at in states:
            if at == len(self._parts):
                after.add(at)
            elif (part := self._parts[at]) is None:
                if self._hidden or not name.startswith("."):
                    after.add(at)
            elif part.match(name):
                after.add(at + 1)
        return self._closure(after)

    def accepts(self, states: frozenset[int]) -> bool:
        """Whether the whole pattern has been matched."""
        return len(self._parts) in states

    def matches(self, path: str) -> bool:
        """Whether a path, or a folder above it, matches."""
        root, components = split(self.root), split(path)
        if components[: len(root)] != root:
            return False
        states = self.start
        for name in components[len(root) :]:
            states = self.step(states, name)
        return self.accepts(states)

    def _closure(self, states: set[int]) -> frozenset[int]:
        """`**` also matches no folder at all."""
        reached = set(states)
        for at in range(len(self._parts)):
            if at in reached and self._parts[at] is None:
                reached.add(at + 1)
        return frozenset(reached)


class Ignored:
    """The paths that the user has excluded: bare names anywhere, paths and globs with all below."""

    def __init__(self, ignore: Iterable[str]) -> None:
        names = [fnmatch.translate(name) for name in ignore if os.path.basename(name) == name]
        self._named = re.compile("|".join(names)).match if names else None
        paths = [path for path in ignore if os.path.basename(path) != path]
        self._patterns = [Pattern(path, hidden=True) for path in paths]

    def __call__(self, path: str) -> bool:
        """Whether a path is excluded."""
        if self._named and any(self._named(component) for component in split(path)[1:]):
            return True
        return any(pattern.matches(path) for pattern in self._patterns)


def is_litter(name: str) -> bool:
    """Whether a file or folder of that name is left out of tracked folders."""
    return _litter().match(name) is not None


def split(path: str) -> list[str]:
    """The components of an absolute path, its root first."""
    drive, rest = os.path.splitdrive(path)
    return [drive + os.sep, *(part for part in rest.split(os.sep) if part)]


def is_glob(text: str) -> bool:
    """Whether a text holds a wildcard."""
    return any(character in text for character in "*?[")


def fixed_part(path: str) -> str:
    """The folder that everything a glob matches lies in; a path that is no glob itself."""
    components = split(path)
    fixed = next((i for i, part in enumerate(components) if is_glob(part)), len(components))
    return os.path.join(*components[:fixed])


@cache
def _litter() -> re.Pattern[str]:  # compiled only where a folder is tracked
    return re.compile("|".join(fnmatch.translate(name) for name in LITTER.split()))


def _component(part: str, *, hidden: bool) -> re.Pattern[str]:
    careful = "" if hidden or part.startswith(".") else r"(?!\.)"
    return re.compile(careful + fnmatch.translate(part))
