"""Events: where something may have changed, with real folders and, where a system cannot be made
to do it, with a stand-in for the native watcher.
"""

from __future__ import annotations

import errno
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import cycle
from pathlib import Path

import pytest

from wsgireload.errors import NativeError
from wsgireload.server.native import ITSELF
from wsgireload.watch.events import Events

DEADLINE = 20.0
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs inotify")


class Ear:
    """Listens with the system's own events, and to one file more: what is told comes in order."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.said: list[str] = []
        self.events = Events(trust=False, trouble=self.said.append)
        self.sentinels = [folder / f"sentinel{number}" for number in range(20)]
        self._next = cycle(self.sentinels)  # what is told late of one is not taken for the next
        self.files: list[Path] = []
        self.folders: list[Path] = []

    def listen(self, *files: Path, folders: Iterable[Path] = ()) -> None:
        """Listen to these, and forget what was told until now."""
        self.files += files
        self.folders += folders
        while True:
            self.events.listen_anew()
            assert all(self.events.listen(str(sentinel)) for sentinel in self.sentinels)
            for file in self.files:
                self.events.listen(str(file))
            for directory in self.folders:
                self.events.listen_in(str(directory))
            if self.told() is not None:
                return

    def told(self) -> set[Path] | None:
        """All that was told of what happened before this call; None: something leads elsewhere."""
        told: set[Path] = set()
        sentinel = next(self._next)
        sentinel.touch()
        end = time.monotonic() + DEADLINE
        while (paths := self.events.wait(end - time.monotonic())) is not None:
            assert paths, "the sentinel was never told"
            told |= set(map(Path, paths))
            if sentinel in told:
                return told - set(self.sentinels)
        return None

    def relearn(self) -> None:
        """What a look does once something leads elsewhere."""
        assert self.events.lost
        self.listen()
        assert not self.events.lost


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[Ear]:
    """One that is ended with the test."""
    ear = Ear(tmp_path / "ear")
    yield ear
    ear.events.end()


def filled(folder: Path, *names: str) -> list[Path]:
    """Files in a folder that is made for them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text("before")
    return [folder / name for name in names]


def write(path: Path) -> None:
    """In place."""
    path.write_text("after")


def rename_over(path: Path) -> None:
    """As most editors save."""
    other = path.with_name("other")
    other.write_text("after")
    other.replace(path)


def link_over(path: Path) -> None:
    """A hard link takes its place."""
    other = path.with_name("linked")
    path.with_name("original").write_text("after")
    other.hardlink_to(path.with_name("original"))
    other.replace(path)


def recreate(path: Path) -> None:
    """Delete and write again."""
    path.unlink()
    path.write_text("after")


def backup(path: Path) -> None:
    """As vim saves."""
    path.rename(path.with_name("a.py~"))
    path.write_text("after")


@linux
@pytest.mark.parametrize(
    "change",
    [write, rename_over, link_over, recreate, backup, Path.unlink, Path.touch],
    ids=lambda change: change.__name__,
)
def test_a_file_is_told(ear: Ear, tmp_path: Path, change: Callable[[Path], object]) -> None:
    """However a file is changed, its path is told, and not that of its neighbour."""
    path, _ = filled(tmp_path / "site", "a.py", "b.py")
    ear.listen(path)
    change(path)
    assert ear.told() == {path}
    write(path)
    assert ear.told() == {path}


@linux
def test_a_neighbour_is_not_told(ear: Ear, tmp_path: Path) -> None:
    """What happens to other files of the folder is of no concern, nor what Python writes there."""
    path, other = filled(tmp_path / "site", "a.py", "b.py")
    ear.listen(path)
    for change in (write, recreate, rename_over, Path.unlink):
        change(other)
    filled(tmp_path / "site/__pycache__", "a.cpython-311.pyc")
    assert ear.told() == set()


@linux
def test_reading_is_not_told(ear: Ear, tmp_path: Path) -> None:
    """A file that is read or looked at did not change."""
    (path,) = filled(tmp_path / "site", "a.py")
    ear.listen(path, folders=[path.parent])
    assert path.read_text() == "before"
    assert list(path.parent.iterdir()) == [path]
    assert ear.told() == set()


