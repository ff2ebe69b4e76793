"""The life of a watcher of the core: its handle, its waits, its end, and what it refuses."""

from __future__ import annotations

import datetime as dt
import errno
import os
import threading
from pathlib import Path

import pytest
from support.children import WATCHER
from support.ffi import ffi, lib
from support.watching import LONG, Change, instances, watches

from wsgireload import _native
from wsgireload.errors import NativeError
from wsgireload.server.watcher import ALL, CHANGED, ITSELF, NAMES, Watcher


def test_the_end(watching):
    """A watcher that ends leaves no watch and no instance behind, and does not disturb others."""
    other = watching.another()
    for path in (watching.folder, watching.fences, watching.folder.parent):
        other.directory(str(path), ALL, trust=False)
    assert (watches(), len(instances())) == (4, 2)
    other.end()
    assert (watches(), len(instances())) == (1, 1)
    assert watching.reported() == []
    watching.watcher.end()
    assert instances() == []


def test_one_handle_and_no_thread(watching):
    """Each watcher has one inotify instance, and none starts a thread."""
    before = set(Path("/proc/self/task").iterdir())
    for _ in range(3):
        watching.another()
    assert len(instances()) == 4
    watching.reported()
    assert set(Path("/proc/self/task").iterdir()) <= before
    for watcher in watching.watchers:
        watcher.end()
    assert instances() == []


def test_wake(watching):
    """Wake ends the wait that is on, or the next one, and one only."""
    watching.watcher.wake()
    watching.watcher.wake()
    assert watching.watcher.wait(LONG) == []
    assert watching.watcher.wait(0) == []
    for _ in range(50):  # now before the wait, now during it
        thread = threading.Thread(target=watching.watcher.wake)
        thread.start()
        assert watching.watcher.wait(LONG) == []
        thread.join()


def test_the_time_is_over(watching):
    """Without a change the wait takes its time, and no more; a time that makes no sense is none."""
    assert watching.watcher.wait(0.02) == []
    assert watching.watcher.wait(-1) == []
    assert watching.watcher.wait(float("nan")) == []
    watching.watcher.wake()
    assert watching.watcher.wait(float("inf")) == []


def test_wakes_during_the_end(watching):
    """A wake ends a wait in another thread, which ends the watcher while it is still woken."""
    for _ in range(50):
        watcher = watching.another()
        watcher.directory(str(watching.folder), ALL, trust=False)
        changes: list[Change] = []

        def run(of: Watcher = watcher, changes: list[Change] = changes) -> None:
            changes.extend(of.wait(LONG))
            of.end()

        waiting = threading.Thread(target=run)
        waiting.start()
        while waiting.is_alive():
            watcher.wake()
        waiting.join()
        assert changes == []
        del watching.watchers[1:]
    assert len(instances()) == 1
    assert watching.reported() == []


def test_after_the_end(watching):
    """A watcher that has ended reports nothing, watches nothing, and ends again without harm."""
    watcher = watching.another()
    number = watcher.directory(str(watching.folder), ALL, trust=False)
    for _ in range(2):
        watcher.end()
        watcher.wake()
        watcher.name(number, "a.py")
        watcher.forget(number)
        assert watcher.wait(LONG) == []
        with pytest.raises(NativeError, match="has ended"):
            watcher.directory(str(watching.folder), ALL, trust=False)


def test_who_waits_late(watching):
    """A late wait reports all earlier changes once, in order and in pieces."""
    other = watching.another()
    number = other.directory(str(watching.folder), ALL, trust=False)
    names = [str(i) for i in range(2500)]
    assert watching.reported(*[(watching.folder / name).mkdir for name in names]) == []
    pieces = [other.wait(0) for _ in range(13)]
    assert max(map(len, pieces)) == 240
    assert pieces[-1] == []
    assert [change for piece in pieces for change in piece] == [
        (number, False, name) for name in names
    ]


def test_who_reads_in_time(watching):
    """A caller that reads in time gets every change in order, however many there are."""
    number = watching.watch(watching.folder, ALL)
    for first in range(0, 600, 50):
        names = [str(i) for i in range(first, first + 50)]
        changes = watching.reported(*[(watching.folder / name).mkdir for name in names])
        assert changes == [(number, False, name) for name in names]


def test_a_new_watcher_reports_nothing_old(watching):
    """A watcher does not report what happened before it watched."""
    watching.watch(watching.folder, ALL)
    for _ in range(3):
        watching.reported(watching.file.touch)
        other = watching.another()
        number = other.directory(str(watching.folder), ALL, trust=False)
        assert other.wait(0) == []
        watching.file.touch()
        assert set(other.wait(LONG)) == {(number, False, "a.py")}
        watching.reported(watching.file.touch)
        other.end()  # before it reported that


