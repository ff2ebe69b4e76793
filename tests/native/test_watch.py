"""What changes in directories, as one watcher of the core reports it."""

from __future__ import annotations

import datetime as dt
import errno
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from support.ffi import ffi, lib

from wsgireload import _native
from wsgireload.errors import NativeError
from wsgireload.server.native import ALL, CHANGED, GONE, ITSELF, NAMES, SAVED, WRITTEN, Watcher

LONG = 30.0  # seconds: for what comes at once
Change = tuple[int, bool, str]


def instances() -> list[str]:
    """Every inotify instance of this process: its fdinfo."""
    return [
        Path(f"/proc/self/fdinfo/{link.name}").read_text()
        for link in Path("/proc/self/fd").iterdir()
        if link.is_symlink() and link.readlink() == Path("anon_inode:inotify")
    ]


def watches() -> int:
    """How many watches the kernel has for this process."""
    return sum(info.count("inotify wd:") for info in instances())


class Watching:
    """A watcher, a folder with a file a.py, and a second folder as a fence after each change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "source"
        self.folder.mkdir()
        self.file = self.folder / "a.py"
        self.file.write_text("before")
        self.other = folder / "b.py"
        self.watchers: list[Watcher] = []
        self.watcher = self.another()
        self.fences = folder / "fences"
        self.fences.mkdir()
        self.fence = self.watch(self.fences, ALL)
        self.numbers = count()

    def another(self) -> Watcher:
        """Return one more watcher, which ends with the test at the latest."""
        self.watchers.append(Watcher())
        return self.watchers[-1]

    def watch(self, path: Path, interest: int, *names: str) -> int:
        """Watch a directory, for some names in it; returns its id."""
        number = self.watcher.directory(str(path), interest, trust=False)
        for name in names:
            self.watcher.name(number, name)
        return number

    def reported(self, *deeds: Callable[[], object]) -> list[Change]:
        """Return what is reported of some changes: everything before the fence after them.

        For each the directory, whether that is gone, and the name.
        """
        return [(id_, kind == GONE, name) for id_, kind, name in self.kinds(*deeds)]

    def kinds(self, *deeds: Callable[[], object]) -> list[tuple[int, int, str]]:
        """Return the same with what is known of each change."""
        for deed in deeds:
            deed()
        last = f"fence-{next(self.numbers)}"
        (self.fences / last).mkdir()
        changes: list[tuple[int, int, str]] = []
        while (self.fence, CHANGED, last) not in changes:
            more = self.watcher.wait(LONG)
            assert more, f"{last} was not reported"
            changes += more
        return [change for change in changes if change[0] != self.fence]


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    """A watcher, which ends with the test."""
    made = Watching(tmp_path)
    yield made
    for watcher in made.watchers:
        watcher.end()
    assert instances() == []


def overwrite(watching: Watching) -> None:
    """In place, without cutting it first."""
    with watching.file.open("r+") as file:
        file.write("after")


def append(watching: Watching) -> None:
    """At its end."""
    with watching.file.open("a") as file:
        file.write("after")


def recreate(watching: Watching) -> None:
    """Deleted first."""
    watching.file.unlink()
    watching.file.write_text("after")


def swap(watching: Watching) -> None:
    """A hard link to another file takes its name."""
    watching.other.write_text("after")
    (watching.folder / "link").hardlink_to(watching.other)
    (watching.folder / "link").rename(watching.file)


def rename_over(watching: Watching) -> None:
    """What editors do: a new file beside it, renamed over it."""
    (watching.folder / "a.py~").write_text("after")
    (watching.folder / "a.py~").rename(watching.file)


def relink(watching: Watching) -> None:
    """A symbolic link takes its name."""
    (watching.folder / "link").symlink_to(watching.other)
    (watching.folder / "link").rename(watching.file)


SAVES: dict[str, Callable[[Watching], object]] = {
    "in place": overwrite,
    "cut and written": lambda watching: watching.file.write_text("after"),
    "appended": append,
    "renamed over": rename_over,
    "deleted": lambda watching: watching.file.unlink(),
    "deleted and made anew": recreate,
    "renamed away": lambda watching: watching.file.rename(watching.other),
    "touched": lambda watching: watching.file.touch(),
    "made older": lambda watching: os.utime(watching.file, (1, 1)),
    "another mode": lambda watching: watching.file.chmod(0o600),
    "hard link": swap,
    "symbolic link": relink,
}


@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)
def test_saves(watching, save):
    """Each way to save a file with a watched name is reported, under its name."""
    number = watching.watch(watching.folder, NAMES, "a.py")
    assert set(watching.reported(lambda: save(watching))) == {(number, False, "a.py")}


@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)
def test_names_of_no_interest(watching, save):
    """A file whose name is of no interest is not reported, however it is saved."""
    watching.watch(watching.folder, NAMES, "b.py", "a", "a.pyc", "A.PY")
    assert watching.reported(lambda: save(watching)) == []


@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)
def test_all_names(watching, save):
    """Where all is of interest, everything is reported, under its name."""
    number = watching.watch(watching.folder, ALL)
    assert (number, False, "a.py") in watching.reported(lambda: save(watching))


@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)
def test_itself_reports_nothing_inside(watching, save):
    """With ITSELF nothing in the directory is reported, whatever another watcher wants."""
    number = watching.watch(watching.folder, ITSELF)
    assert watching.reported(lambda: save(watching)) == []
    other = watching.another()
    in_other = other.directory(str(watching.folder), ALL, trust=False)
    assert watching.watch(watching.folder, ITSELF) == number
    assert watching.reported((watching.folder / "other").touch) == []
    assert set(other.wait(0)) == {(in_other, SAVED, "other")}


def cut_and_written(watching: Watching) -> Iterator[int]:
    """As most editors that write in place."""
    with watching.file.open("wb", buffering=0) as file:
        yield CHANGED if watching.other.exists() else WRITTEN  # a new file, or one that was cut
        file.write(b"af")
        yield WRITTEN
        file.write(b"ter")
        yield WRITTEN
        os.fchmod(file.fileno(), 0o600)
        yield CHANGED


def backed_up(watching: Watching) -> Iterator[int]:
    """As vim: the mode is set once more at the end."""
    watching.file.rename(watching.other)
    yield CHANGED
    yield from cut_and_written(watching)
    watching.file.chmod(0o644)


def renamed(watching: Watching) -> Iterator[int]:
    """A whole file takes its place, and gets another time."""
    watching.other.write_text("after")
    watching.other.rename(watching.file)
    os.utime(watching.file)
    yield from ()


@pytest.mark.parametrize("save", [cut_and_written, backed_up, renamed])
def test_when_a_save_is_complete(watching, save):
    """A file is saved once it is closed or renamed into its place, whatever was read before."""
    number = watching.watch(watching.folder, NAMES, "a.py")
    saving = save(watching)
    stages: list[int | None] = []
    while kinds := watching.kinds(lambda: stages.append(next(saving, None))):
        last = kinds[-1]
        assert set(kinds) == {last}
        if last[1] == SAVED:
            break
        assert last == (number, stages[-1], "a.py")
    assert kinds, "nothing was reported at the end"
    assert next(saving, "over") == "over"


def test_attributes_alone_save_nothing(watching):
    """They leave a file as complete as it was after the event just before them."""
    number = watching.watch(watching.folder, NAMES, "a.py", "b.py")
    changed, saved = (number, CHANGED, "a.py"), (number, SAVED, "a.py")
    write = lambda: watching.file.write_text("after")  # noqa: E731
    chmod = lambda: watching.file.chmod(0o600)  # noqa: E731
    assert watching.kinds(chmod) == [changed]
    assert watching.kinds(write) == [saved]
    write()
    assert set(watching.watcher.wait(LONG)) == {saved}
    assert watching.kinds(chmod, chmod) == [saved]
    other = (watching.folder / "b.py").touch
    assert watching.kinds(write, other, chmod) == [saved, (number, SAVED, "b.py"), changed]
    with watching.file.open("r+") as file:
        written = number, WRITTEN, "a.py"
        assert watching.kinds(lambda: file.truncate(1), chmod) == [written]


def test_a_file_that_is_being_written(watching):
    """It is, from a write until it is closed; attributes, links and names write nothing."""
    number, a = watching.watch(watching.folder, ALL), "a.py"
    stat = lambda: watching.file.chmod(0o600)  # noqa: E731
    with watching.file.open("r+b", buffering=0) as file:
        assert watching.kinds(lambda: file.write(b"af")) == [(number, WRITTEN, a)]
        assert watching.kinds(lambda: file.write(b"ter"), stat) == [(number, WRITTEN, a)]
        assert watching.kinds(stat) == [(number, CHANGED, a)]
    assert watching.kinds() == [(number, SAVED, a)]
    for made in (lambda to: to.hardlink_to(watching.file), lambda to: to.symlink_to(a)):
        new = watching.folder / "b.py"
        assert watching.kinds(lambda: made(new), new.unlink) == [(number, CHANGED, "b.py")]  # noqa: B023


def test_a_file_that_is_not_there_yet(watching):
    """A name is reported of when its file appears."""
    number = watching.watch(watching.folder, NAMES, "new.py")
    reported = watching.reported((watching.folder / "new.py").touch)
    assert set(reported) == {(number, False, "new.py")}


def test_a_busy_log(watching):
    """A file written a thousand times wakes no watcher; one of interest is reported once."""
    other = watching.another()
    number = other.directory(str(watching.folder), NAMES, trust=False)
    other.name(number, "a.py")

    def write(name: str) -> None:
        with (watching.folder / name).open("a", buffering=1) as file:
            for _ in range(1000):
                file.write("line\n")

    watching.reported(lambda: write("log"))
    assert other.wait(0) == []
    watching.reported(lambda: write("a.py"))
    assert other.wait(0) == [(number, SAVED, "a.py")]


def test_many_names(watching):
    """Of two thousand names each is known, and no other."""
    names = [f"module_{i}.py" for i in range(2000)]
    number = watching.watch(watching.folder, NAMES, *names)
    for name in ("module_0.py", "module_1234.py", "module_1999.py"):
        assert set(watching.reported((watching.folder / name).touch)) == {(number, False, name)}
    assert watching.reported((watching.folder / "module_2000.py").touch) == []


def test_names_that_are_not_utf8(watching):
    """A name is the bytes that it is, of any length that a file system takes."""
    names = [os.fsdecode(b"\xff\xfe.py"), "\N{SNAKE}.py", "x" * 255]
    number = watching.watch(watching.folder, NAMES, *names)
    for name in names:
        assert set(watching.reported((watching.folder / name).touch)) == {(number, False, name)}


def test_the_directory_is_renamed(watching):
    """A directory that is renamed is gone: its path does not lead there any more."""
    number = watching.watch(watching.folder, ITSELF)
    moved = watching.folder.with_name("moved")
    assert watching.reported(lambda: watching.folder.rename(moved)) == [(number, True, "")]
    assert watches() == 1  # of the fences
    assert watching.reported((moved / "a.py").touch) == []
    assert watching.watch(moved, ALL) != number


def test_the_directory_is_deleted(watching):
    """A directory that is deleted is gone; one in its place has another number."""
    number = watching.watch(watching.folder, NAMES, "a.py")
    reported = watching.reported(lambda: shutil.rmtree(watching.folder))
    assert reported == [(number, False, "a.py"), (number, True, "")]
    watching.folder.mkdir()
    assert watching.watch(watching.folder, NAMES) != number
    assert watching.reported(watching.file.touch) == []  # names are of the directory that was


def test_the_mode_of_the_directory(watching):
    """The mode of a directory decides what can be read in it: the change may concern any file."""
    number = watching.watch(watching.folder, NAMES)
    assert watching.reported(lambda: watching.folder.chmod(0o700)) == [(number, False, "")]


@pytest.fixture
def link(watching: Watching) -> Path:
    """A symbolic link to the folder."""
    made = watching.folder.with_name("current")
    made.symlink_to(watching.folder)
    return made


def replace_link(link: Path) -> None:
    """As a deploy does: another link, renamed over it."""
    new = link.with_name("new")
    new.symlink_to("fences")
    new.rename(link)


@pytest.mark.parametrize(
    "deed", [replace_link, Path.unlink, lambda link: link.rename(link.with_name("moved"))]
)
def test_a_link_itself(watching, link, deed):
    """A link that is replaced, deleted or renamed is gone; its target's changes do not count."""
    number = watching.watch(link, ITSELF)
    assert watching.reported(watching.file.touch, lambda: watching.folder.chmod(0o700)) == []
    reported = watching.reported(lambda: deed(link))
    assert reported[-1] == (number, True, "")
    assert set(reported[:-1]) <= {(number, False, "")}
    assert watches() == 1


