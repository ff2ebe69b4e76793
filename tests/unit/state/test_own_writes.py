"""Which files the application itself wrote, and for how long that counts."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from wsgireload.state import own_writes
from wsgireload.state.own_writes import LASTS, OwnWrites
from wsgireload.state.private_dir import Candidates

Hook = Callable[[str, tuple[object, ...]], None]


class World:
    """A folder with files that may be part of a loop, and a process that observes them.

    The hook is a real one, because what CPython passes to it is what matters; it is switched off
    again, as it cannot be removed.
    """

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.file = folder / "gen.py"
        self.other = folder / "other.py"
        self.is_up = True
        self.file.write_text("0")
        self.other.write_text("0")
        self.writes = self.process()
        self.writes.observe([str(self.file), str(self.other)])

    def process(self, add_hook: Callable[[Hook], None] = sys.addaudithook) -> OwnWrites:
        """Another process of this user."""
        folders = Candidates([str(self.state)], lambda _: None)
        return OwnWrites(folders, lambda: self.is_up, add_hook)

    def sibling(self) -> OwnWrites:
        """Another process of the group, which writes nothing itself."""
        sibling = self.process(lambda _: None)
        sibling.observe([str(self.file), str(self.other)])
        return sibling

    def age(self, path: Path, seconds: float) -> None:
        """Set the mark's time, as if the file had been written so many seconds after it."""
        for mark in self.marks():
            at = path.stat().st_ctime - seconds
            os.utime(mark, (at, at))

    def marks(self) -> list[Path]:
        return list(self.state.glob("*.written"))

    def wrote(self) -> bool | None:
        return self.writes.wrote([str(self.file)])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A folder, and a process that observes what it writes there."""
    world = World(tmp_path)
    yield world
    world.writes.ignore()


@contextmanager
def unobserved(world: World) -> Iterator[None]:
    """A write by another program."""
    names, world.writes._names = world.writes._names, frozenset()
    above, world.writes._above = world.writes._above, frozenset()
    yield
    world.writes._names, world.writes._above = names, above


def in_place(file: Path) -> None:
    """As open(..., "w") does."""
    file.write_text("1")


def appended(file: Path) -> None:
    """At the end of what is there."""
    with file.open("a") as open_file:
        open_file.write("1")


def by_descriptor(file: Path) -> None:
    """Without a file object."""
    descriptor = os.open(os.fsencode(file), os.O_RDWR)
    os.write(descriptor, b"1")
    os.close(descriptor)


def replaced(file: Path) -> None:
    """As a whole, by another file of another name."""
    new = file.with_suffix(".new")
    new.write_text("1")
    new.replace(file)


def relative(file: Path) -> None:
    """By a path that starts in the current folder."""
    before = Path.cwd()
    os.chdir(file.parent)
    Path(file.name).write_text("1")
    os.chdir(before)


def through_a_link(file: Path) -> None:
    """By another name of its folder."""
    link = file.parent / "link"
    link.symlink_to(file.parent)
    (link / file.name).write_text("1")


WAYS = [in_place, appended, by_descriptor, replaced, relative, through_a_link]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_what_python_writes(world: World, way: Callable[[Path], None]) -> None:
    """However the application writes a file, all processes of this user know it."""
    assert world.wrote() is False
    way(world.file)
    assert world.wrote() is True
    assert world.sibling().wrote([str(world.file)]) is True
    assert world.writes.wrote([str(world.file), str(world.other)]) is False


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_what_another_writes(world: World, way: Callable[[Path], None]) -> None:
    """What another program writes is not the application's own write."""
    with unobserved(world):
        way(world.file)
    assert world.wrote() is False


def test_what_a_c_library_writes(world: World) -> None:
    """A file that this process has open for writing is its own, as a database; by whomever."""
    for flags, is_own in ((os.O_RDONLY, False), (os.O_WRONLY, True), (os.O_RDWR, True)):
        with unobserved(world):
            descriptor = os.open(world.file, flags)
        assert world.wrote() is is_own
        os.close(descriptor)
    assert world.wrote() is False


def test_reading_is_no_writing(world: World) -> None:
    """Nor is writing a file of the same name elsewhere."""
    world.file.read_text()
    elsewhere = world.file.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / world.file.name).write_text("1")
    assert world.marks() == []


def folder_renamed(folder: Path) -> None:
    """A folder that was made beside it takes its place."""
    new = folder.with_suffix(".new")
    new.mkdir()
    (new / "page.js").write_text("1")
    folder.rename(folder.with_suffix(".old"))
    new.rename(folder)


def folder_linked(folder: Path) -> None:
    """A link takes its place, which leads to another folder."""
    new = folder.with_suffix(".new")
    new.mkdir()
    (new / "page.js").write_text("1")
    folder.rename(folder.with_suffix(".old"))
    folder.symlink_to(new)


def another_name(folder: Path) -> None:
    """A build has another name each time."""
    (folder / "page.js").unlink()
    (folder / "page.2.js").write_text("1")


def hard_link(folder: Path) -> None:
    """A file that was written elsewhere gets another name."""
    new = folder.with_suffix(".new")
    new.write_text("1")
    (folder / "page.js").unlink()
    os.link(new, folder / "page.js")


@pytest.mark.parametrize("way", [folder_renamed, folder_linked, another_name, hard_link])
@pytest.mark.parametrize("is_ours", [True, False])
def test_a_build(world: World, way: Callable[[Path], None], is_ours: bool) -> None:
    """What the application puts in place as a whole, or under new names, is its own too."""
    folder = world.file.parent / "static"
    folder.mkdir()
    for name in ("page.js", "page.2.js"):
        (folder / name).write_text("0")
    paths = [str(folder / "page.js")]
    (folder / "page.2.js").unlink()
    world.writes.observe(paths)
    if is_ours:
        way(folder)
    else:
        with unobserved(world):
            way(folder)
    there = [str(path) for path in folder.iterdir()]
    assert world.writes.wrote([*paths, *there]) is is_ours


