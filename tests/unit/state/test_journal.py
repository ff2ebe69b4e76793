"""The journal: the restarts that outlive a process, and who may read and write them."""

import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from support.journals import ENTRY, LATER, World, Writes, full_disk, line, record

from wsgireload.changes import Change, Changes
from wsgireload.decide.budget import Budget
from wsgireload.state.journal import (
    KEEP,
    KEEP_SECONDS,
    MOST_BYTES,
    Entry,
    distinct,
)
from wsgireload.state.own_writes import OwnWrites
from wsgireload.state.private_dir import Candidates


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A journal's surroundings."""
    return World(tmp_path / "state")


def test_a_later_process_reads_what_was_recorded(world: World) -> None:
    """Journals of the same application read each other's records, oldest first."""
    later = LATER._replace(reason="b.py deleted", paths=("b\n\udcff.py",))
    assert record(world.journal(), later)
    assert record(world.journal(), ENTRY)
    assert world.journal().entries() == [ENTRY, later]
    assert world.troubles == []


def test_it_is_parsed_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as the file stays the same it is not parsed again, and old restarts still go."""
    record(world.journal(), ENTRY)
    journal = world.journal()
    assert journal.entries() == [ENTRY]
    parsed: list[bytes] = []
    loads = json.loads
    monkeypatch.setattr("json.loads", lambda line: parsed.append(line) or loads(line))
    assert journal.entries() == [ENTRY]
    assert parsed == []
    record(world.journal(), LATER)
    assert journal.entries() == [ENTRY, LATER]
    world.now = LATER.at + KEEP_SECONDS - 0.1
    parsed.clear()
    assert journal.entries() == [LATER]
    assert parsed == []


def test_what_it_wrote_itself_is_not_parsed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that starts claims its restart, and reads all of them next."""
    record(world.journal(), ENTRY)
    journal = world.journal()
    claimed = journal.claim()
    monkeypatch.setattr("json.loads", lambda line: 1 / 0)
    assert journal.entries() == [claimed]
    assert (journal.generation(), world.troubles) == (1, [])


def test_other_applications_do_not_mix(world: World) -> None:
    """Each application has its own history."""
    record(world.journal("one"), ENTRY)
    assert world.journal("two").entries() == []


def test_it_belongs_to_this_user_alone(world: World) -> None:
    """Only this user may read and write the folder and the file."""
    record(world.journal(), ENTRY)
    assert stat.S_IMODE(world.folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(file.stat().st_mode) for file in world.files()] == [0o600]


def test_withdraw(world: World) -> None:
    """A restart that did not happen leaves no entry; withdrawing an unknown one does nothing."""
    journal = world.journal()
    record(journal, ENTRY)
    journal.withdraw(ENTRY)
    journal.withdraw(LATER)
    assert journal.entries() == []
    record(journal, LATER)
    assert journal.entries() == [LATER]
    assert world.troubles == []


def test_a_restart_is_claimed_once(world: World) -> None:
    """The new process claims its restart; a second process gets the next one, then none."""
    record(world.journal(), ENTRY)
    record(world.journal(), LATER)
    first, second = (entry._replace(claimed=True) for entry in (ENTRY, LATER))
    assert world.journal().claim() == first
    assert world.journal().claim() == second
    assert world.journal().claim() is None
    assert world.journal().entries() == [first, second]


def test_when_the_new_process_was_up(world: World) -> None:
    """A claimed restart gets the time at which the new code was up."""
    record(world.journal(), ENTRY)
    claimed = world.journal().claim()
    assert claimed is not None
    world.journal().complete(claimed._replace(up=100.75))
    assert world.journal().entries() == [ENTRY._replace(up=100.75, claimed=True)]
    assert world.journal().claim() is None


def test_no_process_claims_its_own_restart(world: World) -> None:
    """A process that goes on living is not its own successor."""
    record(world.journal(), ENTRY._replace(pid=os.getpid()))
    assert world.journal().claim() is None


def test_a_restart_without_an_effect_is_not_claimed(world: World) -> None:
    """At most one restart of a process is pending: one before it did not make the new process."""
    record(world.journal(), ENTRY)
    record(world.journal(), LATER)
    assert world.journal().claim(1) == LATER._replace(claimed=True)
    assert world.journal().claim(1) is None
    record(world.journal(), LATER._replace(at=102.0))
    record(world.journal(), LATER._replace(at=103.0))
    assert world.journal().claim(2) == LATER._replace(at=102.0, claimed=True)


