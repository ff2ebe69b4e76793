"""The journal: what survives a process, and what nobody else may plant."""

import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from wsgireload.state.journal import Entry, Journal

ENTRY = Entry(at=100.0, pid=os.getpid() + 1, reason="a.py changed", what="f1", paths=("a.py",))


class World:
    """A folder for the journal, a clock that stands, and the troubles that were said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 110.0
        self.troubles: list[str] = []

    def journal(self, application: str = "site", *more: str) -> Journal:
        folders = [str(self.folder), *more]
        return Journal(folders, application, self.troubles.append, lambda: self.now)

    def files(self) -> list[Path]:
        return sorted(self.folder.iterdir())


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A journal's surroundings."""
    return World(tmp_path / "state")


def test_a_later_process_reads_what_was_recorded(world: World) -> None:
    """What one journal records, another one of the same application reads, oldest first."""
    later = ENTRY.but(at=101.0, reason="b.py deleted", paths=("b\n\udcff.py",))
    world.journal().record(later)
    world.journal().record(ENTRY)
    assert world.journal().entries() == [ENTRY, later]
    assert world.troubles == []


def test_other_applications_do_not_mix(world: World) -> None:
    """Each application has its own history."""
    world.journal("one").record(ENTRY)
    assert world.journal("two").entries() == []


def test_it_is_ours_alone(world: World) -> None:
    """Folder and files may be read and written by this user only."""
    world.journal().record(ENTRY)
    assert stat.S_IMODE(world.folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(file.stat().st_mode) for file in world.files()] == [0o600]


def test_withdraw(world: World) -> None:
    """A restart that was not asked for after all leaves no entry."""
    journal = world.journal()
    journal.withdraw(journal.record(ENTRY))
    journal.withdraw(None)
    assert journal.entries() == []


def test_a_restart_is_claimed_once(world: World) -> None:
    """The new process takes its restart; a second process finds the next one, then none."""
    world.journal().record(ENTRY)
    world.journal().record(ENTRY.but(at=101.0))
    assert world.journal().claim() == ENTRY
    assert world.journal().claim() == ENTRY.but(at=101.0)
    assert world.journal().claim() is None
    assert len(world.journal().entries() or ()) == 2


def test_when_the_new_process_was_up(world: World) -> None:
    """An entry that was claimed is completed in its place."""
    world.journal().record(ENTRY)
    claimed = world.journal().claim()
    assert claimed is not None
    world.journal().answered(claimed.but(up=100.75))
    assert world.journal().entries() == [ENTRY.but(up=100.75)]
    assert world.journal().claim() is None


def test_the_last_entries(world: World) -> None:
    """Who wants to know the last few reads no more than these."""
    for at in (103.0, 101.0, 102.0):
        world.journal().record(ENTRY.but(at=at))
    world.files()[0].write_text("damaged, but nobody looks")
    world.now = 110.0
    assert [entry.at for entry in world.journal().entries(2) or ()] == [102.0, 103.0]
    assert world.troubles == []


def test_nobody_answers_itself(world: World) -> None:
    """A process that goes on living is not the successor of itself."""
    world.journal().record(ENTRY.but(pid=os.getpid()))
    assert world.journal().claim() is None


@pytest.mark.parametrize("at", [100.0 - 2 * 86400, 111.0], ids=["long ago", "from another boot"])
def test_what_is_over_is_forgotten(world: World, at: float) -> None:
    """Entries of the day before yesterday, or from before the machine started, do not count."""
    world.journal().record(ENTRY.but(at=max(at, 0.0)))
    world.now = 110.0 if at > 0 else 3 * 86400.0
    assert world.journal().entries() == []
    assert world.files() == []


def test_what_others_left_is_swept(world: World) -> None:
    """Files of applications that are gone for a day are removed when a process begins."""
    world.journal("other").record(ENTRY)
    world.journal("third").record(ENTRY)
    os.utime(world.files()[0], (0, 0))
    world.journal().claim()
    assert [file.name.split("-")[0] for file in world.files()] == ["third"]


def test_it_does_not_grow(world: World) -> None:
    """Only the newest two hundred restarts are kept."""
    for number in range(250):
        world.journal().record(ENTRY.but(at=100.0 + number / 1000))
    assert len(world.journal().entries() or ()) == 200
    assert len(world.files()) == 200


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "half": lambda path: path.write_bytes(path.read_bytes()[:20]),
    "noise": lambda path: path.write_bytes(bytes(range(256))),
    "another shape": lambda path: path.write_text("[1, 2]"),
    "without end": lambda path: path.write_text(json.dumps(ENTRY.asdict() | {"pid": 1e999})),
    "a field missing": lambda path: path.write_text('{"at": 100.0}'),
    "no number": lambda path: path.write_text(path.read_text().replace("100.0", '"soon"')),
    "a number without end": lambda path: path.write_text('{"at": 1' + "0" * 400 + "}"),
    "no whole number": lambda path: path.write_text(
        path.read_text().replace(f"{ENTRY.pid}", "Infinity")
    ),
    "too deep": lambda path: path.write_text("[" * 60_000),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "a link": lambda path: (path.unlink(), path.symlink_to("/etc/passwd")),
}


