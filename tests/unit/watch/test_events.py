"""Events: which paths may have changed, with real folders and, for what a system cannot be made to
do, with a stand-in for the native watcher.
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
from wsgireload.server.watcher import CHANGED, ITSELF, SAVED, WRITTEN
from wsgireload.watch import roots
from wsgireload.watch.events import Events

DEADLINE = 20.0
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs inotify")


class Listener:
    """Listens with the system's own events, and to one file more: events arrive in order."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.troubles: list[str] = []
        self.events = Events(trust=False, trouble=self.troubles.append)
        self.sentinels = [folder / f"sentinel{number}" for number in range(20)]
        self._next = cycle(self.sentinels)  # a late event of one is not taken for the next
        self.files: list[Path] = []
        self.folders: list[Path] = []

    def listen(self, *files: Path, folders: Iterable[Path] = ()) -> None:
        """Listen to these as well, and drop what was reported until now."""
        self.files += files
        self.folders += folders
        while True:
            self.events.listen_anew()
            assert all(self.events.listen(str(sentinel)) for sentinel in self.sentinels)
            for file in self.files:
                self.events.listen(str(file))
            for directory in self.folders:
                self.events.listen_in(str(directory))
            if self.reported() is not None:
                return

    def reported(self) -> set[Path] | None:
        """Return what was reported of everything before this call; None: a path leads elsewhere."""
        reported: set[Path] = set()
        sentinel = next(self._next)
        sentinel.touch()
        end = time.monotonic() + DEADLINE
        while (paths := self.events.wait(end - time.monotonic())) is not None:
            assert paths, "the sentinel was never reported"
            reported |= set(map(Path, paths))
            if sentinel in reported:
                return reported - set(self.sentinels)
        return None

    def listen_again(self) -> None:
        """Do what a scan does once a path leads elsewhere."""
        assert self.events.lost
        self.listen()
        assert not self.events.lost


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    """A listener that ends with the test."""
    listener = Listener(tmp_path / "listener")
    yield listener
    listener.events.end()


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
@pytest.mark.parametrize("change", [write, rename_over, link_over, recreate, backup])
def test_a_complete_save(
    listener: Listener, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    """However a file is saved, it counts as saved after its last event, and not before."""
    path, other = filled(tmp_path / "site", "a.py", "b.py")
    listener.listen(path, other)
    with other.open("w"):
        change(path)
        saved: set[str] = set()
        while paths := listener.events.wait(0.0):
            saved = saved - paths | listener.events.saved
        assert saved == {str(path)}


@linux
@pytest.mark.parametrize(
    "change",
    [write, rename_over, link_over, recreate, backup, Path.unlink, Path.touch],
    ids=lambda change: change.__name__,
)
def test_a_file_is_reported(
    listener: Listener, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    """However a file is changed, its path is reported, and not that of its neighbour."""
    path, _ = filled(tmp_path / "site", "a.py", "b.py")
    listener.listen(path)
    change(path)
    assert listener.reported() == {path}
    write(path)
    assert listener.reported() == {path}


@linux
def test_a_neighbour_is_not_reported(listener: Listener, tmp_path: Path) -> None:
    """Changes of other files in the folder are not reported, nor what Python writes there."""
    path, other = filled(tmp_path / "site", "a.py", "b.py")
    listener.listen(path)
    for change in (write, recreate, rename_over, Path.unlink):
        change(other)
    filled(tmp_path / "site/__pycache__", "a.cpython-311.pyc")
    assert listener.reported() == set()


@linux
def test_reading_is_not_reported(listener: Listener, tmp_path: Path) -> None:
    """Reading a file, or listing its folder, is no change."""
    (path,) = filled(tmp_path / "site", "a.py")
    listener.listen(path, folders=[path.parent])
    assert path.read_text() == "before"
    assert list(path.parent.iterdir()) == [path]
    assert listener.reported() == set()


@linux
def test_a_file_that_is_to_come(listener: Listener, tmp_path: Path) -> None:
    """A file may be listened to before it is there."""
    filled(tmp_path / "site")
    path = tmp_path / "site/a.py"
    listener.listen(path)
    write(path)
    assert listener.reported() == {path}


@linux
def test_a_folder_that_is_to_come(listener: Listener, tmp_path: Path) -> None:
    """Where the folder does not exist either, each step on the way to it is reported."""
    path = tmp_path / "to/come/a.py"
    assert listener.events.listen(str(path))
    listener.listen(path)
    for folder in (tmp_path / "to", tmp_path / "to/come"):
        folder.mkdir()
        assert listener.reported() is None
        listener.listen_again()
    write(path)
    assert listener.reported() == {path}
    assert listener.troubles == []


@linux
def test_a_linked_file(listener: Listener, tmp_path: Path) -> None:
    """A write to a link's target is reported; another link in its place leads elsewhere."""
    first, second = filled(tmp_path / "shared", "1.py", "2.py")
    filled(tmp_path / "site")
    path = tmp_path / "site/a.py"
    path.symlink_to("../shared/1.py")
    listener.listen(path)
    for change in (write, rename_over):
        change(first)
        assert listener.reported() is None
        listener.listen_again()
    write(second)
    assert listener.reported() == set()
    swapped = tmp_path / "site/new"
    swapped.symlink_to("../shared/2.py")
    swapped.replace(path)
    assert listener.reported() is None
    listener.listen_again()
    write(first)
    assert listener.reported() == set()
    write(second)
    assert listener.reported() is None


@linux
def test_a_chain_of_links(listener: Listener, tmp_path: Path) -> None:
    """Of a link to a link each is watched, and so is what the last one leads to."""
    (end,) = filled(tmp_path / "far", "end.py")
    filled(tmp_path / "site")
    (tmp_path / "middle").symlink_to(end)
    path = tmp_path / "site/a.py"
    path.symlink_to("../middle")
    listener.listen(path)
    write(end)
    assert listener.reported() is None
    listener.listen_again()
    (tmp_path / "middle").unlink()
    (tmp_path / "middle").symlink_to("far/other.py")
    assert listener.reported() is None
    listener.listen_again()
    write(tmp_path / "far/other.py")
    assert listener.reported() is None


@linux
def test_a_file_that_becomes_a_link(listener: Listener, tmp_path: Path) -> None:
    """Once a link took a file's place, its target is watched when it is listened to again."""
    (path,) = filled(tmp_path / "site", "a.py")
    (target,) = filled(tmp_path / "shared", "1.py")
    listener.listen(path)
    path.unlink()
    path.symlink_to(target)
    assert listener.reported() == {path}
    assert listener.events.listen(str(path))
    write(target)
    assert listener.reported() is None


@linux
def test_a_release_that_is_swapped(listener: Listener, tmp_path: Path) -> None:
    """Once `current` leads to another release, that one is listened to, and no more the other."""
    old, new = (filled(tmp_path / f"releases/{n}/pkg", "a.py")[0] for n in "12")
    current = tmp_path / "current"
    current.symlink_to("releases/1")
    path = current / "pkg/a.py"
    listener.listen(path)
    write(old)
    assert listener.reported() == {path}
    swapped = tmp_path / "new"
    swapped.symlink_to("releases/2")
    swapped.replace(current)
    assert listener.reported() is None
    listener.listen_again()
    write(old)
    assert listener.reported() == set()
    write(new)
    assert listener.reported() == {path}


@linux
def test_a_release_that_is_rebuilt(listener: Listener, tmp_path: Path) -> None:
    """Folders that go and come below a link are reported: nothing else would reveal them."""
    filled(tmp_path / "releases/1/pkg", "a.py")
    (tmp_path / "current").symlink_to("releases/1")
    path = tmp_path / "current/pkg/a.py"
    listener.listen(path)
    shutil.rmtree(tmp_path / "releases/1/pkg")
    assert listener.reported() is None
    listener.listen_again()
    (tmp_path / "releases/1/pkg").mkdir()
    assert listener.reported() is None
    listener.listen_again()
    write(tmp_path / "releases/1/pkg/a.py")
    assert listener.reported() == {path}


@linux
@pytest.mark.parametrize("moved", ["one", "one/two", "one/two/three"])
def test_a_folder_that_is_renamed(listener: Listener, tmp_path: Path, moved: str) -> None:
    """A folder on the way that goes, or comes back, leads elsewhere; then all is as it was."""
    (path,) = filled(tmp_path / "one/two/three", "a.py")
    listener.listen(path)
    (tmp_path / moved).rename(tmp_path / "away")
    assert listener.reported() is None
    listener.listen_again()
    write(tmp_path / "away" / path.relative_to(tmp_path / moved))
    assert listener.reported() == set()
    (tmp_path / "away").rename(tmp_path / moved)
    assert listener.reported() is None
    listener.listen_again()
    write(path)
    assert listener.reported() == {path}


@linux
def test_a_tree_that_is_made_anew(listener: Listener, tmp_path: Path) -> None:
    """Removed and made again, a tree is listened to as before."""
    (path,) = filled(tmp_path / "one/two", "a.py")
    listener.listen(path)
    shutil.rmtree(tmp_path / "one")
    filled(tmp_path / "one/two", "a.py")
    assert listener.reported() is None
    listener.listen_again()
    write(path)
    assert listener.reported() == {path}


@linux
@pytest.mark.parametrize("at_once", [True, False])
def test_a_tree_that_replaces_another(listener: Listener, tmp_path: Path, *, at_once: bool) -> None:
    """Another tree under the same name is listened to, whether or not its place was free before."""
    (path,) = filled(tmp_path / "site/pkg", "a.py")
    filled(tmp_path / "next/pkg", "a.py")
    listener.listen(path)
    if at_once:
        (tmp_path / "site/pkg").rename(tmp_path / "old")  # an empty folder may be renamed over
        (tmp_path / "next").rename(tmp_path / "site")
    else:
        (tmp_path / "site").rename(tmp_path / "old")
        (tmp_path / "next").rename(tmp_path / "site")
    assert listener.reported() is None
    listener.listen_again()
    write(path)
    assert listener.reported() == {path}


@linux
def test_two_names_for_one_folder(listener: Listener, tmp_path: Path) -> None:
    """A change is reported under each of the names under which the folder is listened to."""
    (path,) = filled(tmp_path / "site", "a.py")
    (tmp_path / "also").symlink_to("site")
    listener.listen(path, tmp_path / "also/a.py")
    write(path)
    assert listener.reported() == {path, tmp_path / "also/a.py"}


@linux
def test_a_whole_folder(listener: Listener, tmp_path: Path) -> None:
    """In a folder that is listened to as a whole each change is reported, but none below that."""
    folder = tmp_path / "templates"
    filled(folder / "deep", "a.html")
    listener.listen(folders=[folder])
    assert listener.events.knows(str(folder))
    assert not listener.events.knows(str(folder / "deep"))
    filled(folder, "b.html")
    write(folder / "deep/a.html")
    assert listener.reported() == {folder / "b.html"}


@linux
def test_a_folder_with_watched_files_is_taken_whole(listener: Listener, tmp_path: Path) -> None:
    """The interest in a folder grows: first a file of it, then all of it."""
    (path,) = filled(tmp_path / "site", "a.py")
    listener.listen(path, folders=[path.parent])
    (other,) = filled(tmp_path / "site", "b.py")
    write(path)
    assert listener.reported() == {path, other}


@linux
def test_what_is_forgotten_is_not_reported(listener: Listener, tmp_path: Path) -> None:
    """After listen_anew only what was listened to again is reported."""
    path, other = filled(tmp_path / "site", "a.py", "b.py")
    listener.listen(path)
    listener.files = [other]
    listener.listen()
    write(path)
    assert listener.reported() == set()
    write(other)
    assert listener.reported() == {other}


@linux
def test_a_loss_is_reported_once(listener: Listener, tmp_path: Path) -> None:
    """That a path leads elsewhere is reported once, and later waits report nothing more."""
    (path,) = filled(tmp_path / "site/pkg", "a.py")
    listener.listen(path)
    (tmp_path / "site").rename(tmp_path / "away")
    assert listener.reported() is None
    end = time.monotonic() + DEADLINE
    while listener.events.wait(0.01) != set():
        assert time.monotonic() < end
    assert listener.events.lost


@linux
def test_a_wake_ends_the_wait(listener: Listener) -> None:
    """A wake ends the wait and reports nothing."""
    listener.events.wake()
    began = time.monotonic()
    assert listener.events.wait(DEADLINE) == set()
    assert time.monotonic() - began < DEADLINE / 2


@linux
@pytest.mark.parametrize("change", [Path.touch, rename_over, Path.unlink])
def test_a_request_ends_the_wait(
    listener: Listener, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    """Also beside an event that is irrelevant; and still after everything was listened to anew."""
    request, sentinel = tmp_path / "state/one.restart", listener.sentinels[0]
    filled(request.parent, *([] if change is Path.touch else [request.name]))
    listener.events.listen_for([str(request), str(request.with_suffix(".scan"))])
    listener.events.listen_for_requests()
    assert listener.events.hears
    listener.listen()
    assert not listener.events.hears
    listener.events.listen_for_requests()
    sentinel.touch()
    change(request)
    reported: list[set[str] | None] = []
    began = time.monotonic()
    while (paths := listener.events.wait(DEADLINE)) != set():
        reported.append(paths)
    assert {str(sentinel), str(request)} <= set().union(*filter(None, reported))
    assert time.monotonic() - began < DEADLINE / 2


@linux
def test_a_folder_of_requests_that_comes_late(listener: Listener, tmp_path: Path) -> None:
    """As long as it is missing, requests are not heard."""
    request = tmp_path / "state/one.restart"
    listener.listen()
    listener.events.listen_for([str(request)])
    listener.events.listen_for_requests()
    assert not listener.events.hears
    request.parent.mkdir()
    assert listener.reported() == set()  # what is above it may be /tmp, too busy to watch
    listener.events.listen_for_requests()
    assert listener.events.hears
    request.parent.rmdir()
    assert listener.reported() is None
    listener.listen_again()
    assert not listener.events.hears


class StandIn:
    """Stands in for the native watcher. `refuses` returns why it cannot watch a folder, or None."""

    def __init__(self, refuses: Callable[[str, int], NativeError | None] = lambda *_: None) -> None:
        self.refuses = refuses
        self.numbers: dict[str, int] = {}
        self.trusted: set[bool] = set()
        self.changes: list[tuple[int, int, str]] = []
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

    def wait(self, seconds: float) -> list[tuple[int, int, str]]:
        if self.breaks is not None:
            raise self.breaks
        changes, self.changes = self.changes, []
        return changes

    def wake(self) -> None:
        """Do nothing: no thread waits."""

    def end(self) -> None:
        self.ended += 1


def refusal(message: str, code: int = 0) -> NativeError:
    """Return the error with which the C core refuses a folder."""
    return NativeError("wsgireload_watch_directory", code, message)


def events_over(
    refuses: Callable[[str, int], NativeError | None], *, trust: bool = False
) -> tuple[Events, StandIn, list[str]]:
    """Return events over a stand-in, and the troubles that they report."""
    troubles: list[str] = []
    watcher = StandIn(refuses)
    events = Events(trust=trust, trouble=troubles.append, watcher=watcher)  # type: ignore[arg-type]
    return events, watcher, troubles


def nfs(path: str, interest: int) -> NativeError | None:
    """A mount that other machines write to."""
    return refusal("NFS") if path.startswith("/net") and interest != ITSELF else None


def test_a_file_system_without_all_events() -> None:
    """It is polled, which is reported once for all its folders; the others have events."""
    events, _, troubles = events_over(nfs)
    assert not events.listen("/net/one/a.py")
    assert not events.listen("/net/one/b.py")
    assert not events.listen("/net/two/a.py")
    assert not events.listen_in("/net/three")
    assert events.listen("/srv/a.py")
    assert troubles == ["/net/one and others like it are polled: NFS"]
    events.listen_anew()
    assert not events.listen("/net/one/a.py")
    assert len(troubles) == 1


@linux
def test_a_file_that_is_mounted(
    listener: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is a mount point is polled: its changes are events of another folder."""
    line = "36 35 98:0 /conf.py {} rw,noatime master:1 - ext4 /dev/root rw\n"
    points = line.format(f"{tmp_path}/my\\040app/conf.py") + line.format("/proc")
    monkeypatch.setattr(roots, "proc", lambda _pid, _name: points.encode())
    roots._mount_points.cache_clear()
    folder = tmp_path / "my app"
    folder.mkdir()
    found = [listener.events.listen(str(folder / name)) for name in ("conf.py", "views.py")]
    roots._mount_points.cache_clear()
    assert found == [False, True]


def test_requests_on_a_file_system_without_all_events() -> None:
    """They are made on this machine, which reports them; where it cannot, nothing is logged."""
    events, _, troubles = events_over(nfs)
    events.listen_for(["/net/state/one.restart"])
    events.listen_for_requests()
    assert events.hears
    events, _, troubles = events_over(lambda *_: refusal("no inotify watch left", errno.ENOSPC))
    events.listen_for(["/net/state/one.restart"])
    events.listen_for_requests()
    assert (events.hears, troubles) == (False, [])


def test_trust_is_passed_on() -> None:
    """With `trust` events are used on such a file system too."""
    events, watcher, troubles = events_over(nfs, trust=True)
    assert events.listen("/net/one/a.py")
    assert events.listen_in("/net/two")
    assert (watcher.trusted, troubles) == ({True}, [])
    events, watcher, troubles = events_over(nfs)
    events.listen("/srv/a.py")
    assert watcher.trusted == {False}


def test_a_link_to_a_file_system_without_events(tmp_path: Path) -> None:
    """A link to a file on such a file system is polled, although its own folder has events."""
    target = filled(tmp_path / "net", "a.py")[0]
    path = tmp_path / "a.py"
    path.symlink_to(target)

    def refuses(folder: str, interest: int) -> NativeError | None:
        return refusal("NFS") if folder == str(target.parent) and interest != ITSELF else None

    events, _, troubles = events_over(refuses)
    assert not events.listen(str(path))
    assert troubles == [f"{target.parent} and others like it are polled: NFS"]
    assert not events.listen(str(path))
    assert events.listen(str(tmp_path / "b.py"))


def test_no_watch_is_left() -> None:
    """When the user's watches are used up the rest is polled, which is reported once."""
    full = refusal("this user has no inotify watch left", errno.ENOSPC)
    events, watcher, troubles = events_over(lambda *_: full if len(watcher.numbers) >= 4 else None)
    assert events.listen("/a/one/x.py")  # /, /a and /a/one
    assert events.listen("/b/x.py")  # /b
    assert not events.listen("/c/x.py")
    assert not events.listen("/d/x.py")
    assert not events.listen_in("/e")
    assert events.listen("/a/one/y.py")
    assert troubles == ["/c and others like it are polled: this user has no inotify watch left"]


@linux
@pytest.mark.parametrize("code", [errno.ENOENT, errno.ENOTDIR])
def test_a_folder_that_is_not_there_is_no_trouble(code: int) -> None:
    """There is no message: it will be created, which is an event, or not."""
    events, _, troubles = events_over(
        lambda path, _: refusal("No", code) if path.startswith("/srv/gone") else None
    )
    assert events.listen("/srv/gone/a.py")
    assert events.listen("/srv/gone/deeper/a.py")
    assert events.listen_in("/srv/gone/deeper")
    assert troubles == []


@linux
def test_a_folder_that_is_not_there_nor_reported() -> None:
    """It is polled where its appearance would be no event, at any height above it."""

    def refuses(path: str, interest: int) -> NativeError | None:
        if "/gone" in path:
            return refusal("No", errno.ENOENT)
        return nfs(path, interest)

    events, _, troubles = events_over(refuses)
    assert not events.listen("/net/gone/a.py")
    assert not events.listen("/net/gone/deeper/a.py")
    assert not events.listen_in("/net/gone/deeper")
    assert troubles == ["/net and others like it are polled: NFS"]


@pytest.mark.parametrize("change", [(-1, False, ""), (1, True, "")], ids=["lost", "gone"])
def test_what_makes_us_listen_anew(change: tuple[int, bool, str]) -> None:
    """Lost events, or a folder that is watched no more: it may have happened anywhere."""
    events, watcher, _ = events_over(lambda *_: None)
    events.listen("/srv/a.py")
    assert watcher.numbers["/"] == 1
    watcher.changes = [(watcher.numbers["/srv"], False, "a.py"), change]
    assert events.wait(1.0) is None
    assert events.lost
    watcher.changes = [(watcher.numbers["/srv"], False, "a.py")]
    assert events.wait(1.0) == {"/srv/a.py"}  # no more than that: nothing was lost a second time
    assert events.lost
    events.listen_anew()
    assert not events.lost


def test_what_counts_as_saved() -> None:
    """Of each path its last event counts, and only those of the last wait are known."""
    events, watcher, _ = events_over(lambda *_: None)
    events.listen("/srv/a.py")
    events.listen("/srv/b.py")
    number = watcher.numbers["/srv"]
    a, b = (number, SAVED, "a.py"), (number, SAVED, "b.py")
    for changes, saved in (
        ([(number, CHANGED, "a.py"), a], {"/srv/a.py"}),
        ([a, b, (number, CHANGED, "a.py")], {"/srv/b.py"}),
        ([(number, CHANGED, "a.py")], set()),
    ):
        watcher.changes = changes
        assert events.wait(1.0)
        assert events.saved == saved


def test_what_counts_as_written() -> None:
    """Of each path its last event counts, as with what is saved."""
    events, watcher, _ = events_over(lambda *_: None)
    events.listen("/srv/a.py")
    number = watcher.numbers["/srv"]
    written, saved = (number, WRITTEN, "a.py"), (number, SAVED, "a.py")
    for changes, expected in (([written], {"/srv/a.py"}), ([written, saved], set())):
        watcher.changes = changes
        assert events.wait(1.0) == {"/srv/a.py"}
        assert events.written == expected


def test_what_was_forgotten_is_no_loss() -> None:
    """Changes of folders that are not listened to any more do not end a wait."""
    events, watcher, _ = events_over(lambda *_: None)
    events.listen("/srv/a.py")
    watcher.changes = [(99, True, ""), (99, False, "a.py")]
    assert events.wait(1.0) == set()
    assert not events.lost
    assert watcher.changes == []


def test_a_change_without_a_name() -> None:
    """Anything in the folder may have changed: the folder itself is reported."""
    events, watcher, _ = events_over(lambda *_: None)
    events.listen("/srv/a.py")
    watcher.changes = [(watcher.numbers["/srv"], False, "")]
    # /srv itself is on the way to the file: it may be that this is another one
    assert events.wait(1.0) is None


def test_a_link_in_a_folder_that_may_not_be_listed(tmp_path: Path) -> None:
    """A link in there is watched itself, and that reports when another one takes its place."""
    filled(tmp_path / "releases/1", "a.py")
    (tmp_path / "releases/1/pkg").mkdir()
    current = tmp_path / "current"
    current.symlink_to("releases/1")

    def refuses(folder: str, interest: int) -> NativeError | None:
        return refusal("Permission denied", errno.EACCES) if folder == str(tmp_path) else None

    events, watcher, troubles = events_over(refuses)
    assert events.listen(str(current / "pkg/a.py"))
    watcher.changes = [(watcher.numbers[str(current)], False, "")]
    assert events.wait(1.0) is None
    assert troubles == []


@linux
def test_a_name_that_no_file_can_have(listener: Listener, tmp_path: Path) -> None:
    """A module may have any path: an impossible one does no harm."""
    for path in ("/\ud800/pkg/a.py", f"{tmp_path}/\ud800.py", f"{tmp_path}/\udcff.py"):
        listener.events.listen(path)
        listener.events.listen_in(path)
    (path,) = filled(tmp_path / "site", "a.py")
    listener.listen(path)
    write(path)
    assert listener.reported() == {path}


@pytest.mark.parametrize(
    "breaks", [NativeError("read", errno.EBADF, "Bad file descriptor"), MemoryError("no room")]
)
def test_a_watcher_that_breaks(breaks: Exception) -> None:
    """When no event will ever arrive again, that is reported once, and the watcher ends."""
    events, watcher, troubles = events_over(lambda *_: None)
    events.listen_for(["/srv/state/one.restart"])
    events.listen_for_requests()
    watcher.breaks = breaks
    with pytest.raises(type(breaks)):
        events.wait(1.0)
    assert watcher.ended == 1
    assert len(troubles) == 1
    assert "everything is polled" in troubles[0]
    assert str(breaks) in troubles[0]
    assert not events.hears