@pytest.mark.parametrize(
    ("path", "code", "call"),
    [
        ("none", errno.ENOENT, "statfs"),
        ("a.py", errno.ENOTDIR, "inotify_add_watch"),
        ("a.py/none", errno.ENOTDIR, "statfs"),
        ("x" * 256, errno.ENAMETOOLONG, "statfs"),
    ],
)
def test_what_cannot_be_watched(watching, path, code, call):
    """A path that is no directory fails with the call, the number and the system's message."""
    for interest in (ITSELF, NAMES, ALL):
        with pytest.raises(NativeError) as failed:
            watching.watch(watching.folder / path, interest)
        reported = "inotify_add_watch" if interest == ITSELF else call
        assert (failed.value.call, failed.value.code) == (reported, code)
        assert failed.value.message == os.strerror(code)
        with pytest.raises(NativeError) as failed:
            watching.watcher.directory(str(watching.folder / path), interest, trust=True)
        assert (failed.value.call, failed.value.code) == ("inotify_add_watch", code)
    assert watches() == 1


@pytest.mark.parametrize("path", ["nul\0", "\ud800", ""])
def test_what_is_no_path(watching, path):
    """A path that cannot exist fails like one that does not."""
    with pytest.raises(NativeError):
        watching.watcher.directory(path, ALL, trust=False)


@pytest.mark.parametrize("interest", [-1, 3])
def test_no_such_interest(watching, interest):
    """An unknown interest is refused."""
    with pytest.raises(NativeError, match="no such interest"):
        watching.watch(watching.folder, interest)


def test_an_ended_watcher_in_c(watching):
    """Until it is freed, a watcher that has ended refuses to watch and to wait."""
    out, changes = ffi.new("wsgireload_outcome *"), ffi.new("wsgireload_change[1]")
    watcher = lib.wsgireload_watch_begin(out)
    path = os.fsencode(watching.folder)
    number = lib.wsgireload_watch_directory(watcher, path, ALL, out)
    for _ in range(2):
        lib.wsgireload_watch_end(watcher)
        assert lib.wsgireload_watch_directory(watcher, path, ALL, out) == -1
        assert (out.status, ffi.string(out.message)) == (3, b"the watcher has ended")
        lib.wsgireload_watch_name(watcher, number, b"name")
        lib.wsgireload_watch_forget(watcher, number)
        lib.wsgireload_watch_wake(watcher)
        assert lib.wsgireload_watch_wait(watcher, 30, changes, 1, out) == -1
        assert (out.status, ffi.string(out.message)) == (3, b"the watcher has ended")
    lib.wsgireload_watch_free(watcher)
    assert watching.reported() == []


def test_names_of_forgotten_directories_take_no_memory(child, tmp_path):
    """A directory that comes and goes for months, with the files in it, costs nothing."""
    grown = child(
        WATCHER
        + """
watcher, _ = n.watch_begin()
def come_and_go(times):
    for time in range(times):
        number, _ = n.watch_directory(watcher, FOLDER, 1)
        for name in range(20):
            n.watch_name(watcher, number, b"%d" % (20 * time + name))
        n.watch_forget(watcher, number)
        n.watch_wait(watcher, 0)
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1])  # pages
before = come_and_go(200)
output(come_and_go(20_000) - before)
""",
        tmp_path,
    )
    assert grown < 256


@pytest.mark.parametrize("nonsense", [None, 0, -1, 1, 2**63, object(), "x", dt.datetime_CAPI])
def test_what_is_no_watcher(watching, nonsense):
    """Python cannot reach C with anything but a watcher: not even with another capsule."""
    path = os.fsencode(watching.folder)
    for call in (
        lambda: _native.watch_directory(nonsense, path, ALL),
        lambda: _native.watch_name(nonsense, watching.fence, b"name"),
        lambda: _native.watch_forget(nonsense, watching.fence),
        lambda: _native.watch_wait(nonsense, 30),
        lambda: _native.watch_wake(nonsense),
        lambda: _native.watch_end(nonsense),
    ):
        with pytest.raises(ValueError, match="PyCapsule"):
            call()
    assert watching.reported() == []


def test_room(watching):
    """A wait writes no more changes than there is room for, and the next one goes on."""
    out, changes = ffi.new("wsgireload_outcome *"), ffi.new("wsgireload_change[3]")
    watcher = lib.wsgireload_watch_begin(out)
    lib.wsgireload_watch_directory(watcher, os.fsencode(watching.folder), ALL, out)
    watching.reported(*[(watching.folder / name).mkdir for name in "abcd"])
    assert lib.wsgireload_watch_wait(watcher, 0, changes, 0, out) == 0
    assert lib.wsgireload_watch_wait(watcher, 0, changes, 3, out) == 3
    assert [ffi.string(change.name) for change in changes] == [b"a", b"b", b"c"]
    assert lib.wsgireload_watch_wait(watcher, 0, changes, 3, out) == 1
    assert (changes[0].kind, ffi.string(changes[0].name)) == (CHANGED, b"d")
    lib.wsgireload_watch_free(watcher)


def test_watched_and_forgotten_at_once(watching):
    """A folder that one watcher forgets as another begins to is watched, 500 times over."""
    other = watching.another()
    on = True

    def come_and_go() -> None:
        while on:
            other.forget(other.directory(str(watching.folder), ALL, trust=False))

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        for _ in range(500):
            number = watching.watch(watching.folder, NAMES, "a.py")
            assert (number, False, "a.py") in watching.reported(watching.file.touch)
            watching.watcher.forget(number)
    finally:
        on = False
        thread.join()