def test_a_link_with_two_names(watching, link):
    """If a link with two names is replaced under one of them, a change is reported."""
    os.link(link, link.with_name("second"), follow_symlinks=False)
    number = watching.watch(link, ITSELF)
    assert set(watching.reported(lambda: replace_link(link))) == {(number, False, "")}


def test_a_link_to_a_directory(watching, link):
    """For what a directory holds the link is followed, to the directory's own number."""
    number = watching.watch(link, NAMES, "a.py")
    assert watching.watch(watching.folder, ITSELF) == number
    assert set(watching.reported((link / "a.py").touch)) == {(number, False, "a.py")}
    assert watching.watch(link, ITSELF) != number


def test_two_paths(watching):
    """Two paths to one directory give one number, and the interest grows and never shrinks."""
    number = watching.watch(watching.folder, ITSELF)
    assert watching.reported(watching.file.touch) == []
    assert watching.watch(watching.folder / ".." / watching.folder.name, NAMES, "a.py") == number
    assert set(watching.reported(watching.file.touch)) == {(number, False, "a.py")}
    assert watching.watch(watching.folder, ALL) == number
    assert watching.watch(watching.folder, ITSELF) == number
    assert (number, False, "other") in watching.reported((watching.folder / "other").touch)
    assert watches() == 2


