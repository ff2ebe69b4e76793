"""Paths and trees: tracked is what a simple model says."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import strategies as st
from support.fuzzing import fuzz
from support.standins import Lines

from wsgireload.detect.folders import Folders
from wsgireload.detect.globs import Ignored
from wsgireload.detect.litter import is_litter
from wsgireload.detect.tracked import Tracked
from wsgireload.settings import checked
from wsgireload.watch.wakeup import NoEvents

NAMES = ["a", "b", "ab", "a.py", ".h", ".env", "x.log", "__pycache__", "a~", "*", "[a]", "?"]
NAMES += ["a b", "ü", "\udcff", "a\n", "4913", ".a.swp", "!", "]"]
often = st.sampled_from(["a", "b", "a.py", ".h"])  # or what has these names would seldom meet
name = often | st.sampled_from(NAMES) | st.text("ab.*[]!?~\n\udcff", min_size=1, max_size=4)
name = name.filter(lambda made: made not in {".", ".."})
glob = st.sampled_from(["*", "**", "?", "a*", "*b", "*.py", ".*", "[ab]", "[!a]", "[]", "[", "*?"])
place = st.lists(name, min_size=1, max_size=3).map("/".join)
node = st.one_of(
    st.tuples(st.just("file"), place, st.just("")),
    st.tuples(st.just("folder"), place, st.just("")),
    st.tuples(st.just("link"), place, place | st.just(".")),
    st.tuples(st.just("remove"), place, st.just("")),
)
trees = st.lists(node, min_size=2, max_size=12)
usual = st.sampled_from(["**", "**/*", "a", "a/**", "*/*", "**/*.py", "*", "[ab]*/**", "**/.*"])
given = st.lists(name | glob, min_size=1, max_size=4).map("/".join) | usual


@pytest.fixture
def root() -> Iterator[str]:
    """A folder in whose path no glob's character stands, nor a name of ours."""
    folder = os.path.realpath(tempfile.mkdtemp(prefix="wsgireload-fuzz-"))
    yield folder
    shutil.rmtree(folder)


def plant(root: str, tree: list[tuple[str, str, str]]) -> None:
    """What of the tree can be made is made."""
    for kind, where, leads in tree:
        path = os.path.join(root, where)
        assert os.path.realpath(path).startswith(root)
        try:
            if kind == "remove":
                (shutil.rmtree if os.path.isdir(path) else os.unlink)(path)
                continue
            os.makedirs(os.path.dirname(path) if kind != "folder" else path, exist_ok=True)
            if kind == "file":
                os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
            elif kind == "link":
                os.symlink(os.path.join(root, leads), path)  # never out of the tree
        except OSError:
            continue


@functools.cache
def fits(part: str, name: str) -> bool:
    """Whether a name fits a glob's component, one character after another."""
    if not part:
        return not name
    if part[0] == "*":
        return any(fits(part[1:], name[at:]) for at in range(len(name) + 1))
    if part[0] == "[" and (end := part.find("]", 3 if part[1:2] == "!" else 2)) > 0:
        inside = part[1:end]
        other = inside[0] == "!"
        return (
            bool(name) and (name[0] in inside[other:]) != other and fits(part[end + 1 :], name[1:])
        )
    return bool(name) and part[0] in ("?", name[0]) and fits(part[1:], name[1:])


def matches(parts: list[str], names: list[str], *, hidden: bool = False) -> bool:
    """Whether names one below the other match, or those of a folder above them do."""
    if not parts:
        return True
    if parts[0] == "**" and matches(parts[1:], names, hidden=hidden):
        return True
    if not names:
        return False
    shy = not hidden and names[0].startswith(".")
    if parts[0] == "**":
        return not shy and matches(parts, names[1:], hidden=hidden)
    if shy and not parts[0].startswith("."):
        return False
    return fits(parts[0], names[0]) and matches(parts[1:], names[1:], hidden=hidden)


