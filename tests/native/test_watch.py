"""What changes in directories, as the core hears it, in one process."""

from __future__ import annotations

import errno
import os
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from wsgireload.errors import NativeError
from wsgireload.ffi import ffi, lib
from wsgireload.server.native import ALL, ITSELF, NAMES, Watcher

LONG = 30.0  # seconds: for what comes at once
Change = tuple[int, bool, str]


def instances() -> list[str]:
    """Every inotify instance of this process: what the kernel says of it."""
    return [
        Path(f"/proc/self/fdinfo/{link.name}").read_text()
        for link in Path("/proc/self/fd").iterdir()
        if link.is_symlink() and link.readlink() == Path("anon_inode:inotify")
    ]


def threads() -> dict[str, str]:
    """The threads of this process by their numbers, with their names."""
    return {
        task.name: (task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()
    }


def watches() -> int:
    """How many watches the kernel has for this process."""
    return sum(told.count("inotify wd:") for told in instances())


class Ear:
    """A watcher, a folder whose file a.py it may hear of, and a fence after what was heard."""

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
        """One more watcher, which ends with the test at the latest."""
        self.watchers.append(Watcher())
        return self.watchers[-1]

    def watch(self, path: Path, interest: int, *names: str) -> int:
        """Watch a directory, for some names in it; returns its number."""
        number = self.watcher.directory(str(path), interest, trust=False)
        for name in names:
            self.watcher.name(number, name)
        return number

    def heard(self, *deeds: Callable[[], object]) -> list[Change]:
        """What was told of some deeds: everything before what comes after them."""
        for deed in deeds:
            deed()
        last = f"fence-{next(self.numbers)}"
        (self.fences / last).mkdir()
        told: list[Change] = []
        while (self.fence, False, last) not in told:
            more = self.watcher.wait(LONG)
            assert more, f"{last} was not heard"
            told += more
        return [change for change in told if change[0] != self.fence]


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[Ear]:
    """An ear, whose watchers end with the test."""
    made = Ear(tmp_path)
    yield made
    for watcher in made.watchers:
        watcher.end()
    assert instances() == []


def overwrite(ear: Ear) -> None:
    """In place, without cutting it first."""
    with ear.file.open("r+") as file:
        file.write("after")


def append(ear: Ear) -> None:
    """At its end."""
    with ear.file.open("a") as file:
        file.write("after")


def recreate(ear: Ear) -> None:
    """Deleted first."""
    ear.file.unlink()
    ear.file.write_text("after")


def swap(ear: Ear) -> None:
    """A hard link to another file takes its name."""
    ear.other.write_text("after")
    (ear.folder / "link").hardlink_to(ear.other)
    (ear.folder / "link").rename(ear.file)


def rename_over(ear: Ear) -> None:
    """What editors do: a new file beside it, renamed over it."""
    (ear.folder / "a.py~").write_text("after")
    (ear.folder / "a.py~").rename(ear.file)


def relink(ear: Ear) -> None:
    """A symbolic link takes its name."""
    (ear.folder / "link").symlink_to(ear.other)
    (ear.folder / "link").rename(ear.file)


SAVES: dict[str, Callable[[Ear], object]] = {
    "in place": overwrite,
    "cut and written": lambda ear: ear.file.write_text("after"),
    "appended": append,
    "renamed over": rename_over,
    "deleted": lambda ear: ear.file.unlink(),
    "deleted and made anew": recreate,
    "renamed away": lambda ear: ear.file.rename(ear.other),
    "touched": lambda ear: ear.file.touch(),
    "made older": lambda ear: os.utime(ear.file, (1, 1)),
    "another mode": lambda ear: ear.file.chmod(0o600),
    "hard link": swap,
    "symbolic link": relink,
}


@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)
def test_saves(ear, save):
    """Each way to save a file whose name is of interest is heard, under its name."""
    number = ear.watch(ear.folder, NAMES, "a.py")
    assert set(ear.heard(lambda: save(ear))) == {(number, False, "a.py")}


@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)
def test_names_of_no_interest(ear, save):
    """Of a file whose name is of none nothing is heard, however it is saved."""
    ear.watch(ear.folder, NAMES, "b.py", "a", "a.pyc", "A.PY")
    assert ear.heard(lambda: save(ear)) == []


@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)
def test_all_names(ear, save):
    """Where all is of interest, everything is heard, under its name."""
    number = ear.watch(ear.folder, ALL)
    assert (number, False, "a.py") in ear.heard(lambda: save(ear))


@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)
def test_itself_hears_nothing_of_what_it_holds(ear, save):
    """Who watches the directory itself hears nothing of its files, also where another does."""
    number = ear.watch(ear.folder, ITSELF)
    assert ear.heard(lambda: save(ear)) == []
    other = ear.another()
    assert other.directory(str(ear.folder), ALL, trust=False) == number
    assert ear.heard((ear.folder / "other").touch) == []
    assert set(other.wait(0)) == {(number, False, "other")}