def open_files() -> int:
    """How many files this process has open."""
    return sum(1 for _ in Path("/dev/fd").iterdir())


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damage_is_set_aside(world: World, damage: Callable[[Path], object]) -> None:
    """A damaged entry is put aside and said once; the others still count."""
    world.journal().record(ENTRY)
    damage(world.files()[0])
    world.journal().record(ENTRY.but(at=101.0))
    assert world.journal().entries() == [ENTRY.but(at=101.0)]
    assert len(world.troubles) == 1
    assert "damaged" in world.troubles[0]
    before = open_files()
    assert world.journal().entries() == [ENTRY.but(at=101.0)]
    assert len(world.troubles) == 1
    assert open_files() == before


def test_what_cannot_be_set_aside(world: World) -> None:
    """It is passed over each time, in the same words, and no file stays open for it."""
    world.journal().record(ENTRY)
    DAMAGE["a folder"](world.files()[0])
    (world.folder / "damaged").touch()
    before = open_files()
    with Path("/dev/null").open():  # the next descriptor is another one
        assert world.journal().entries() == []
    assert world.journal().entries() == []
    assert open_files() == before
    assert len(set(world.troubles)) == 1


def test_damage_that_stays(world: World) -> None:
    """What cannot be set aside costs no file descriptor, however often it is read."""
    world.journal().record(ENTRY)
    (file,) = world.files()
    for folder in (file, world.folder / "damaged"):
        folder.unlink(missing_ok=True)
        folder.mkdir()
    (world.folder / "damaged/full").touch()
    before = os.listdir("/proc/self/fd")  # noqa: PTH208
    for _ in range(10):
        assert world.journal().entries() == []
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208
    assert file.exists()


def open_to_all(folder: Path) -> None:
    """A folder that anybody may write to."""
    folder.mkdir()
    folder.chmod(0o777)


def a_link(folder: Path) -> None:
    """A link to a folder."""
    (folder.parent / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to("elsewhere")


def a_file(folder: Path) -> None:
    """No folder at all."""
    folder.write_text("mine")


@pytest.mark.parametrize("planted", [open_to_all, a_link, a_file])
def test_a_planted_folder_is_not_used(
    world: World, tmp_path: Path, planted: Callable[[Path], None]
) -> None:
    """Where somebody else could have put something, the next folder is taken, and it is said."""
    planted(world.folder)
    journal = world.journal("site", str(tmp_path / "second"))
    journal.record(ENTRY)
    assert journal.entries() == [ENTRY]
    assert len(list((tmp_path / "second").iterdir())) == 1
    assert str(world.folder) in world.troubles[0]


def test_somebody_elses_folder_is_not_used(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of another owner is no journal."""
    world.folder.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert world.journal().entries() is None


def test_no_folder_at_all(world: World, tmp_path: Path) -> None:
    """Without any folder there is no journal; that is said, and nothing raises."""
    world.folder = tmp_path / "missing" / "state"
    journal = world.journal()
    assert journal.record(ENTRY) is None
    assert journal.entries() is None
    assert journal.claim() is None
    assert world.troubles


def test_a_full_disk(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry that cannot be written is said and leaves no half file that counts."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", full)
    assert world.journal().record(ENTRY) is None
    assert "No space left" in world.troubles[0]
    assert world.journal().entries() == []
    assert world.files() == []


def test_what_a_killed_process_left_is_in_nobodys_way(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text that was half written when its process was killed can be written again."""
    monkeypatch.setattr(os, "rename", lambda *_, **__: None)  # so far it came
    world.journal().tell("said", "half")
    assert [file.suffix for file in world.files()] == [".new"]
    monkeypatch.undo()
    world.journal().tell("said", "all")
    assert world.journal().told("said", 10.0) == "all"


def test_the_clock_is_set_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was said before, at a time that is still to come, is not taken as said just now."""
    journal = world.journal()
    assert journal.first("flight")
    journal.tell("flown", "passed")
    assert not journal.first("flight")
    an_hour_ago = time.time() - 3600
    monkeypatch.setattr(time, "time", lambda: an_hour_ago)
    assert journal.told("flown", 60.0) is None
    assert journal.first("flight")