@linux
def test_a_file_that_is_to_come(ear: Ear, tmp_path: Path) -> None:
    """A file may be listened to before it is there."""
    filled(tmp_path / "site")
    path = tmp_path / "site/a.py"
    ear.listen(path)
    write(path)
    assert ear.told() == {path}


@linux
def test_a_folder_that_is_to_come(ear: Ear, tmp_path: Path) -> None:
    """Where not even the folder is there, it is listened for at each step on the way to it."""
    path = tmp_path / "to/come/a.py"
    assert not ear.events.listen(str(path))  # until then it is polled
    ear.listen(path)
    for folder in (tmp_path / "to", tmp_path / "to/come"):
        folder.mkdir()
        assert ear.told() is None
        ear.relearn()
    write(path)
    assert ear.told() == {path}
    assert ear.said == []


@linux
def test_a_linked_file(ear: Ear, tmp_path: Path) -> None:
    """What is written to a link's target is told; another link in its place leads elsewhere."""
    first, second = filled(tmp_path / "shared", "1.py", "2.py")
    filled(tmp_path / "site")
    path = tmp_path / "site/a.py"
    path.symlink_to("../shared/1.py")
    ear.listen(path)
    for change in (write, rename_over):
        change(first)
        assert ear.told() is None
        ear.relearn()
    write(second)
    assert ear.told() == set()
    swapped = tmp_path / "site/new"
    swapped.symlink_to("../shared/2.py")
    swapped.replace(path)
    assert ear.told() is None
    ear.relearn()
    write(first)
    assert ear.told() == set()
    write(second)
    assert ear.told() is None


@linux
def test_a_chain_of_links(ear: Ear, tmp_path: Path) -> None:
    """A link to a link is heard of at each of them, and at what the last one leads to."""
    (end,) = filled(tmp_path / "far", "end.py")
    filled(tmp_path / "site")
    (tmp_path / "middle").symlink_to(end)
    path = tmp_path / "site/a.py"
    path.symlink_to("../middle")
    ear.listen(path)
    write(end)
    assert ear.told() is None
    ear.relearn()
    (tmp_path / "middle").unlink()
    (tmp_path / "middle").symlink_to("far/other.py")
    assert ear.told() is None
    ear.relearn()
    write(tmp_path / "far/other.py")
    assert ear.told() is None


@linux
def test_a_file_that_becomes_a_link(ear: Ear, tmp_path: Path) -> None:
    """Once a link took a file's place, its target is heard of when it is listened to again."""
    (path,) = filled(tmp_path / "site", "a.py")
    (target,) = filled(tmp_path / "shared", "1.py")
    ear.listen(path)
    path.unlink()
    path.symlink_to(target)
    assert ear.told() == {path}
    assert ear.events.listen(str(path))
    write(target)
    assert ear.told() is None


@linux
def test_a_release_that_is_swapped(ear: Ear, tmp_path: Path) -> None:
    """Once `current` leads to another release, that one is listened to, and no more the other."""
    old, new = (filled(tmp_path / f"releases/{n}/pkg", "a.py")[0] for n in "12")
    current = tmp_path / "current"
    current.symlink_to("releases/1")
    path = current / "pkg/a.py"
    ear.listen(path)
    write(old)
    assert ear.told() == {path}
    swapped = tmp_path / "new"
    swapped.symlink_to("releases/2")
    swapped.replace(current)
    assert ear.told() is None
    ear.relearn()
    write(old)
    assert ear.told() == set()
    write(new)
    assert ear.told() == {path}


@linux
def test_a_release_that_is_rebuilt(ear: Ear, tmp_path: Path) -> None:
    """Folders that go and come below a link are heard of: there is nobody to tell of them else."""
    filled(tmp_path / "releases/1/pkg", "a.py")
    (tmp_path / "current").symlink_to("releases/1")
    path = tmp_path / "current/pkg/a.py"
    ear.listen(path)
    shutil.rmtree(tmp_path / "releases/1/pkg")
    assert ear.told() is None
    ear.relearn()
    (tmp_path / "releases/1/pkg").mkdir()
    assert ear.told() is None
    ear.relearn()
    write(tmp_path / "releases/1/pkg/a.py")
    assert ear.told() == {path}