def test_a_file_that_is_not_there_yet(ear):
    """A name is heard of when its file appears."""
    number = ear.watch(ear.folder, NAMES, "new.py")
    heard = ear.heard((ear.folder / "new.py").touch)
    assert set(heard) == {(number, False, "new.py")}


def test_a_busy_log(ear):
    """A file that is written a thousand times wakes nobody; one of interest is told once."""
    other = ear.another()
    number = other.directory(str(ear.folder), NAMES, trust=False)
    other.name(number, "a.py")

    def write(name: str) -> None:
        with (ear.folder / name).open("a", buffering=1) as file:
            for _ in range(1000):
                file.write("line\n")

    ear.heard(lambda: write("log"))
    assert other.wait(0) == []
    ear.heard(lambda: write("a.py"))
    assert other.wait(0) == [(number, False, "a.py")]


def test_many_names(ear):
    """Of two thousand names each is known, and no other."""
    names = [f"module_{i}.py" for i in range(2000)]
    number = ear.watch(ear.folder, NAMES, *names)
    for name in ("module_0.py", "module_1234.py", "module_1999.py"):
        assert set(ear.heard((ear.folder / name).touch)) == {(number, False, name)}
    assert ear.heard((ear.folder / "module_2000.py").touch) == []


def test_names_that_are_not_utf8(ear):
    """A name is the bytes that it is, of any length that a file system takes."""
    names = [os.fsdecode(b"\xff\xfe.py"), "\N{SNAKE}.py", "x" * 255]
    number = ear.watch(ear.folder, NAMES, *names)
    for name in names:
        assert set(ear.heard((ear.folder / name).touch)) == {(number, False, name)}


def test_the_directory_is_renamed(ear):
    """A directory that is renamed is gone: its path does not lead there any more."""
    number = ear.watch(ear.folder, ITSELF)
    moved = ear.folder.with_name("moved")
    assert ear.heard(lambda: ear.folder.rename(moved)) == [(number, True, "")]
    assert watches() == 1  # of the fences
    assert ear.heard((moved / "a.py").touch) == []
    assert ear.watch(moved, ALL) != number


def test_the_directory_is_deleted(ear):
    """A directory that is deleted is gone; one in its place has another number."""
    number = ear.watch(ear.folder, NAMES, "a.py")
    heard = ear.heard(lambda: shutil.rmtree(ear.folder))
    assert heard == [(number, False, "a.py"), (number, True, "")]
    ear.folder.mkdir()
    assert ear.watch(ear.folder, NAMES) != number
    assert ear.heard(ear.file.touch) == []  # names are of the directory that was


def test_the_mode_of_the_directory(ear):
    """What may be read in a directory changes with its mode: that may be about any file."""
    number = ear.watch(ear.folder, NAMES)
    assert ear.heard(lambda: ear.folder.chmod(0o700)) == [(number, False, "")]


@pytest.fixture
def link(ear: Ear) -> Path:
    """A symbolic link to the folder."""
    made = ear.folder.with_name("current")
    made.symlink_to(ear.folder)
    return made


def replace_link(link: Path) -> None:
    """As a deploy does: another link, renamed over it."""
    new = link.with_name("new")
    new.symlink_to("fences")
    new.rename(link)


@pytest.mark.parametrize(
    "deed", [replace_link, Path.unlink, lambda link: link.rename(link.with_name("moved"))]
)
def test_a_link_itself(ear, link, deed):
    """A link that is replaced, deleted or renamed is gone, and says nothing of where it leads."""
    number = ear.watch(link, ITSELF)
    assert ear.heard(ear.file.touch, lambda: ear.folder.chmod(0o700)) == []
    heard = ear.heard(lambda: deed(link))
    assert heard[-1] == (number, True, "")
    assert set(heard[:-1]) <= {(number, False, "")}
    assert watches() == 1


def test_a_link_with_two_names(ear, link):
    """A link that is replaced under the one of its two names says that something is about it."""
    link.with_name("second").hardlink_to(link)
    number = ear.watch(link, ITSELF)
    assert set(ear.heard(lambda: replace_link(link))) == {(number, False, "")}


def test_a_link_to_a_directory(ear, link):
    """For what a directory holds the link is followed, to the directory's own number."""
    number = ear.watch(link, NAMES, "a.py")
    assert ear.watch(ear.folder, ITSELF) == number
    assert set(ear.heard((link / "a.py").touch)) == {(number, False, "a.py")}
    assert ear.watch(link, ITSELF) != number


