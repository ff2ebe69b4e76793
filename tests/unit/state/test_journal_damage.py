"""The journal where its file is damaged, in the place of something else, or on a full disk."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.journals import ENTRY, LATER, World, full_disk, line, record
from support.openfiles import open_files

from wsgireload.state.journal import MOST_BYTES


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A journal's surroundings."""
    return World(tmp_path / "state")


DAMAGED_LINES = {
    "empty": b"",
    "half": b'{"at": 100.0, "pid": 7, "rea',
    "half, before a whole one": line(ENTRY)[:20] + line(ENTRY)[:-1],
    "noise": bytes(range(256)),
    "another shape": b"[1, 2]",
    "a field missing": b'{"at": 100.0}',
    "another field missing": b'{"at": 100.0, "pid": 7, "reason": "r"}',
    "no number": b'{"at": "soon", "pid": 7}',
    "too large a number": b'{"at": 1' + b"0" * 400 + b', "pid": 7}',
    "far too large a number": b'{"at": 1' + b"0" * 5000 + b', "pid": 7}',
    "no whole number": line(ENTRY)[:-1].replace(b"%d" % ENTRY.pid, b"Infinity"),
    "no number at all": line(ENTRY)[:-1].replace(b"100.0", b"NaN"),
    "another type": line(ENTRY)[:-1].replace(b'["a.py"]', b'"a.py"'),
    "too deep": b"[" * 60_000,
    "very long": b"x" * MOST_BYTES,
}


@pytest.mark.parametrize("damage", DAMAGED_LINES.values(), ids=DAMAGED_LINES)
def test_a_damaged_line_is_removed(world: World, damage: bytes) -> None:
    """A damaged line is removed and reported once, in a short line; the others still count."""
    journal, last = world.journal(), LATER._replace(at=102.0)
    world.folder.mkdir(mode=0o700)
    world.file.write_bytes(line(ENTRY) + damage + b"\n" + line(LATER))
    before = open_files()
    expected = [ENTRY] if len(damage) >= MOST_BYTES else [ENTRY, LATER]
    assert journal.entries() == expected
    assert len(world.troubles) == 1
    assert "damaged" in world.troubles[0]
    assert len(world.troubles[0]) < 300
    assert world.lines() == [line(entry)[:-1] for entry in expected]
    assert journal.entries() == expected
    assert record(journal, last)
    assert world.journal().entries() == [*expected, last]
    assert len(world.troubles) == 1
    assert open_files() == before


@pytest.mark.parametrize("written", [1, 20, -2], ids=["one byte", "half", "all but the end"])
def test_a_file_that_was_cut_off(world: World, written: int) -> None:
    """As by a machine that lost power: the next record counts."""
    world.folder.mkdir(mode=0o700)
    world.file.write_bytes(line(ENTRY) + line(LATER)[:written])
    last = LATER._replace(at=102.0)
    assert record(world.journal(), last)
    assert world.journal().entries() == [ENTRY, last]


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_numbers_without_a_value_are_no_times(world: World, number: bytes) -> None:
    """Python reads them as numbers; neither as a time nor as anything else do they count."""
    world.folder.mkdir(mode=0o700)
    world.file.write_bytes(line(LATER).replace(b"101.0", number) + line(ENTRY))
    assert world.journal().entries() == [ENTRY]
    assert world.journal().claim() == ENTRY._replace(claimed=True)
    assert world.journal().claim() is None


def a_folder(path: Path) -> None:
    """A folder, with something in it."""
    path.mkdir()
    (path / "file").touch()


PLANTED: dict[str, Callable[[Path], object]] = {
    "a folder": a_folder,
    "a pipe": os.mkfifo,
    "a link": lambda path: path.symlink_to("/etc/passwd"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
}


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED)
def test_what_is_no_file_is_set_aside(world: World, planted: Callable[[Path], object]) -> None:
    """Whatever has the file's name is set aside and reported once; restarts go on and count."""
    world.folder.mkdir(0o700)
    planted(world.file)
    before = open_files()
    assert world.journal().entries() == []
    assert record(world.journal(), ENTRY)
    assert world.journal().entries() == [ENTRY]
    assert len(world.troubles) == 1
    assert "damaged" in world.troubles[0]
    assert open_files() == before
    assert {file.suffix for file in world.files()} == {".damaged", ".journal"}
    assert world.file.is_file()
    assert not world.file.is_symlink()


