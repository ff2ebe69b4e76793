"""Whatever comes from outside, in all its forms: settings, paths and trees, the files of a folder.

Hypothesis makes it up, from the seed that is printed, and boils down what fails.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from support.standins import Lines

from wsgireload.changes import NONE
from wsgireload.decide.rolling import Rolling
from wsgireload.decide.verdict import Go, Wait
from wsgireload.detect.folders import Folders
from wsgireload.detect.globs import Ignored
from wsgireload.detect.litter import is_litter
from wsgireload.detect.tracked import Tracked
from wsgireload.errors import SettingsError
from wsgireload.settings import CHECKS, Settings, checked
from wsgireload.state.group import GroupEpoch
from wsgireload.state.journal import Entry, Journal
from wsgireload.state.private_dir import Candidates
from wsgireload.watch.wakeup import NoEvents

Test = Callable[..., None]


def fuzz(chaos: Any, examples: int, **made: st.SearchStrategy[Any]) -> Callable[[Test], None]:
    """Run what is decorated, at once, with so many examples."""

    def run(test: Test) -> None:
        chosen = hypothesis.settings(
            max_examples=examples,
            database=None,
            phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
            deadline=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        hypothesis.seed(chaos.seed)(chosen(hypothesis.given(**made)(test)))()
        chaos.figure("examples", examples)

    return run


# ---------------------------------------------------------------------------------------- settings


class Hostile:
    """A value that answers no question."""

    def _refuse(self, *_: object) -> Any:
        raise RuntimeError("no")

    __repr__ = __bool__ = __len__ = __iter__ = __eq__ = __float__ = __getitem__ = _refuse
    __hash__ = object.__hash__


class PathOf:
    """Says that it is a path."""

    def __init__(self, path: object) -> None:
        self.path = path

    def __fspath__(self) -> Any:
        return self.path


texts = st.one_of(
    st.text(max_size=8),
    st.text(st.characters(categories=["Cs", "Cc", "Lu"]), max_size=5),
    st.sampled_from(["auto", "now", "bytes", "poll", "daemon", "*.log", "/srv/**", "..", ""]),
)
numbers = st.one_of(
    st.integers(), st.floats(), st.floats(0, 100), st.integers(0, 100), st.builds(lambda: 10**5000)
)
plain = st.one_of(st.none(), st.booleans(), numbers, texts, st.binary(max_size=5))
odd = st.one_of(
    st.just(Hostile),  # an instance in the end: hypothesis itself could not bear one
    st.builds(PathOf, plain),
    st.builds(object),
    st.complex_numbers(),
    st.just(float),
    st.just([[]] * 3),
)
values = st.recursive(
    plain | odd,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.sets(texts, max_size=2),
        st.dictionaries(texts, inner, max_size=2),
        st.builds(iter, st.lists(inner, max_size=2)),
    ),
    max_leaves=5,
)


LIKELY = {
    "track": texts,
    "ignore": texts,
    "interval": st.floats(0.01, 3600),
    "settle": st.floats(0, 60),
    "budget": st.tuples(st.integers(1, 100), st.floats(0, 1e9)),
    "preflight": st.lists(texts, min_size=1, max_size=3),
    "trigger": texts,
    "linger": st.floats(0, 86400),
    "watch": st.sampled_from(["auto", "events", "poll"]),
    "compare": st.sampled_from(["bytes", "code"]),
    "when": st.sampled_from(["auto", "now", "next-request"]),
    "rolling": st.booleans(),
    "check_config": st.booleans(),
}
words = st.sampled_from([None, False])
likely = st.fixed_dictionaries({}, optional={name: LIKELY.get(name, words) for name in CHECKS})
asked = likely | st.dictionaries(st.sampled_from(sorted(CHECKS)) | texts, values, max_size=2)


def real(made: Any) -> Any:
    """The value that hypothesis stands for."""
    if isinstance(made, list | tuple):
        return type(made)(map(real, made))
    return Hostile() if made is Hostile else made


def test_settings(chaos: Any) -> None:
    """Any value for any name is taken and stays what it is, or is refused by name; no third way."""
    taken = []

    @fuzz(chaos, chaos.often(1000, 20_000), asked=asked)
    def one(asked: dict[str, object]) -> None:
        asked = {name: real(value) for name, value in asked.items()}
        try:
            settings = Settings.of(**asked)
        except SettingsError as error:
            assert error.setting in asked
            assert error.setting in str(error)
            assert f"it takes {error.takes}" in str(error)
            assert error.takes
        else:
            taken.append(asked)
            assert Settings.of(**settings._asdict()) == settings
            assert asked.keys() <= set(CHECKS)

    assert len(taken) > chaos.often(100, 2000)  # or it was no test


def test_a_setting_by_itself(chaos: Any) -> None:
    """The error says what it got, whatever that is: the very object, and in words."""

    @fuzz(chaos, chaos.often(1000, 20_000), name=st.sampled_from(sorted(CHECKS)), got=values)
    def one(name: str, got: object) -> None:
        got = real(got)
        try:
            Settings.of(**{name: got})
        except SettingsError as error:
            assert error.setting == name
            assert error.got is got
            assert str(error).startswith(f"wsgireload: {name} is ")


# ----------------------------------------------------------------------------------------- tracked

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


# --------------------------------------------------------------------------------------- the folder

GOOD = Entry(at=100.0, pid=1, reason="a.py changed", what="f1", paths=("a.py",))
whole = json.dumps(GOOD._asdict()).encode()
fields = st.dictionaries(
    st.sampled_from([*GOOD._asdict(), "more"]),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=5)
        | st.just(10**400),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=4,
    ),
)
mutated = st.tuples(st.integers(0, len(whole)), st.integers(0, 9), st.binary(max_size=9)).map(
    lambda cut: whole[: cut[0]] + cut[2] + whole[cut[0] + cut[1] :]
)
content = st.one_of(
    st.binary(max_size=60),
    mutated,
    fields.map(lambda changed: json.dumps({**GOOD._asdict(), **changed}).encode()),
    st.sampled_from([b"", b"[" * 65_536, b"0" * 65_536, b'{"at": NaN}', b"\xff\xfe{", whole]),
)
line = content.map(lambda text: text.replace(b"\n", b" "))
lines = st.lists(line | st.just(b""), max_size=8)


def empty(folder: Path) -> Path:
    """The folder of a user, with nothing in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder


def test_the_journal(chaos: Any, tmp_path: Path) -> None:
    """Whatever lies in the file: no exception, an end, and the good entries are all there."""
    goods = [GOOD._replace(at=100.0 + number, what=f"good {number}") for number in range(3)]
    reported = []

    @fuzz(chaos, chaos.often(200, 2000), lines=lines)
    def one(lines: list[bytes]) -> None:
        folder = empty(tmp_path / "state")
        journal = Journal(Candidates([str(folder)], reported.append), "site", lambda: 110.0)
        for good in goods:
            journal.record(good)
        with (folder / "site.journal").open("ab") as file:
            file.writelines(line + b"\n" for line in lines)
        descriptors = os.listdir("/proc/self/fd")
        found = journal.entries()
        assert found is not None
        assert [entry for entry in found if entry in goods] == goods
        claims = [journal.claim() for _ in range(len(goods) + len(lines) + 1)]
        assert claims[-1] is None
        assert {good.at for good in goods} <= {claim.at for claim in claims if claim}
        assert journal.record(goods[0])
        assert os.listdir("/proc/self/fd") == descriptors

    chaos.figure("damaged journals", len(reported))
    assert len(reported) > 50
    assert all(isinstance(said, str) for said in reported)


def test_its_neighbours(chaos: Any, tmp_path: Path) -> None:
    """A roll's note and a call's moment may hold anything: a turn is had, or awaited, or held."""
    note = st.binary(max_size=70) | st.floats().map(lambda at: repr(at).encode())
    moment = st.integers(-(1 << 31), 1 << 31).map(lambda at: at * 10**9) | st.integers(0, 1 << 62)

    @fuzz(chaos, chaos.often(400, 4000), note=note, moment=moment)
    def one(note: bytes, moment: int) -> None:
        folder = empty(tmp_path / "state")
        (folder / "site.roll").write_bytes(note)
        (folder / "site.call").touch()
        os.utime(folder / "site.call", ns=(moment, moment))
        now = [100.0]
        troubles: list[str] = []
        folders = Candidates([str(folder)], troubles.append)
        roll = Rolling(folders, "site", lambda: True, lambda: now[0])
        now[0] += 1
        roll.announce()
        assert isinstance(roll.check(NONE), Go | Wait)
        now[0] += 31
        roll.check(NONE)
        roll.reset()
        epoch = GroupEpoch(folders, "site.call", lambda: now[0])
        assert not epoch.is_over()
        now[0] += 1
        epoch.announce()
        assert epoch.is_over()
        assert not troubles