def test_a_link_that_another_has_switched(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not the application's, though it is younger than what it leads to."""
    folder = world.file.parent / "static"
    folder.mkdir()
    page = folder / "page.js"
    page.write_text("0")
    world.writes.observe([str(page)])
    folder_linked(folder)
    assert world.writes.wrote([str(page)])
    monkeypatch.setattr(
        own_writes, "_time", lambda found: found.st_ctime + 10 * stat.S_ISLNK(found.st_mode)
    )
    assert not world.writes.wrote([str(page)])


def test_names_without_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What visitors upload beside such a file leaves no mark for each name."""
    monkeypatch.setattr(own_writes, "MOST_NEW", 3)
    for number in range(9):
        (world.file.parent / str(number)).write_text("1")
    assert len(world.marks()) == 3


def test_our_own_files(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mark leaves no mark itself, though its name may stand for one in the current folder."""
    monkeypatch.chdir(world.file.parent)
    in_place(world.file)
    assert len(world.marks()) == 1


def test_a_person_mends_it(world: World) -> None:
    """A file that was changed well after the application wrote it was changed by another."""
    in_place(world.file)
    for seconds, by_us in ((-1.0, False), (0.0, True), (LASTS - 1, True), (LASTS + 1, False)):
        world.age(world.file, seconds)
        assert world.wrote() is by_us


def test_a_file_that_is_gone(world: World) -> None:
    """A file that is gone was not written by the application."""
    in_place(world.file)
    world.file.unlink()
    assert world.wrote() is False


def test_nothing_is_known_without_observation(world: World) -> None:
    """Without observation nothing is known of any file, nor if no file changed."""
    assert world.process().wrote([str(world.file)]) is None
    assert world.writes.wrote([]) is None
    world.writes.ignore()
    in_place(world.file)
    assert (world.wrote(), world.marks()) == (None, [])


def test_a_hook_that_is_forbidden(world: World) -> None:
    """If another hook forbids ours, nothing is known, and nothing raises."""

    def forbid(_: Hook) -> None:
        raise RuntimeError("not here")

    other = world.process(forbid)
    other.observe([str(world.file)])
    assert other.wrote([str(world.file)]) is None
    assert other.loaded()


def run_program(path: Path | None = None) -> None:
    """A program that may write a file."""
    code = f"open({str(path)!r}, 'w').write('1')" if path else ""
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)


def test_a_program_that_writes_while_the_application_is_loaded(world: World) -> None:
    """What a program changes while the application is loaded counts as the application's write."""
    world.is_up = False
    world.writes.loaded()
    run_program(world.file)
    assert world.wrote() is True
    assert not world.writes.loaded()
    world.is_up = True
    assert world.writes.loaded()
    assert world.wrote() is True


def test_a_program_that_writes_nothing(world: World) -> None:
    """A save after the application was loaded is a person's, though that ran a program."""
    world.is_up = False
    run_program()
    assert len(world.marks()) == 2
    world.age(world.file, -1.0)
    world.is_up = True
    world.writes.loaded()
    assert world.marks() == []
    with unobserved(world):
        in_place(world.file)
    assert world.wrote() is False


def test_a_program_is_over_when_its_thread_goes_on(world: World) -> None:
    """What changes once the program's thread goes on was changed by another."""
    world.is_up = False
    run_program(world.file)
    world.writes._audit("exec", ())
    assert world.wrote() is True
    run_program()
    world.age(world.file, -1.0)
    world.writes._audit("exec", ())
    assert world.marks() == []


def test_programs_of_two_processes(world: World) -> None:
    """A program that has just begun does not hide what that of another process wrote."""
    world.is_up = False
    run_program(world.file)
    world.age(world.file, 0.5)
    run_program()
    assert world.wrote() is True


def test_programs_of_two_lives(world: World) -> None:
    """A mark of the life before does not become too old for what is written now."""
    world.is_up = False
    run_program(world.file)
    world.age(world.file, 3.0)
    before = max(mark.stat().st_mtime for mark in world.marks())
    run_program(world.file)
    assert min(mark.stat().st_mtime for mark in world.marks()) > before + 1
    assert world.wrote() is True


def test_a_program_that_is_run_by_a_request(world: World) -> None:
    """A program that a request runs is not taken to write anything."""
    assert world.writes.loaded()
    run_program()
    assert world.marks() == []


def test_a_program_of_ours(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that runs once the application is up takes nothing back, noticed or not.

    Our own compiler runs before the first scan has ended, which may come late on a busy machine.
    """
    monkeypatch.setattr(own_writes, "GRAIN", -0.01)  # the clock has not ticked since
    in_place(world.file)
    world.age(world.file, LASTS - 1)  # it was written just now, and began to be long ago
    run_program()
    assert world.writes.loaded()
    assert world.wrote() is True


def test_the_hook_never_raises(world: World) -> None:
    """The hook never raises, whatever its arguments, and if no mark can be written."""
    for event, args in (
        ("open", ()),
        ("open", (7, "w", os.O_WRONLY)),
        ("open", (None, None, None)),
        ("os.rename", ("a",)),
        ("os.rename", (b"\0", b"\xff", -1, -1)),
    ):
        world.writes._audit(event, args)
    with unobserved(world):
        world.state.touch()
    world.writes._audit("open", (str(world.file), "w", os.O_WRONLY))
    assert world.wrote() is False
