"""Checksums: the stat is the hint, the digest is the truth."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from types import SimpleNamespace

import pytest

from wsgireload.detect import digests as checksums
from wsgireload.detect.digests import (
    MISSING,
    RACY_NS,
    SPECIAL,
    Checksums,
    Digest,
    digest_of,
    marks_plainly,
)
from wsgireload.server import files as reading


def digest(content: bytes) -> Digest:
    """What the digest of such a file is."""
    return blake2b(content).digest()[:16]


class Looking:
    """Checksums of one file, how often it was read, and what trouble there was."""

    def __init__(self, path: Path, patch: pytest.MonkeyPatch, age_ns: int = 10 * RACY_NS) -> None:
        self.path = path
        self.age_ns = age_ns
        self.trouble: list[str] = []
        self.opened: list[str] = []
        self.fake = SimpleNamespace(**vars(os))
        self.fake.open = self._open
        for room in (checksums, reading):
            patch.setattr(room, "os", self.fake)
        self.known = Checksums(
            lambda path, error: self.trouble.append(f"{path}: {error.strerror}"),
            wall_ns=lambda: self.changed_ns() + self.age_ns,
        )

    def moved(self) -> list[Digest]:
        """The new digest, if there is one."""
        found = self.known.moved([str(self.path)])
        assert set(found) <= {str(self.path)}
        return list(found.values())

    def changed_ns(self) -> int:
        """When the file was changed last, where there is one."""
        return self.path.stat().st_ctime_ns if self.path.exists() else 0

    def fails(self, call: str, number: int) -> None:
        """From now on a call of the system's fails."""

        def failing(*_given: object) -> object:
            raise OSError(number, os.strerror(number), str(self.path))

        setattr(self.fake, call, failing)

    def works(self) -> None:
        """Every call works again."""
        vars(self.fake).update(vars(os))
        self.fake.open = self._open

    def freeze(self) -> None:
        """From now on no file time moves: all happens within one grain of the clock."""
        times = self.path.stat()

        def frozen(real: Callable[..., os.stat_result]) -> Callable[[object], SimpleNamespace]:
            def stat(at: object) -> SimpleNamespace:
                found = real(at)
                told = {name: getattr(found, name) for name in dir(found) if name.startswith("st_")}
                told |= {"st_mtime_ns": times.st_mtime_ns, "st_ctime_ns": times.st_ctime_ns}
                return SimpleNamespace(**told)

            return stat

        self.fake.stat, self.fake.fstat = frozen(os.stat), frozen(os.fstat)

    def _open(self, path: str, flags: int) -> int:
        self.opened.append(path)
        return os.open(path, flags)


@pytest.fixture
def looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Looking:
    """A file with b"one" in it that was looked at, and has not changed for long."""
    path = tmp_path / "a.py"
    path.write_bytes(b"one")
    made = Looking(path, monkeypatch)
    assert made.moved() == [digest(b"one")]
    return made


def test_the_first_look_tells_all(looking: Looking) -> None:
    """A path that is new is told, with its digest, which can be asked for later."""
    assert looking.known.digest(str(looking.path)) == digest(b"one")
    assert looking.known.digest("/srv/other") is None


def test_nothing_changed(looking: Looking) -> None:
    """What did not move is neither told nor read again."""
    assert looking.moved() == looking.moved() == []
    assert len(looking.opened) == 1


@pytest.mark.parametrize("content", [b"", b"two", b"one " * 1_000_000])
def test_another_content(looking: Looking, content: bytes) -> None:
    """A file with another content is told, whatever its size."""
    looking.path.write_bytes(content)
    assert looking.moved() == [digest(content)]
    assert looking.moved() == []


def test_a_touch_is_no_change(looking: Looking) -> None:
    """A file that was touched is read, and then nothing is told."""
    os.utime(looking.path, (1, 1))
    assert looking.moved() == []
    assert len(looking.opened) == 2


def test_the_same_bytes_again(looking: Looking) -> None:
    """Writing the same bytes again is no change."""
    looking.path.write_bytes(b"one")
    assert looking.moved() == []


def test_a_rename_over_the_file(looking: Looking) -> None:
    """A file that another was renamed over has the other's content."""
    (looking.path.parent / "new").write_bytes(b"two")
    (looking.path.parent / "new").rename(looking.path)
    assert looking.moved() == [digest(b"two")]


def test_gone_and_back(looking: Looking) -> None:
    """A missing file is a value like any other; each time it comes or goes is told."""
    looking.path.unlink()
    assert looking.moved() == [MISSING]
    assert looking.moved() == []
    looking.path.write_bytes(b"one")
    assert looking.moved() == [digest(b"one")]
    looking.path.unlink()
    looking.path.write_bytes(b"one")
    assert looking.moved() == []
    assert looking.trouble == []


