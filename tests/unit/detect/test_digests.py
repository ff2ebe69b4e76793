"""Digests: marks are the hint, digests are the truth."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.standins import Lines

from wsgireload.detect import digest as of_one
from wsgireload.detect import digests
from wsgireload.detect.digest import CHUNK, MISSING, RACY_NS, SIZE, SPECIAL, Digest, digest_of
from wsgireload.detect.digests import Digests
from wsgireload.server import files, native

MARKS = native.marks


def digest(content: bytes) -> Digest:
    """The digest of a file with this content."""
    return blake2b(content).digest()[:SIZE]


def scan(known: Digests, *paths: Path | str) -> dict[str, Digest | None]:
    """Scan: the paths with a new or another digest, and that."""
    return {path: known.get(path) for path in known.scan(list(map(str, paths)))}


class Scanned:
    """The digests of one file, how often it was read, and what was logged."""

    def __init__(self, path: Path, patch: pytest.MonkeyPatch, age_ns: int = 10 * RACY_NS) -> None:
        self.path = path
        self.age_ns = age_ns
        self.log = Lines()
        self.opened: list[str] = []
        self.fake = SimpleNamespace(**vars(os))
        self.fake.open = self._open
        for room in (digests, of_one, files):
            patch.setattr(room, "os", self.fake)
        self.known = Digests(
            self.log, lambda: None, wall_ns=lambda: self.changed_ns() + self.age_ns
        )

    def scan(self) -> list[Digest | None]:
        """The new digest, if there is one."""
        found = scan(self.known, self.path)
        assert set(found) <= {str(self.path)}
        return list(found.values())

    def changed_ns(self) -> int:
        """When the file was changed last; 0 if there is none."""
        return self.path.stat().st_ctime_ns if self.path.exists() else 0

    def fails(self, call: str, number: int) -> None:
        """From now on a system call fails."""

        def failing(*_given: object) -> object:
            raise OSError(number, os.strerror(number), str(self.path))

        setattr(self.fake, call, failing)

    def works(self) -> None:
        """Every call works again."""
        vars(self.fake).update(vars(os))
        self.fake.open = self._open

    def freeze(self, patch: pytest.MonkeyPatch) -> None:
        """From now on no file time changes: everything happens within one grain of the clock."""
        times = self.path.stat()

        def stat(path: str) -> SimpleNamespace:
            found = Path(path).stat()
            values = {name: getattr(found, name) for name in dir(found) if name.startswith("st_")}
            values |= {"st_mtime_ns": times.st_mtime_ns, "st_ctime_ns": times.st_ctime_ns}
            return SimpleNamespace(**values)

        def marks(paths: Iterable[str]) -> list[int]:
            return [hash((stat(path).st_size, stat(path).st_ino)) for path in paths]

        self.fake.stat = stat
        patch.setattr(native, "marks", marks)

    def _open(self, path: str, flags: int) -> int:
        self.opened.append(path)
        return os.open(path, flags)


@pytest.fixture
def scanned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scanned:
    """A file with b"one" in it that was scanned, and has not changed for long."""
    path = tmp_path / "a.py"
    path.write_bytes(b"one")
    made = Scanned(path, monkeypatch)
    assert made.scan() == [digest(b"one")]
    return made


def test_the_first_scan_returns_all(scanned: Scanned) -> None:
    """A new path is returned, and its digest is known from then on."""
    assert scanned.known.get(str(scanned.path)) == digest(b"one")
    assert scanned.known.get("/srv/other") is None


def test_nothing_changed(scanned: Scanned) -> None:
    """What has not changed is neither returned nor read again."""
    assert scanned.scan() == scanned.scan() == []
    assert len(scanned.opened) == 1


@pytest.mark.parametrize("content", [b"", b"two", b"one " * 1_000_000])
def test_another_content(scanned: Scanned, content: bytes) -> None:
    """A file with another content is returned, whatever its size."""
    scanned.path.write_bytes(content)
    assert scanned.scan() == [digest(content)]
    assert scanned.scan() == []


def test_a_touch_is_no_change(scanned: Scanned) -> None:
    """A file that was touched is read, and not returned."""
    os.utime(scanned.path, (1, 1))
    assert scanned.scan() == []
    assert len(scanned.opened) == 2


def test_the_same_bytes_again(scanned: Scanned) -> None:
    """Writing the same bytes again is no change."""
    scanned.path.write_bytes(b"one")
    assert scanned.scan() == []


def test_a_rename_over_the_file(scanned: Scanned) -> None:
    """A file that another was renamed over has the other's content."""
    (scanned.path.parent / "new").write_bytes(b"two")
    (scanned.path.parent / "new").rename(scanned.path)
    assert scanned.scan() == [digest(b"two")]


def test_gone_and_back(scanned: Scanned) -> None:
    """MISSING is a digest like any other: a file that comes or goes is returned."""
    scanned.path.unlink()
    assert scanned.scan() == [MISSING]
    assert scanned.scan() == []
    scanned.path.write_bytes(b"one")
    assert scanned.scan() == [digest(b"one")]
    scanned.path.unlink()
    scanned.path.write_bytes(b"one")
    assert scanned.scan() == []
    assert scanned.log.lines == []