def test_two_paths(ear):
    """Two paths to one directory give one number, and the interest grows and never shrinks."""
    number = ear.watch(ear.folder, ITSELF)
    assert ear.heard(ear.file.touch) == []
    assert ear.watch(ear.folder / ".." / ear.folder.name, NAMES, "a.py") == number
    assert set(ear.heard(ear.file.touch)) == {(number, False, "a.py")}
    assert ear.watch(ear.folder, ALL) == number
    assert ear.watch(ear.folder, ITSELF) == number
    assert (number, False, "other") in ear.heard((ear.folder / "other").touch)
    assert watches() == 2


def test_forget(ear):
    """What is forgotten is heard of no more, while another watcher still hears of it."""
    number = ear.watch(ear.folder, ALL)
    other = ear.another()
    assert other.directory(str(ear.folder), ALL, trust=False) == number
    ear.watcher.forget(number)
    assert ear.heard(ear.file.touch) == []
    assert other.wait(LONG)
    assert watches() == 2
    other.forget(number)
    assert watches() == 1
    other.forget(number)
    ear.watcher.forget(-1)


def test_the_end_forgets(ear):
    """A watcher that ends leaves no watch behind, but for those of others."""
    other = ear.another()
    for path in (ear.folder, ear.fences, ear.folder.parent):
        other.directory(str(path), ALL, trust=False)
    assert watches() == 3
    other.end()
    assert watches() == 1
    ear.watcher.end()
    assert instances() == []


def test_one_instance_and_one_thread(ear):
    """Four watchers share one inotify instance and one thread, and end with the last."""
    before = threads()
    assert list(before.values()).count("wsgireload") == 1
    for _ in range(3):
        ear.another()
    assert len(instances()) == 1
    assert threads() == before
    for watcher in ear.watchers:
        watcher.end()
    assert instances() == []
    assert len(threads()) == len(before) - 1


def test_no_signal(ear):
    """No signal is ever delivered to the thread: it blocks all that can be blocked."""
    ear.heard()  # it runs: until it does, the C library blocks them itself
    (ours,) = (task for task, name in threads().items() if name == "wsgireload")
    status = Path(f"/proc/self/task/{ours}/status").read_text()
    (blocked,) = (int(line.split()[1], 16) for line in status.split("\n") if "SigBlk:" in line)
    open_to = {number for number in range(1, 65) if not blocked >> (number - 1) & 1}
    assert open_to - {32, 33} == {9, 19}  # two are the C library's own, and two nobody can block


def test_wake(ear):
    """Wake ends the wait that is on, or the next one, and one only."""
    ear.watcher.wake()
    ear.watcher.wake()
    assert ear.watcher.wait(LONG) == []
    assert ear.watcher.wait(0) == []
    for _ in range(50):  # now before the wait, now during it
        thread = threading.Thread(target=ear.watcher.wake)
        thread.start()
        assert ear.watcher.wait(LONG) == []
        thread.join()


def test_the_time_is_over(ear):
    """Without a change the wait takes its time, and no more; a time that makes no sense is none."""
    assert ear.watcher.wait(0.02) == []
    assert ear.watcher.wait(-1) == []
    ear.watcher.wake()
    assert ear.watcher.wait(float("inf")) == []


def test_end_during_a_wait(ear):
    """The end of a watcher ends its wait in another thread, fifty times over, and no other's."""
    for _ in range(50):
        watcher = ear.another()
        watcher.directory(str(ear.folder), ALL, trust=False)
        told: list[Change] = []
        waiting = threading.Thread(target=lambda told=told, of=watcher: told.extend(of.wait(LONG)))
        waiting.start()
        watcher.end()
        waiting.join()
        assert told == []
        watcher.end()
        assert watcher.wait(LONG) == []
        del ear.watchers[1:]
    assert ear.heard() == []


def test_the_ring_is_overrun(ear):
    """Who reads too late hears first that anything may have changed, and then what is left."""
    other = ear.another()
    number = other.directory(str(ear.folder), ALL, trust=False)
    deeds = [(ear.folder / str(i)).mkdir for i in range(300)]
    assert ear.heard(*deeds) == []  # it was not told of those, and so missed none
    told = [change for _ in range(10) for change in other.wait(0)]
    assert told[0] == (-1, False, "")
    assert told[1:] == [(number, False, str(i)) for i in range(300 - (256 - 1), 300)]
    assert other.wait(0) == []


def test_who_reads_in_time(ear):
    """Who reads in time misses nothing, in order, however much there is in all."""
    number = ear.watch(ear.folder, ALL)
    for first in range(0, 600, 50):
        names = [str(i) for i in range(first, first + 50)]
        told = ear.heard(*[(ear.folder / name).mkdir for name in names])
        assert told == [(number, False, name) for name in names]