@pytest.mark.parametrize(("began", "claims"), [(99.5, False), (100.5, True), (None, False)])
def test_pids_are_used_again(world: World, began: float | None, claims: bool) -> None:
    """A restart by a process that had the same pid is claimed, unlike one of this very process."""
    record(world.journal(), ENTRY._replace(pid=os.getpid()))
    assert (world.journal(began=began).claim() is not None) == claims


def test_the_first_process_of_a_server(world: World) -> None:
    """The first process of a server claims and counts none of an earlier one with the same pid."""
    ours = LATER._replace(pid=os.getpid())
    record(world.journal(), ENTRY)
    record(world.journal(), ours)
    assert world.journal(first=True).claim() is None
    assert world.journal().entries() == [ours]


def test_the_files_of_all_applications(world: World) -> None:
    """Each application that restarts is known, also where one journal cannot be read."""
    record(world.journal("one"), ENTRY)
    record(world.journal("two"), LATER._replace(paths=("b.py", "c.py")))
    (world.folder / "three.journal").mkdir()
    (world.folder / "four.journal").write_text("noise")
    assert world.journal("one").paths() == {"a.py", "b.py", "c.py"}


def test_a_restart_that_is_not_recorded(world: World) -> None:
    """Completing or withdrawing a restart that was not recorded changes nothing."""
    record(world.journal(), ENTRY)
    world.journal().complete(LATER._replace(up=102.0))
    world.journal().withdraw(LATER)
    assert world.journal().entries() == [ENTRY]
    assert world.troubles == []


def test_where_there_is_nothing_to_note_nothing_is_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that no restart has made writes nothing: it starts on a full disk as well."""
    record(world.journal(), ENTRY._replace(claimed=True))
    monkeypatch.setattr(os, "replace", full_disk)
    assert world.journal().claim() is None
    world.journal().withdraw(LATER)
    assert world.troubles == []
    assert not record(world.journal(), LATER)


@pytest.mark.parametrize("at", [100.0, 3 * KEEP_SECONDS], ids=["long ago", "another boot"])
def test_old_restarts_do_not_count(world: World, at: float) -> None:
    """Restarts of the day before yesterday, or from before the machine started, do not count."""
    record(world.journal(), ENTRY._replace(at=at))
    world.now = 2 * KEEP_SECONDS
    assert world.journal().entries() == []
    assert world.journal().claim() is None
    record(world.journal(), LATER._replace(at=2 * KEEP_SECONDS))
    assert len(world.lines()) == 1


def test_the_generation_goes_on_after_a_day_without_restarts(world: World) -> None:
    """A process that starts days after the last restart continues its generation, and so do all."""
    record(world.journal(), ENTRY._replace(generation=12, claimed=True))
    a_while_ago = time.time() - 3 * KEEP_SECONDS
    os.utime(world.file, (a_while_ago, a_while_ago))
    world.now = 3 * KEEP_SECONDS
    for _ in range(2):
        journal = world.journal()
        budget = Budget((10, 60.0), journal, cast(OwnWrites, Writes()), 1, lambda: world.now)
        budget.recall()
        assert (budget.generation, budget.made_by, budget.history) == (12, None, ())
        world.journal("other").sweep()
        journal.sweep()
    budget.spend(Changes({"b.py": Change(b"d")}))
    assert [entry.generation for entry in world.journal().entries() or ()] == [13]


def test_the_generation_of_an_earlier_server(world: World) -> None:
    """The first process of a server begins at 0, however old the restarts of an earlier one are."""
    record(world.journal(), ENTRY._replace(generation=12))
    world.now = 3 * KEEP_SECONDS
    journal = world.journal(first=True)
    assert (journal.claim(), journal.entries(), journal.generation()) == (None, [], 0)


def test_files_of_other_applications_are_swept(world: World) -> None:
    """A process removes files a day old, and journals 30 days old, except lasting files."""
    for name in ("other", "third", "fourth"):
        record(world.journal(name), ENTRY)
    for name in ("group.call", "group.wait", "group.roll", "group.preflight"):
        (world.folder / name).touch()
    for file in world.files():
        os.utime(file, (0, 0))
    os.utime(world.folder / "third.journal")
    os.utime(world.folder / "journal.lock", (0, 0))
    with (world.folder / "journal.lock").open() as lock:
        world.journal().sweep()
        assert os.fstat(lock.fileno()).st_nlink == 1  # another one would lock nobody out
    names = {file.name for file in world.folder.iterdir()}
    assert names == {"third.journal", "group.call", "group.wait", "group.roll", "journal.lock"}


def test_the_clock_is_set_back(world: World) -> None:
    """A file of the future is as old as one of the past."""
    record(world.journal("other"), ENTRY)
    for year, remaining in ((0.9, 1), (365, 0)):
        at = time.time() + year * KEEP_SECONDS
        os.utime(world.files()[0], (at, at))
        world.journal().sweep()
        assert len(world.files()) == remaining


def test_it_does_not_grow(world: World) -> None:
    """Only the newest 200 restarts are kept, in one file."""
    journal = world.journal()
    for number in range(KEEP + 50):
        record(journal, ENTRY._replace(at=100.0 + number / 1000))
    kept = journal.entries() or []
    assert len(kept) == KEEP
    assert kept[0].at == 100.050
    assert kept[-1].at == 100.249
    assert len(world.lines()) == KEEP
    assert [file.name for file in world.files()] == ["site.journal"]


def test_a_restart_is_made_from_those_before_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are read where it is written, in one opening: no other process records in between."""
    record(world.journal(), ENTRY)
    writes = cast(OwnWrites, Writes())
    budget = Budget((10, 60.0), world.journal(), writes, 1, lambda: world.now)
    opened: list[Candidates] = []
    really = Candidates.open
    monkeypatch.setattr(Candidates, "open", lambda its: opened.append(its) or really(its))
    budget.spend(Changes({"a.py": Change(b"2")}))
    assert len(opened) == 1
    assert [each.row for each in world.journal().entries() or ()] == [1, 2]