def below(
    folder: str, named: Callable[[str], bool], above: tuple[tuple[int, int], ...] = ()
) -> Iterator[str]:
    """Every path of a file below a folder, and no circle gone round; litter only if it is named."""
    found = os.stat(folder)
    if (found.st_dev, found.st_ino) in above:
        return
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if is_litter(name, folder=os.path.isdir(path)) and not named(path):
            continue
        if os.path.isdir(path):
            yield from below(path, named, (*above, (found.st_dev, found.st_ino)))
        else:
            yield path


def names_itself(parts: list[str], path: str) -> bool:
    """Whether the last component of a path is matched by more than wildcards."""
    *above, last = path.split("/")[1:]
    return any(
        part.strip("*?.") and part != "**" and exactly(parts[:at], above) and fits_shyly(part, last)
        for at, part in enumerate(parts)
    )


def exactly(parts: list[str], names: list[str]) -> bool:
    """Whether names match parts one by one, and nothing is left of either."""
    if not parts or not names:
        return not names and all(part == "**" for part in parts)
    if parts[0] == "**":
        deeper = not names[0].startswith(".") and exactly(parts, names[1:])
        return deeper or exactly(parts[1:], names)
    return fits_shyly(parts[0], names[0]) and exactly(parts[1:], names[1:])


def fits_shyly(part: str, name: str) -> bool:
    """Whether a name fits a component; a wildcard at its start fits no dot."""
    return (part.startswith(".") or not name.startswith(".")) and fits(part, name)


class Model:
    """What tracking means, slowly: `ignore` as in the settings."""

    def __init__(self, ignore: tuple[str, ...]) -> None:
        self.ignore = ignore
        self.were_folders: set[str] = set()

    def files(self, tracked: str) -> set[str]:
        return {path for path in self._meaning(tracked) if not self._ignored(path)}

    def _meaning(self, tracked: str) -> Iterator[str]:
        if os.path.isdir(tracked):
            self.were_folders.add(tracked)
            yield from below(tracked, lambda _: False)
        elif not os.path.exists(tracked) and tracked in self.were_folders:
            return
        elif set(tracked) & set("*?[") and not os.path.lexists(tracked):
            parts = tracked.split("/")[1:]
            fixed = next(at for at, part in enumerate(parts) if set(part) & set("*?["))
            start = "/" + "/".join(parts[:fixed])
            named = functools.partial(names_itself, parts)
            for path in below(start, named) if os.path.isdir(start) else ():
                if matches(parts, path.split("/")[1:]):
                    yield path
        else:
            yield tracked

    def _ignored(self, path: str) -> bool:
        names = path.split("/")[1:]
        for ignore in self.ignore:
            if "/" in ignore and matches(ignore.split("/")[1:], names, hidden=True):
                return True
            if "/" not in ignore and any(fits(ignore, name) for name in names):
                return True
        return False


def test_tracked(chaos: Any, root: str) -> None:
    """Files, folders and globs mean what a slow and simple model says, also after changes."""
    hits = []

    @fuzz(
        chaos,
        chaos.often(250, 4000),
        before=trees,
        after=trees,
        track=st.lists(given, min_size=1, max_size=3),
        ignore=st.lists(given | name, max_size=2),
    )
    def one(before: Any, after: Any, track: list[str], ignore: list[str]) -> None:
        shutil.rmtree(root)
        os.mkdir(root)
        asked = checked("track", [os.path.join(root, each) for each in track])
        without = checked("ignore", [f"{root}/{each}" if "/" in each else each for each in ignore])
        log, excluded = Lines(), Ignored(without)
        tracked = {
            each: Tracked(excluded, Folders(NoEvents().listen_in, log, int)) for each in asked
        }
        for each, single in tracked.items():
            single.add([each])
        model = Model(without)
        for tree in (before, after):
            plant(root, tree)
            for each, single in tracked.items():
                found = [path for path, _ in single.files()]
                assert set(found) == model.files(each), each
                assert len(found) == len(set(found)), each
                assert all(single.may_hold(path) for path in found if path != each)
                hits.append(set(found) - {each} != set())
        # A link that leads to itself cannot be read, which is logged once.
        assert all("Too many levels of symbolic links" in line for line in log.lines)
        assert len(log.lines) == len(set(log.lines))

    chaos.figure("globs and folders with files", sum(hits))
    assert sum(hits) > len(hits) / 20