def test_forget(watching):
    """A forgotten directory is not reported any more, while another watcher still reports it."""
    number = watching.watch(watching.folder, ALL)
    other = watching.another()
    in_other = other.directory(str(watching.folder), ALL, trust=False)
    assert watches() == 3
    watching.watcher.forget(number)
    assert watching.reported(watching.file.touch) == []
    assert other.wait(LONG)
    assert watches() == 2
    other.forget(in_other)
    assert watches() == 1
    other.forget(in_other)
    watching.watcher.forget(-1)
    assert watching.watch(watching.folder, ALL) != number


def test_a_path_that_leads_elsewhere(watching, link):
    """A path that is watched again, and leads elsewhere by now, does not end the first watch."""
    first = watching.watch(link, NAMES, "a.py")
    link.unlink()
    link.symlink_to("other")
    (link.parent / "other").mkdir()
    second = watching.watch(link, NAMES, "a.py")
    assert second != first
    assert set(watching.reported(watching.file.touch)) == {(first, False, "a.py")}
    assert set(watching.reported((link / "a.py").touch)) == {(second, False, "a.py")}


def test_no_watch_is_left_behind(watching):
    """After 100,000 times of watch, rename and forget (or report it as gone) none is left."""
    names = [[watching.folder / f"{name}{number}" for name in "ab"] for number in range(50)]
    for path, _ in names:
        path.mkdir()
    for number in range(100_000):
        paths = names[number % 50]
        watched = watching.watcher.directory(str(paths[0]), number % 3, trust=True)
        paths[0].rename(paths[1])
        paths.reverse()
        if number % 4:
            watching.watcher.forget(watched)
        if number % 1000 == 999:
            watching.reported()
    assert watches() == 1  # of the fence


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
        told = watching.reported(*[(watching.folder / name).mkdir for name in names])
        assert told == [(number, False, name) for name in names]


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
        ("none", errno.ENOENT, "open"),
        ("a.py", errno.ENOTDIR, "inotify_add_watch"),
        ("a.py/none", errno.ENOTDIR, "open"),
        ("x" * 256, errno.ENAMETOOLONG, "open"),
    ],
)
def test_what_cannot_be_watched(watching, path, code, call):
    """A path that is no directory fails with the call, the number and the system's message."""
    for interest in (ITSELF, NAMES, ALL):
        with pytest.raises(NativeError) as failed:
            watching.watch(watching.folder / path, interest)
        assert (failed.value.call, failed.value.code) == (call, code)
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
    number = lib.wsgireload_watch_directory(watcher, path, ALL, 0, out)
    for _ in range(2):
        lib.wsgireload_watch_end(watcher)
        assert lib.wsgireload_watch_directory(watcher, path, ALL, 0, out) == -1
        assert (out.status, ffi.string(out.message)) == (3, b"the watcher has ended")
        lib.wsgireload_watch_name(watcher, number, b"name")
        lib.wsgireload_watch_forget(watcher, number)
        lib.wsgireload_watch_wake(watcher)
        assert lib.wsgireload_watch_wait(watcher, 30_000, changes, 1, out) == -1
        assert (out.status, ffi.string(out.message)) == (3, b"the watcher has ended")
    lib.wsgireload_watch_free(watcher)
    assert watching.reported() == []


@pytest.mark.parametrize("nonsense", [None, 0, -1, 1, 2**63, object(), "x", dt.datetime_CAPI])
def test_what_is_no_watcher(watching, nonsense):
    """Python cannot reach C with anything but a watcher: not even with another capsule."""
    path = os.fsencode(watching.folder)
    for call in (
        lambda: _native.watch_directory(nonsense, path, ALL, True),
        lambda: _native.watch_name(nonsense, watching.fence, b"name"),
        lambda: _native.watch_forget(nonsense, watching.fence),
        lambda: _native.watch_wait(nonsense, 30_000),
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
    lib.wsgireload_watch_directory(watcher, os.fsencode(watching.folder), ALL, 0, out)
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