@linux
@pytest.mark.parametrize("moved", ["one", "one/two", "one/two/three"])
def test_a_folder_that_is_renamed(ear: Ear, tmp_path: Path, moved: str) -> None:
    """A folder on the way that goes, or comes back, leads elsewhere; then all is as it was."""
    (path,) = filled(tmp_path / "one/two/three", "a.py")
    ear.listen(path)
    (tmp_path / moved).rename(tmp_path / "away")
    assert ear.told() is None
    ear.relearn()
    write(tmp_path / "away" / path.relative_to(tmp_path / moved))
    assert ear.told() == set()
    (tmp_path / "away").rename(tmp_path / moved)
    assert ear.told() is None
    ear.relearn()
    write(path)
    assert ear.told() == {path}


@linux
def test_a_tree_that_is_made_anew(ear: Ear, tmp_path: Path) -> None:
    """Removed and made again, a tree is listened to as before."""
    (path,) = filled(tmp_path / "one/two", "a.py")
    ear.listen(path)
    shutil.rmtree(tmp_path / "one")
    filled(tmp_path / "one/two", "a.py")
    assert ear.told() is None
    ear.relearn()
    write(path)
    assert ear.told() == {path}


@linux
@pytest.mark.parametrize("at_once", [True, False])
def test_a_tree_that_replaces_another(ear: Ear, tmp_path: Path, *, at_once: bool) -> None:
    """Another tree under the same name is listened to, whether or not its place was free before."""
    (path,) = filled(tmp_path / "site/pkg", "a.py")
    filled(tmp_path / "next/pkg", "a.py")
    ear.listen(path)
    if at_once:
        (tmp_path / "site/pkg").rename(tmp_path / "old")  # an empty folder may be renamed over
        (tmp_path / "next").rename(tmp_path / "site")
    else:
        (tmp_path / "site").rename(tmp_path / "old")
        (tmp_path / "next").rename(tmp_path / "site")
    assert ear.told() is None
    ear.relearn()
    write(path)
    assert ear.told() == {path}


@linux
def test_two_names_for_one_folder(ear: Ear, tmp_path: Path) -> None:
    """A change is told under each of the names under which the folder is listened to."""
    (path,) = filled(tmp_path / "site", "a.py")
    (tmp_path / "also").symlink_to("site")
    ear.listen(path, tmp_path / "also/a.py")
    write(path)
    assert ear.told() == {path, tmp_path / "also/a.py"}


@linux
def test_a_whole_folder(ear: Ear, tmp_path: Path) -> None:
    """In a folder that is listened to as such everything is told, but not what is below that."""
    folder = tmp_path / "templates"
    filled(folder / "deep", "a.html")
    ear.listen(folders=[folder])
    assert ear.events.knows(str(folder))
    assert not ear.events.knows(str(folder / "deep"))
    filled(folder, "b.html")
    write(folder / "deep/a.html")
    assert ear.told() == {folder / "b.html"}


@linux
def test_a_folder_with_watched_files_is_taken_whole(ear: Ear, tmp_path: Path) -> None:
    """The interest in a folder grows: first a file of it, then all of it."""
    (path,) = filled(tmp_path / "site", "a.py")
    ear.listen(path, folders=[path.parent])
    (other,) = filled(tmp_path / "site", "b.py")
    write(path)
    assert ear.told() == {path, other}


@linux
def test_what_is_forgotten_is_not_told(ear: Ear, tmp_path: Path) -> None:
    """After listen_anew only what was told to it again is heard."""
    path, other = filled(tmp_path / "site", "a.py", "b.py")
    ear.listen(path)
    ear.files = [other]
    ear.listen()
    write(path)
    assert ear.told() == set()
    write(other)
    assert ear.told() == {other}


@linux
def test_a_loss_is_told_once(ear: Ear, tmp_path: Path) -> None:
    """That something leads elsewhere is told with what did it: what is quiet after that, is."""
    (path,) = filled(tmp_path / "site/pkg", "a.py")
    ear.listen(path)
    (tmp_path / "site").rename(tmp_path / "away")
    assert ear.told() is None
    end = time.monotonic() + DEADLINE
    while ear.events.wait(0.01) != set():
        assert time.monotonic() < end
    assert ear.events.lost


