"""The paths that a glob matches, and those that the user has excluded."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable
from functools import reduce


class Pattern:
    """An absolute path whose components may hold `*`, `?`, `[…]`, or be `**` (any folders).

    Paths match component by component, on Windows in any case. Everything below a matching folder
    matches too.
    """

    def __init__(self, pattern: str, *, hidden: bool = False, literal: bool = False) -> None:
        """With `hidden`, a wildcard also matches a leading dot; `literal`: there is no wildcard."""
        self.root = pattern if literal else fixed_part(pattern)
        parts = split(pattern)[len(split(self.root)) :]
        self._parts = [None if part == "**" else _component(part, hidden=hidden) for part in parts]
        self._naming = [part.strip("*?.") != "" for part in parts]  # it has more than wildcards
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
            elif part.match(os.path.normcase(name)):
                after.add(at + 1)
        return self._closure(after)

    def accepts(self, states: frozenset[int]) -> bool:
        """Whether the whole pattern has been matched."""
        return len(self._parts) in states

    def names(self, states: frozenset[int], name: str) -> bool:
        """Whether the next component is `name` by its own characters, not by wildcards alone."""
        named = (self._parts[at] for at in states if at < len(self._parts) and self._naming[at])
        return any(part is not None and part.match(os.path.normcase(name)) for part in named)

    def names_file(self, path: str) -> bool:
        """Whether it names a file, and does not just match a folder that the file is in."""
        root, components = split(self.root), split(path)
        if components[: len(root)] != root or components == root:
            return components == root
        *folders, name = components[len(root) :]
        return self.names(reduce(self.step, folders, self.start), name)

    def matches(self, path: str) -> bool:
        """Whether a path, or a folder above it, matches."""
        root, components = split(os.path.normcase(self.root)), split(os.path.normcase(path))
        if components[: len(root)] != root:
            return False
        return self.accepts(reduce(self.step, components[len(root) :], self.start))

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
        ignore = tuple(ignore)
        bare = (name for name in ignore if os.path.basename(name) == name)
        names = [fnmatch.translate(os.path.normcase(name)) for name in bare]
        self._named = re.compile("|".join(names)).match if names else None
        paths = [path for path in ignore if os.path.basename(path) != path]
        self._patterns = [Pattern(path, hidden=True) for path in paths]

    def __call__(self, path: str) -> bool:
        if self._named and any(map(self._named, split(os.path.normcase(path))[1:])):
            return True
        return any(pattern.matches(path) for pattern in self._patterns)


def split(path: str) -> list[str]:
    """The components of an absolute path, its root first."""
    drive, rest = os.path.splitdrive(path)
    return [drive + os.sep, *(part for part in rest.split(os.sep) if part)]


def is_glob(text: str) -> bool:
    """Whether a text holds a wildcard; the prefix of a long path on Windows has none."""
    return any(character in os.path.splitdrive(text)[1] for character in "*?[")


def fixed_part(path: str) -> str:
    """The folder that everything a glob matches lies in; a path that is no glob itself."""
    root, *components = split(path)
    fixed = next((i for i, part in enumerate(components) if is_glob(part)), len(components))
    return os.path.join(root, *components[:fixed])


def _component(part: str, *, hidden: bool) -> re.Pattern[str]:
    careful = "" if hidden or part.startswith(".") else r"(?!\.)"
    return re.compile(careful + fnmatch.translate(os.path.normcase(part)))