def test_a_file_that_was_never_there(looking: Looking) -> None:
    """A path without a file, even below another file, is missing and no trouble."""
    paths = [f"{looking.path}.no", f"{looking.path}/below"]
    assert looking.known.moved(paths) == dict.fromkeys(paths, MISSING)
    assert looking.known.moved(paths) == {}
    assert looking.trouble == []


def test_restored_from_a_backup(looking: Looking) -> None:
    """An older file that comes back with its own old times is a change."""
    looking.path.write_bytes(b"old")
    os.utime(looking.path, (1_000_000_000, 1_000_000_000))
    assert looking.moved() == [digest(b"old")]


def test_an_edit_that_restores_the_mtime(looking: Looking) -> None:
    """An edit of the same size is seen, even if it puts the mtime back."""
    before = looking.path.stat()
    looking.path.write_bytes(b"two")
    os.utime(looking.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert looking.moved() == [digest(b"two")]


def test_an_edit_within_the_clocks_grain(looking: Looking) -> None:
    """While file times may not have moved on yet, an edit of the same size is seen all the same."""
    looking.path.write_bytes(b"two")
    looking.freeze()
    looking.age_ns = RACY_NS // 2
    assert looking.moved() == [digest(b"two")]
    looking.path.write_bytes(b"six")
    assert looking.moved() == [digest(b"six")]
    looking.age_ns = 2 * RACY_NS
    assert looking.moved() == []
    read = len(looking.opened)
    assert looking.moved() == []
    assert len(looking.opened) == read  # once it is old enough, its stat is believed


def test_a_link_to_another_file(looking: Looking) -> None:
    """A symlink that is swapped leads to another file: that one's content counts."""
    releases = [looking.path.parent / name for name in ("1", "2", "3")]
    for release, content in zip(releases, (b"one", b"two", b"two"), strict=True):
        release.mkdir()
        (release / "app.py").write_bytes(content)
    current = looking.path.parent / "current"
    path = str(current / "app.py")
    told = []
    for release in releases:
        current.unlink(missing_ok=True)
        current.symlink_to(release)
        told.append(looking.known.moved([path]).get(path))
    assert told == [digest(b"one"), digest(b"two"), None]


def test_what_is_no_file_is_never_opened(looking: Looking) -> None:
    """A pipe, a device or a folder exists, and opening it might be felt: it is left alone."""
    os.mkfifo(looking.path.parent / "pipe")
    paths = [str(looking.path.parent / "pipe"), "/dev/zero", str(looking.path.parent)]
    looking.opened.clear()
    assert looking.known.moved(paths) == dict.fromkeys(paths, SPECIAL)
    assert looking.known.moved(paths) == {}
    assert looking.opened == []
    assert looking.trouble == []


def test_a_pipe_takes_the_files_place(looking: Looking) -> None:
    """A pipe that comes between stat and open does not make us wait for its writer."""
    really = looking.path.stat()
    looking.path.unlink()
    os.mkfifo(looking.path)
    looking.fake.stat = lambda _path: really
    assert digest_of(str(looking.path)) == digest(b"")


@pytest.mark.parametrize(
    "number", [errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE, errno.ENFILE]
)
@pytest.mark.parametrize("call", ["stat", "open"])
def test_what_cannot_be_read_is_no_change(looking: Looking, call: str, number: int) -> None:
    """A file that cannot be read counts as unchanged, is told, and is read as soon as it can be."""
    looking.path.write_bytes(b"two")
    looking.fails(call, number)
    assert looking.moved() == looking.moved() == []
    assert set(looking.trouble) == {f"{looking.path}: {os.strerror(number)}"}
    assert looking.known.digest(str(looking.path)) == digest(b"one")
    looking.works()
    assert looking.moved() == [digest(b"two")]


def test_unreadable_from_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be read at first has no digest until it can."""
    path = tmp_path / "a.py"
    path.write_bytes(b"one")
    looking = Looking(path, monkeypatch)
    looking.fails("open", errno.EACCES)
    assert looking.moved() == []
    assert looking.known.digest(str(path)) is None
    looking.works()
    assert looking.moved() == [digest(b"one")]


def test_when_a_file_changed(looking: Looking) -> None:
    """The ctime of the last look can be asked for, also while the file is young."""
    for looking.age_ns in (0, 10 * RACY_NS):
        looking.path.write_bytes(b"two")
        looking.moved()
        changed = looking.known.changed(str(looking.path))
        assert abs(changed - looking.path.stat().st_ctime) < 1e-5


@pytest.mark.parametrize("content", [b"", b"x", b"x" * 5000])
def test_files_that_do_not_know_their_size(looking: Looking, content: bytes) -> None:
    """A file that claims to be empty, as the system's own do, is read to its end."""
    looking.path.write_bytes(content)
    found = looking.path.stat()
    told = {name: getattr(found, name) for name in dir(found) if name.startswith("st_")}
    looking.fake.stat = lambda _path: SimpleNamespace(**told | {"st_size": 0})
    assert digest_of(str(looking.path)) == digest(content)


def test_impossible_paths_are_trouble(looking: Looking) -> None:
    """A path that no system call takes is told, and those after it are looked at."""
    looking.path.write_bytes(b"two")
    found = looking.known.moved(["a\0b", "/srv/\ud800", str(looking.path)])
    assert found == {str(looking.path): digest(b"two")}
    assert len(looking.trouble) == 2


def test_a_file_that_changes_while_it_is_read(looking: Looking) -> None:
    """A file written to meanwhile is read again at the next look."""

    def written_meanwhile(handle: int, size: int) -> bytes:
        content = os.read(handle, size)
        with looking.path.open("ab") as file:
            file.write(b"!")
        looking.fake.read = os.read
        return content

    looking.path.write_bytes(b"two")
    looking.fake.read = written_meanwhile
    looking.moved()
    looking.moved()
    assert looking.known.digest(str(looking.path)) == digest(b"two!")


def test_every_handle_is_closed(looking: Looking) -> None:
    """Reading leaves no file open, whether it worked or not."""
    closed: list[int] = []
    looking.fake.close = lambda handle: (closed.append(handle), os.close(handle))
    looking.path.write_bytes(b"two")
    looking.moved()
    looking.path.write_bytes(b"six")
    looking.fails("read", errno.EIO)
    looking.moved()
    assert len(closed) == len(looking.opened) - 1  # the first was before we counted


class Enough(BaseException):
    """What a checkpoint raises that ends a look."""


@pytest.mark.parametrize("count", [1, 5000])
def test_a_checkpoint_ends_the_look(count: int, tmp_path: Path) -> None:
    """A look at many paths can be ended in the middle, also one at few."""
    calls: list[int] = []

    def checkpoint() -> None:
        calls.append(0)
        if len(calls) > count // 1000:
            raise Enough

    known = Checksums(lambda *_told: None, checkpoint)
    with pytest.raises(Enough):
        known.moved([str(tmp_path / str(number)) for number in range(count)])


def test_a_checkpoint_ends_the_reading_of_a_large_file(tmp_path: Path) -> None:
    """A large file is read in pieces, and between them the look can be ended."""
    path = tmp_path / "large"
    path.write_bytes(bytes(5 * checksums.CHUNK))
    calls: list[int] = []

    def checkpoint() -> None:
        calls.append(0)
        if len(calls) == 3:
            raise Enough

    with pytest.raises(Enough):
        digest_of(str(path), checkpoint)
    assert len(calls) == 3


def test_digest_of_is_blake2b(tmp_path: Path) -> None:
    """The digest is BLAKE2b of 16 bytes over all the pieces of the file."""
    content = bytes(range(256)) * (3 * checksums.CHUNK // 256 + 1)
    (tmp_path / "a").write_bytes(content)
    assert digest_of(str(tmp_path / "a")) == digest(content)


@pytest.mark.parametrize("other", [None, b"other release"], ids=["away", "another"])
def test_a_path_that_leads_elsewhere_while_it_is_read(tmp_path: Path, other: bytes | None) -> None:
    """Back where it was it has the mark that it had before, and is read all the same."""
    folder, path = tmp_path / "current", tmp_path / "current/a.py"
    folder.mkdir()
    path.write_bytes(b"release")
    if other is not None:
        (tmp_path / "other").mkdir()
        (tmp_path / "other/a.py").write_bytes(other)
    moves = [True]

    def marks(paths: Sequence[str]) -> list[int]:
        found = marks_plainly(paths)
        if moves and moves.pop():  # a moment after it was looked at
            folder.rename(tmp_path / "away")
            if other is not None:
                (tmp_path / "other").rename(folder)
        return found

    late = path.stat().st_ctime_ns + 10 * RACY_NS
    known = Checksums(lambda *_: None, wall_ns=lambda: late, marks=marks)
    meanwhile = MISSING if other is None else digest(other)
    assert known.moved([str(path)]) == {str(path): meanwhile}
    if other is not None:
        folder.rename(tmp_path / "other")
    (tmp_path / "away").rename(folder)
    assert known.moved([str(path)]) == {str(path): digest(b"release")}
    assert known.moved([str(path)]) == {}


def test_a_path_that_is_away_only_while_it_is_read(tmp_path: Path) -> None:
    """Back at once, it is read at the next look, though its mark was the same all the time."""
    path, away, calls = tmp_path / "a.py", tmp_path / "away", []
    path.write_bytes(b"x = 1")

    def marks(paths: Sequence[str]) -> list[int]:
        calls.append(paths)
        if away.exists():
            away.rename(path)
        found = marks_plainly(paths)
        if len(calls) == 1:
            path.rename(away)
        return [7 if mark else mark for mark in found]

    late = path.stat().st_ctime_ns + 10 * RACY_NS
    known = Checksums(lambda *_: None, wall_ns=lambda: late, marks=marks)
    assert known.moved([str(path)]) == {str(path): MISSING}
    assert known.moved([str(path)]) == {str(path): digest(b"x = 1")}