def test_a_new_watcher_hears_nothing_old(ear):
    """What was told before a watcher began is not told to it, also in the place of an old one."""
    number = ear.watch(ear.folder, ALL)
    for _ in range(3):
        ear.heard(ear.file.touch)
        other = ear.another()
        assert other.directory(str(ear.folder), ALL, trust=False) == number
        assert other.wait(0) == []
        ear.file.touch()
        assert set(other.wait(LONG)) == {(number, False, "a.py")}
        ear.heard(ear.file.touch)
        other.end()  # without having heard that


def test_sixty_four_watchers(ear):
    """A process has 64 watchers at most: the next one is refused, until one of them ends."""
    for _ in range(63):
        ear.another()
    with pytest.raises(NativeError, match="64 watchers are the most"):
        ear.another()
    ear.watchers[40].end()
    ear.another()
    assert ear.heard() == []


@pytest.mark.parametrize(
    ("path", "code", "call"),
    [
        ("none", errno.ENOENT, "open"),
        ("a.py", errno.ENOTDIR, "inotify_add_watch"),
        ("a.py/none", errno.ENOTDIR, "open"),
        ("x" * 256, errno.ENAMETOOLONG, "open"),
    ],
)
def test_what_cannot_be_watched(ear, path, code, call):
    """What is no directory fails with the call, the number and the system's words."""
    for interest in (ITSELF, NAMES, ALL):
        with pytest.raises(NativeError) as failed:
            ear.watch(ear.folder / path, interest)
        assert (failed.value.call, failed.value.code) == (call, code)
        assert failed.value.message == os.strerror(code)
        with pytest.raises(NativeError) as failed:
            ear.watcher.directory(str(ear.folder / path), interest, trust=True)
        assert (failed.value.call, failed.value.code) == ("inotify_add_watch", code)
    assert watches() == 1


@pytest.mark.parametrize("path", ["nul\0", "\ud800", ""])
def test_what_is_no_path(ear, path):
    """What no path can hold fails as what is not there does."""
    with pytest.raises(NativeError):
        ear.watcher.directory(path, ALL, trust=False)


@pytest.mark.parametrize("interest", [-1, 3])
def test_no_such_interest(ear, interest):
    """An interest that is none is refused."""
    with pytest.raises(NativeError, match="no such interest"):
        ear.watch(ear.folder, interest)


def test_a_watcher_that_is_none(ear):
    """No function minds a number that is no watcher's, or that of one that has ended."""
    out, changes = ffi.new("wsgireload_outcome *"), ffi.new("wsgireload_change[1]")
    ended = lib.wsgireload_watch_begin(out)
    lib.wsgireload_watch_end(ended)
    for number in (ended, 0, -1, 1, 64, 2**62, 2**63 - 1, -(2**63), random.getrandbits(62)):
        path = os.fsencode(ear.folder)
        assert lib.wsgireload_watch_directory(number, path, ALL, 0, out) == -1
        assert out.status == lib.WSGIRELOAD_FAILED
        lib.wsgireload_watch_name(number, ear.fence, b"name")
        lib.wsgireload_watch_forget(number, ear.fence)
        lib.wsgireload_watch_wake(number)
        lib.wsgireload_watch_end(number)
        assert lib.wsgireload_watch_wait(number, 30_000, changes, 1, out) == -1
        assert (out.status, ffi.string(out.message)) == (3, b"no such watcher")
    assert ear.heard() == []


def test_room(ear):
    """A wait writes no more changes than there is room for, and the next one goes on."""
    out, changes = ffi.new("wsgireload_outcome *"), ffi.new("wsgireload_change[3]")
    watcher = lib.wsgireload_watch_begin(out)
    lib.wsgireload_watch_directory(watcher, os.fsencode(ear.folder), ALL, 0, out)
    ear.heard(*[(ear.folder / name).mkdir for name in "abcd"])
    assert lib.wsgireload_watch_wait(watcher, 0, changes, 0, out) == 0
    assert lib.wsgireload_watch_wait(watcher, 0, changes, 3, out) == 3
    assert [ffi.string(change.name) for change in changes] == [b"a", b"b", b"c"]
    assert lib.wsgireload_watch_wait(watcher, 0, changes, 3, out) == 1
    assert (changes[0].gone, ffi.string(changes[0].name)) == (0, b"d")
    lib.wsgireload_watch_end(watcher)


def test_watched_and_forgotten_at_once(ear):
    """What one watcher begins to watch while another forgets it is watched, 500 times over."""
    other = ear.another()
    on = True

    def come_and_go() -> None:
        while on:
            other.forget(other.directory(str(ear.folder), ALL, trust=False))

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        for _ in range(500):
            number = ear.watch(ear.folder, NAMES, "a.py")
            assert (number, False, "a.py") in ear.heard(ear.file.touch)
            ear.watcher.forget(number)
    finally:
        on = False
        thread.join()