def test_a_file_that_was_never_there(scanned: Scanned) -> None:
    """A path without a file, even below another file, is MISSING, and nothing is logged."""
    paths = [f"{scanned.path}.no", f"{scanned.path}/below"]
    assert scan(scanned.known, *paths) == dict.fromkeys(paths, MISSING)
    assert scan(scanned.known, *paths) == {}
    assert scanned.log.lines == []


def test_restored_from_a_backup(scanned: Scanned) -> None:
    """An older file that is restored with its own times is a change."""
    scanned.path.write_bytes(b"old")
    os.utime(scanned.path, (1_000_000_000, 1_000_000_000))
    assert scanned.scan() == [digest(b"old")]


def test_an_edit_that_restores_the_mtime(scanned: Scanned) -> None:
    """An edit of the same size is seen, even if it puts the mtime back."""
    before = scanned.path.stat()
    scanned.path.write_bytes(b"two")
    os.utime(scanned.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert scanned.scan() == [digest(b"two")]


def test_an_edit_within_the_clocks_grain(scanned: Scanned, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit of the same size is seen even if the file's times have not changed."""
    scanned.path.write_bytes(b"two")
    scanned.freeze(monkeypatch)
    scanned.age_ns = RACY_NS // 2
    assert scanned.scan() == [digest(b"two")]
    scanned.path.write_bytes(b"six")
    assert scanned.scan() == [digest(b"six")]
    scanned.age_ns = 2 * RACY_NS
    assert scanned.scan() == []
    read = len(scanned.opened)
    assert scanned.scan() == []
    assert len(scanned.opened) == read  # once it is old enough, its stat is believed


def test_a_link_to_another_file(scanned: Scanned) -> None:
    """A symlink that is swapped points to another file: the content of that one counts."""
    releases = [scanned.path.parent / name for name in ("1", "2", "3")]
    for release, content in zip(releases, (b"one", b"two", b"two"), strict=True):
        release.mkdir()
        (release / "app.py").write_bytes(content)
    current = scanned.path.parent / "current"
    path = str(current / "app.py")
    found = []
    for release in releases:
        current.unlink(missing_ok=True)
        current.symlink_to(release)
        found.append(scan(scanned.known, path).get(path))
    assert found == [digest(b"one"), digest(b"two"), None]


def test_what_is_no_file_is_never_opened(scanned: Scanned) -> None:
    """A pipe, a device or a folder exists, but is never opened: that may have an effect."""
    os.mkfifo(scanned.path.parent / "pipe")
    paths = [str(scanned.path.parent / "pipe"), "/dev/zero", str(scanned.path.parent)]
    scanned.opened.clear()
    assert scan(scanned.known, *paths) == dict.fromkeys(paths, SPECIAL)
    assert scan(scanned.known, *paths) == {}
    assert scanned.opened == []
    assert scanned.log.lines == []


def test_a_pipe_takes_the_files_place(scanned: Scanned) -> None:
    """A pipe that takes the place of a file after its stat is opened without blocking."""
    really = scanned.path.stat()
    scanned.path.unlink()
    os.mkfifo(scanned.path)
    scanned.fake.stat = lambda _path: really
    assert digest_of(str(scanned.path)) == digest(b"")


@pytest.mark.parametrize(
    "number", [errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE, errno.ENFILE]
)
@pytest.mark.parametrize("call", ["stat", "open"])
def test_what_cannot_be_read_is_no_change(scanned: Scanned, call: str, number: int) -> None:
    """A file that cannot be read counts as unchanged, is logged, and read as soon as it can be."""
    scanned.path.write_bytes(b"two")
    scanned.fails(call, number)
    assert scanned.scan() == scanned.scan() == []
    file = f"cannot read {scanned.path}: {os.strerror(number)}; assuming that it has not changed"
    every = f"cannot open any file: {os.strerror(number)}; retrying"
    used_up = number in (errno.EMFILE, errno.ENFILE)
    assert scanned.log.lines == [f"watching: {every if used_up else file}"]
    assert scanned.known.unread == {str(scanned.path)}
    assert scanned.known.get(str(scanned.path)) == digest(b"one")
    scanned.works()
    assert scanned.scan() == [digest(b"two")]
    assert scanned.known.unread == set()


def test_unreadable_from_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be read at first has no digest until it can."""
    path = tmp_path / "a.py"
    path.write_bytes(b"one")
    scanned = Scanned(path, monkeypatch)
    scanned.fails("open", errno.EACCES)
    assert scanned.scan() == []
    assert scanned.known.get(str(path)) is None
    scanned.works()
    assert scanned.scan() == [digest(b"one")]


@pytest.mark.parametrize("content", [b"", b"x", b"x" * 5000])
def test_files_that_do_not_know_their_size(scanned: Scanned, content: bytes) -> None:
    """A file whose stat says that it is empty, as those of /proc do, is read to its end."""
    scanned.path.write_bytes(content)
    found = scanned.path.stat()
    values = {name: getattr(found, name) for name in dir(found) if name.startswith("st_")}
    scanned.fake.stat = lambda _path: SimpleNamespace(**values | {"st_size": 0})
    assert digest_of(str(scanned.path)) == digest(content)


def test_impossible_paths(scanned: Scanned) -> None:
    """A path that no system call takes is logged, and those after it are scanned."""
    scanned.path.write_bytes(b"two")
    found = scan(scanned.known, "a\0b", "/srv/\ud800", scanned.path)
    assert found == {str(scanned.path): digest(b"two")}
    assert len(scanned.log.lines) == 2


def test_a_file_that_changes_while_it_is_read(scanned: Scanned) -> None:
    """A file that is written to meanwhile is read again by the next scan."""

    def written_meanwhile(handle: int, size: int) -> bytes:
        content = os.read(handle, size)
        with scanned.path.open("ab") as file:
            file.write(b"!")
        scanned.fake.read = os.read
        return content

    scanned.path.write_bytes(b"two")
    scanned.fake.read = written_meanwhile
    scanned.scan()
    scanned.scan()
    assert scanned.known.get(str(scanned.path)) == digest(b"two!")


def test_every_handle_is_closed(scanned: Scanned) -> None:
    """Reading leaves no file open, whether it works or not."""
    closed: list[int] = []
    scanned.fake.close = lambda handle: (closed.append(handle), os.close(handle))
    scanned.path.write_bytes(b"two")
    scanned.scan()
    scanned.path.write_bytes(b"six")
    scanned.fails("read", errno.EIO)
    scanned.scan()
    assert len(closed) == len(scanned.opened) - 1  # the first was before we counted


class StopScan(BaseException):
    """Raised by a checkpoint to end a scan."""


@pytest.mark.parametrize("count", [1, 5000])
def test_a_checkpoint_ends_the_scan(count: int, tmp_path: Path) -> None:
    """A scan can be ended in the middle, whether of many paths or of few."""
    calls: list[int] = []

    def checkpoint() -> None:
        calls.append(0)
        if len(calls) > count // 1000:
            raise StopScan

    known = Digests(Lines(), checkpoint)
    with pytest.raises(StopScan):
        known.scan([str(tmp_path / str(number)) for number in range(count)])


def test_a_checkpoint_ends_the_reading_of_a_large_file(tmp_path: Path) -> None:
    """A large file is read in pieces, and between them the scan can be ended."""
    path = tmp_path / "large"
    path.write_bytes(bytes(5 * CHUNK))
    calls: list[int] = []

    def checkpoint() -> None:
        calls.append(0)
        if len(calls) == 3:
            raise StopScan

    with pytest.raises(StopScan):
        digest_of(str(path), checkpoint)
    assert len(calls) == 3


def test_digest_of_is_blake2b(tmp_path: Path) -> None:
    """The digest is BLAKE2b of 16 bytes over all the pieces of the file."""
    content = bytes(range(256)) * (3 * CHUNK // 256 + 1)
    (tmp_path / "a").write_bytes(content)
    assert digest_of(str(tmp_path / "a")) == digest(content)


@pytest.mark.parametrize("other", [None, b"other release"], ids=["away", "another"])
def test_a_path_that_leads_elsewhere_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: bytes | None
) -> None:
    """A path that leads elsewhere while it is read is read again, though its mark is as before."""
    folder, path = tmp_path / "current", tmp_path / "current/a.py"
    folder.mkdir()
    path.write_bytes(b"release")
    if other is not None:
        (tmp_path / "other").mkdir()
        (tmp_path / "other/a.py").write_bytes(other)
    moves = [True]

    def marks(paths: Sequence[str]) -> list[int]:
        found = list(MARKS(paths))
        if moves and moves.pop():  # just after its stat
            folder.rename(tmp_path / "away")
            if other is not None:
                (tmp_path / "other").rename(folder)
        return found

    late = path.stat().st_ctime_ns + 10 * RACY_NS
    monkeypatch.setattr(native, "marks", marks)
    known = Digests(Lines(), lambda: None, wall_ns=lambda: late)
    meanwhile = MISSING if other is None else digest(other)
    assert scan(known, path) == {str(path): meanwhile}
    if other is not None:
        folder.rename(tmp_path / "other")
    (tmp_path / "away").rename(folder)
    assert scan(known, path) == {str(path): digest(b"release")}
    assert scan(known, path) == {}


def test_a_path_that_is_away_only_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path that is away only while it is read is read by the next scan, at the same mark."""
    path, away, calls = tmp_path / "a.py", tmp_path / "away", []
    path.write_bytes(b"x = 1")

    def marks(paths: Sequence[str]) -> list[int]:
        calls.append(paths)
        if away.exists():
            away.rename(path)
        found = list(MARKS(paths))
        if len(calls) == 1:
            path.rename(away)
        return [7 if mark else mark for mark in found]

    late = path.stat().st_ctime_ns + 10 * RACY_NS
    monkeypatch.setattr(native, "marks", marks)
    known = Digests(Lines(), lambda: None, wall_ns=lambda: late)
    assert scan(known, path) == {str(path): MISSING}
    assert scan(known, path) == {str(path): digest(b"x = 1")}