@linux
def test_a_wake_ends_the_wait(ear: Ear) -> None:
    """Somebody who wakes is no change."""
    ear.events.wake()
    began = time.monotonic()
    assert ear.events.wait(DEADLINE) == set()
    assert time.monotonic() - began < DEADLINE / 2


class StandIn:
    """Stands in for the native watcher. `refuses` says why a folder cannot be watched, or None."""

    def __init__(self, refuses: Callable[[str, int], NativeError | None] = lambda *_: None) -> None:
        self.refuses = refuses
        self.numbers: dict[str, int] = {}
        self.trusted: set[bool] = set()
        self.told: list[tuple[int, bool, str]] = []
        self.breaks: Exception | None = None
        self.ended = 0

    def directory(self, path: str, interest: int, *, trust: bool) -> int:
        if interest != ITSELF:
            self.trusted.add(trust)
        why = self.refuses(path, interest)
        if why is not None and (why.code or not trust):
            raise why
        return self.numbers.setdefault(path, len(self.numbers) + 1)

    def name(self, directory: int, name: str) -> None:
        assert directory in self.numbers.values()

    def forget(self, directory: int) -> None:
        assert directory in self.numbers.values()

    def wait(self, seconds: float) -> list[tuple[int, bool, str]]:
        if self.breaks is not None:
            raise self.breaks
        told, self.told = self.told, []
        return told

    def wake(self) -> None:
        """Nobody waits."""

    def end(self) -> None:
        self.ended += 1


def refusal(message: str, code: int = 0) -> NativeError:
    """As the C core refuses a folder."""
    return NativeError("wsgireload_watch_directory", code, message)


def deaf(
    refuses: Callable[[str, int], NativeError | None], *, trust: bool = False
) -> tuple[Events, StandIn, list[str]]:
    """Events over a stand-in, and what they say."""
    said: list[str] = []
    watcher = StandIn(refuses)
    events = Events(trust=trust, trouble=said.append, watcher=watcher)  # type: ignore[arg-type]
    return events, watcher, said


def nfs(path: str, interest: int) -> NativeError | None:
    """A mount that other machines write to."""
    return refusal("NFS") if path.startswith("/net") and interest != ITSELF else None


def test_a_file_system_that_does_not_tell() -> None:
    """It is polled, which is said once however many folders there are; the others are heard."""
    events, _, said = deaf(nfs)
    assert not events.listen("/net/one/a.py")
    assert not events.listen("/net/one/b.py")
    assert not events.listen("/net/two/a.py")
    assert not events.listen_in("/net/three")
    assert events.listen("/srv/a.py")
    assert said == ["/net/one and others like it are polled: NFS"]
    events.listen_anew()
    assert not events.listen("/net/one/a.py")
    assert len(said) == 1


def test_trust_is_passed_on() -> None:
    """Who trusts the events of such a file system gets them."""
    events, watcher, said = deaf(nfs, trust=True)
    assert events.listen("/net/one/a.py")
    assert events.listen_in("/net/two")
    assert (watcher.trusted, said) == ({True}, [])
    events, watcher, said = deaf(nfs)
    events.listen("/srv/a.py")
    assert watcher.trusted == {False}


def test_a_link_to_where_nothing_is_told(tmp_path: Path) -> None:
    """A file whose link leads to such a file system is polled, though its own folder is heard."""
    target = filled(tmp_path / "net", "a.py")[0]
    path = tmp_path / "a.py"
    path.symlink_to(target)

    def refuses(folder: str, interest: int) -> NativeError | None:
        return refusal("NFS") if folder == str(target.parent) and interest != ITSELF else None

    events, _, said = deaf(refuses)
    assert not events.listen(str(path))
    assert said == [f"{target.parent} and others like it are polled: NFS"]
    assert not events.listen(str(path))
    assert events.listen(str(tmp_path / "b.py"))