def test_long_entries_are_kept(world: World) -> None:
    """Restarts because of ten of the longest paths count, all that are kept, and bound it."""
    journal, paths = world.journal(), tuple("p" * 4096 for _ in range(10))
    long = [ENTRY._replace(at=100.0 + number / 1000, paths=paths) for number in range(KEEP)]
    world.folder.mkdir(mode=0o700)
    world.file.write_bytes(b"".join(map(line, long)))
    assert record(journal, LATER._replace(paths=paths))
    kept = journal.entries() or []
    assert len(kept) == KEEP
    assert kept[-1].at == LATER.at
    assert world.file.stat().st_size < MOST_BYTES


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
    """Where another user could have put something, the next folder is used; that is reported."""
    planted(world.folder)
    journal = world.journal("site", str(tmp_path / "second"))
    record(journal, ENTRY)
    assert journal.entries() == [ENTRY]
    assert (tmp_path / "second/site.journal").is_file()
    assert not list((tmp_path / "elsewhere").glob("*"))
    assert world.folder.is_symlink() or not list(world.folder.glob("*"))
    assert str(world.folder) in world.troubles[0]


def test_a_folder_of_another_user_is_not_used(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of another owner is no journal."""
    world.folder.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert world.journal().entries() is None


def test_no_folder_at_all(world: World, tmp_path: Path) -> None:
    """Without any folder there is no journal; that is reported, and nothing raises."""
    world.folder = tmp_path / "missing" / "state"
    journal = world.journal()
    assert not record(journal, ENTRY)
    assert journal.entries() is None
    assert journal.claim() is None
    journal.withdraw(ENTRY)
    journal.complete(ENTRY)
    assert world.troubles


def entries(*times: tuple[float, str]) -> list[Entry]:
    """Restarts at these times, each for this change."""
    return [ENTRY._replace(at=at, what=what) for at, what in times]


def test_processes_of_a_group_count_once() -> None:
    """Three processes that restart for one change are one restart; a fourth is another."""
    for_one = entries((1.0, "x"), (1.1, "x"), (1.2, "x"))
    assert distinct(for_one, 3) == for_one[:1]
    fourth = entries((2.0, "x"))
    assert distinct([*for_one, *fourth], 3) == [for_one[0], *fourth]
    assert distinct(for_one, 1) == for_one


def test_a_change_that_comes_again_counts_each_time() -> None:
    """The same change again, after another one, is another restart."""
    each = entries((1.0, "x"), (2.0, "y"), (3.0, "x"))
    assert distinct(each, 3) == each