def test_what_cannot_be_opened_is_set_aside(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that this user may not open is set aside like one that is none."""
    record(world.journal(), ENTRY)
    real, refused = os.open, [world.file.name]

    def not_the_first(name: str, *rest: object, **more: object) -> int:
        if name in refused:
            refused.remove(name)
            raise PermissionError(13, "Permission denied")
        return real(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", not_the_first)
    assert record(world.journal(), LATER)
    assert world.journal().entries() == [LATER]
    assert len(world.troubles) == 1


@pytest.mark.parametrize("number", [24, 12, 5], ids=["EMFILE", "ENOMEM", "EIO"])
def test_a_good_file_is_not_set_aside(
    world: World, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Where opening fails for want of something, the file stays, and its records count later."""
    record(world.journal(), ENTRY)
    real = os.open

    def failing(name: str, *rest: object, **more: object) -> int:
        if name == world.file.name:
            raise OSError(number, os.strerror(number))
        return real(name, *rest, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", failing)
        assert world.journal().entries() is None
        assert not record(world.journal(), LATER)
    assert set(world.troubles) == {f"could not use the journal: {os.strerror(number)}"}
    assert world.journal().entries() == [ENTRY]


def test_things_are_set_aside_again_and_again(world: World) -> None:
    """What was set aside before does not keep the next from it."""
    world.folder.mkdir(0o700)
    for number, planted in enumerate([a_folder, a_folder, os.mkfifo, a_folder]):
        world.file.unlink(missing_ok=True)
        planted(world.file)
        assert record(world.journal(), ENTRY), number
        assert world.journal().entries() == [ENTRY]


def test_what_cannot_be_set_aside(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be set aside is reported each time, makes no journal, and is closed."""
    world.folder.mkdir(0o700)
    a_folder(world.file)
    monkeypatch.setattr(os, "replace", full_disk)
    before = open_files()
    for _ in range(10):
        assert world.journal().entries() is None
        assert not record(world.journal(), ENTRY)
        assert world.journal().claim() is None
    assert open_files() == before
    assert len(set(world.troubles)) <= 2
    assert world.file.is_dir()


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED)
def test_without_a_lock_there_is_no_journal(
    world: World, planted: Callable[[Path], object]
) -> None:
    """Something else in the place of the lock is neither followed nor waited for."""
    world.folder.mkdir(0o700)
    planted(world.folder / "journal.lock")
    before = open_files()
    assert world.journal().entries() is None
    assert not record(world.journal(), ENTRY)
    assert world.journal().claim() is None
    assert len(set(world.troubles)) == 1
    assert "could not use the journal" in world.troubles[0]
    assert open_files() == before


def test_a_full_disk(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart that cannot be recorded is reported."""
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full_disk)
        assert not record(world.journal(), ENTRY)
    assert world.troubles == ["could not write the journal: No space left on device"]
    assert world.journal().entries() == []
    assert world.files() == []


def test_damage_on_a_full_disk(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other lines count all the same."""
    journal = world.journal()
    record(journal, ENTRY)
    with world.file.open("ab") as file:
        file.write(b"damage\n")
    monkeypatch.setattr(os, "replace", full_disk)
    assert journal.entries() == [ENTRY]
    assert "could not write the journal: No space left on device" in world.troubles


def test_a_disk_that_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal that cannot be read is not an empty one, which would allow all restarts."""
    record(world.journal(), ENTRY)

    def broken(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "read", broken)
    assert world.journal().entries() is None
    assert world.journal().claim() is None
    assert set(world.troubles) == {"could not use the journal: Input/output error"}


def test_a_claim_that_cannot_be_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim that cannot be written is none: otherwise two processes might claim one restart."""
    record(world.journal(), ENTRY)
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full_disk)
        assert world.journal().claim() is None
    assert world.journal().claim() == ENTRY._replace(claimed=True)