def test_no_watch_is_left() -> None:
    """When the user's watches are used up the rest is polled, which is said once."""
    full = refusal("this user has no inotify watch left", errno.ENOSPC)
    events, watcher, said = deaf(lambda *_: full if len(watcher.numbers) >= 4 else None)
    assert events.listen("/a/one/x.py")  # /, /a and /a/one
    assert events.listen("/b/x.py")  # /b
    assert not events.listen("/c/x.py")
    assert not events.listen("/d/x.py")
    assert not events.listen_in("/e")
    assert events.listen("/a/one/y.py")
    assert said == ["/c and others like it are polled: this user has no inotify watch left"]


def test_a_folder_that_is_not_there_is_no_trouble() -> None:
    """It is polled, and nothing is said: it will come, or it will not."""
    for code in (errno.ENOENT, errno.ENOTDIR):
        events, _, said = deaf(
            lambda path, _, code=code: refusal("No", code) if path == "/gone" else None
        )
        assert not events.listen("/gone/a.py")
        assert said == []


@pytest.mark.parametrize("change", [(-1, False, ""), (1, True, "")], ids=["lost", "gone"])
def test_what_makes_us_listen_anew(change: tuple[int, bool, str]) -> None:
    """Lost events, or a folder that is watched no more: it may have happened anywhere."""
    events, watcher, _ = deaf(lambda *_: None)
    events.listen("/srv/a.py")
    assert watcher.numbers["/"] == 1
    watcher.told = [(watcher.numbers["/srv"], False, "a.py"), change]
    assert events.wait(1.0) is None
    assert events.lost
    watcher.told = [(watcher.numbers["/srv"], False, "a.py")]
    assert events.wait(1.0) == {"/srv/a.py"}  # no more than that: nothing was lost a second time
    assert events.lost
    events.listen_anew()
    assert not events.lost


def test_what_was_forgotten_is_no_loss() -> None:
    """What still comes of folders that are not listened to any more does not end a wait."""
    events, watcher, _ = deaf(lambda *_: None)
    events.listen("/srv/a.py")
    watcher.told = [(99, True, ""), (99, False, "a.py")]
    assert events.wait(1.0) == set()
    assert not events.lost
    assert watcher.told == []


def test_a_folder_of_which_no_name_is_told() -> None:
    """Anything in it may have changed: then the folder itself is what is told."""
    events, watcher, _ = deaf(lambda *_: None)
    events.listen("/srv/a.py")
    watcher.told = [(watcher.numbers["/srv"], False, "")]
    # /srv itself is on the way to the file: it may be that this is another one
    assert events.wait(1.0) is None


def test_a_link_in_a_folder_that_may_not_be_listed(tmp_path: Path) -> None:
    """Of a link in there nobody tells but the link itself, when another one takes its place."""
    filled(tmp_path / "releases/1", "a.py")
    (tmp_path / "releases/1/pkg").mkdir()
    current = tmp_path / "current"
    current.symlink_to("releases/1")

    def refuses(folder: str, interest: int) -> NativeError | None:
        return refusal("Permission denied", errno.EACCES) if folder == str(tmp_path) else None

    events, watcher, said = deaf(refuses)
    assert events.listen(str(current / "pkg/a.py"))
    watcher.told = [(watcher.numbers[str(current)], False, "")]
    assert events.wait(1.0) is None
    assert said == []


@linux
def test_a_name_that_no_file_can_have(ear: Ear, tmp_path: Path) -> None:
    """A module may claim any path: it is nobody's trouble."""
    for path in ("/\ud800/pkg/a.py", f"{tmp_path}/\ud800.py", f"{tmp_path}/\udcff.py"):
        ear.events.listen(path)
        ear.events.listen_in(path)
    (path,) = filled(tmp_path / "site", "a.py")
    ear.listen(path)
    write(path)
    assert ear.told() == {path}


@pytest.mark.parametrize(
    "breaks", [NativeError("read", errno.EBADF, "Bad file descriptor"), MemoryError("no room")]
)
def test_a_watcher_that_breaks(breaks: Exception) -> None:
    """No event will ever come again: that is said once, and the watcher is ended."""
    events, watcher, said = deaf(lambda *_: None)
    watcher.breaks = breaks
    with pytest.raises(type(breaks)):
        events.wait(1.0)
    assert watcher.ended == 1
    assert len(said) == 1
    assert "everything is polled" in said[0]
    assert str(breaks) in said[0]
