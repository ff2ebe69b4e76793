"""What a system refuses, and what its events mean, with a stand-in for the native watcher."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from support.listener import (
    Listener,
    filled,
    linux,
)

from wsgireload.errors import NativeError
from wsgireload.server.watcher import CHANGED, ITSELF, SAVED, WRITTEN
from wsgireload.watch import roots
from wsgireload.watch.events import Events


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
