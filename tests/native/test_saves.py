"""How the core reports that a file is saved, and of which names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from support.watching import LONG, Watching

from wsgireload.server.watcher import ALL, CHANGED, ITSELF, NAMES, SAVED, WRITTEN


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
