"""The backlog: large files are digested later, a slice at a time, and none is misjudged by it."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import pytest
from support.standins import Lines

from wsgireload.changes import APPEARED, DELETED, MODIFIED
from wsgireload.detect import backlog, digest, digests
from wsgireload.detect.backlog import FIRST, REST, SLICE
from wsgireload.detect.baseline import Baseline
from wsgireload.detect.detector import Detector
from wsgireload.detect.digest import RACY_NS, SIZE, is_stand_in
from wsgireload.detect.digests import EAGER, Digests
from wsgireload.detect.modules import Modules
from wsgireload.settings import Settings
from wsgireload.watch.wakeup import NoEvents

COST = 0.03  # seconds to read a chunk
PIECE = 1000  # bytes: of a chunk, and the most of a file that is not large
PER_SLICE = 4  # chunks: the last one begins before the slice is over


class StopScan(BaseException):
    """Raised by a checkpoint to end a scan."""


class Disk(Lines):
    """Files to scan, on a clock that reading moves."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.root = root
        self.now = 1000.0
        self.chunks = 0
        self.stop_at = -1
        self.meanwhile: Callable[[], object] = lambda: None
        patch.setattr(digests, "LARGE", PIECE)
        patch.setattr(backlog, "CHUNK", PIECE)
        patch.setattr(backlog, "FIRST", SLICE)
        patch.setattr(digest, "RACY_NS", -1)  # no file is young
        self.known = Digests(self, self.checkpoint, clock=lambda: self.now)

    def checkpoint(self) -> None:
        if sys._getframe(1).f_code.co_name not in ("_read_on", "digest_of_open"):
            return  # it was not called after a chunk
        self.now += COST
        self.chunks += 1
        if self.chunks == self.stop_at:
            raise StopScan
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()

    def write(self, name: str, content: bytes) -> str:
        """Write a file, with another mtime than before."""
        path = self.root / name
        path.write_bytes(content)
        self.touch(str(path))
        return str(path)

    def touch(self, path: str) -> None:
        """Give a file another mtime."""
        self.now += 1e-6
        os.utime(path, ns=(0, int(self.now * 1e9)))

    def scan(self, *paths: str) -> set[str]:
        return self.known.scan(paths)

    def finish(self, *paths: str) -> set[str]:
        """Scan until everything is read; returns what changed meanwhile."""
        changed: set[str] = set()
        while self.known.backlog.due_in != float("inf"):
            self.now += self.known.backlog.due_in
            changed |= self.scan(*paths)
        return changed

    def is_read(self, path: str) -> bool:
        """Whether the digest is that of the content now."""
        return self.known.get(path) == blake2b(Path(path).read_bytes()).digest()[:SIZE]


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """No files."""
    return Disk(tmp_path, monkeypatch)


def denied(path: str) -> int:
    """As open() fails where a file may not be read."""
    raise PermissionError(errno.EACCES, "Permission denied", path)


def content(chunks: int, fill: bytes = b"x") -> bytes:
    """So many chunks."""
    return fill * PIECE * chunks


def test_a_large_file_is_put_off(disk: Disk) -> None:
    """The first scan reads a slice of it, and has a stand-in for its digest."""
    large, small = disk.write("film", content(20)), disk.write("page.html", b"text")
    assert disk.scan(large, small) == {large, small}
    assert disk.is_read(small)
    assert is_stand_in(disk.known.get(large) or b"")
    assert disk.chunks == PER_SLICE + 1  # and the small one
    assert disk.finish() == {large}
    assert disk.is_read(large)
    assert disk.known.identified.keys() == {large}
    assert disk.scan(large, small) == set()
    assert disk.chunks == 21


def test_the_first_slice(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first slice is longer than the others, once there is something to read."""
    monkeypatch.setattr(backlog, "FIRST", FIRST)
    disk.known = Digests(disk, disk.checkpoint, clock=lambda: disk.now)
    assert disk.scan(disk.write("page.html", b"text")) != set()
    read = disk.chunks
    large = disk.write("film", content(1000))
    disk.scan(large)
    first = disk.chunks - read
    assert first == int(FIRST / COST) + 1
    assert disk.known.backlog.due_in <= REST * PER_SLICE * COST
    disk.now += disk.known.backlog.due_in
    disk.scan(large)
    assert disk.chunks == read + first + PER_SLICE


def test_it_takes_a_tenth_of_the_time(disk: Disk) -> None:
    """Between two slices nothing is read, however often it is scanned."""
    large = disk.write("film", content(1000))
    disk.scan(large)
    began, read = disk.now, disk.chunks
    while disk.now < began + 100:
        disk.now += 0.05
        disk.scan(large)
    busy = (disk.chunks - read) * COST
    assert 5 < busy < (disk.now - began) / 10 + SLICE
    assert 0 < disk.known.backlog.due_in <= REST * PER_SLICE * COST


def test_small_files_after_a_while(disk: Disk) -> None:
    """Many small files are put off too once a scan has taken a second; Python sources never are."""
    pages = [disk.write(f"{number:03}.html", b"text") for number in range(100)]
    sources = [disk.write(f"{number:03}.py", b"a = 1") for number in range(10)]
    sources.append(disk.write("large.py", content(3)))
    disk.scan(*pages, *sources)
    read = [path for path in pages if disk.is_read(path)]
    assert EAGER / COST <= len(read) <= EAGER / COST + 1 + PER_SLICE
    assert all(map(disk.is_read, sources))
    disk.finish()
    assert all(map(disk.is_read, pages))


def test_a_touch_after_it_was_read(disk: Disk) -> None:
    """A file that was touched is read again, and has not changed."""
    large = disk.write("film", content(6))
    disk.scan(large)
    disk.finish()
    disk.touch(large)
    assert disk.scan(large) == set()
    assert disk.finish() == set()
    assert disk.chunks == 12


def test_a_change_of_the_same_size(disk: Disk) -> None:
    """A change of the same size is found once the file is read again, before the backlog."""
    large = disk.write("film", content(3))
    disk.scan(large)
    other = disk.write("other", content(100))
    disk.scan(other)
    disk.write("film", content(3, b"y"))
    disk.now += disk.known.backlog.due_in
    assert disk.scan(large) == {large}
    assert disk.is_read(large)
    assert not disk.is_read(other)


def test_a_change_of_the_size(disk: Disk) -> None:
    """A change of the size is found without reading, and a change back once the file is read."""
    large = disk.write("film", content(6))
    disk.scan(large)
    disk.finish()
    read = disk.chunks
    for chunks in (7, 8, 2):
        disk.write("film", content(chunks))
        disk.now = disk.now + 0.001
        disk.known.backlog._rest_until = disk.now + 9
        assert disk.scan(large) == {large}
        assert disk.chunks == read
    disk.write("film", content(6))
    disk.scan(large)
    assert disk.finish() == {large}
    assert disk.is_read(large)


@pytest.mark.parametrize("chunks", [20, 21])
def test_a_change_before_it_was_read(disk: Disk, chunks: int) -> None:
    """A file that changed before it was read differs, and is not read any more."""
    large = disk.write("film", content(20))
    disk.scan(large)
    first, read = disk.known.get(large), disk.chunks
    disk.write("film", content(chunks, b"y"))
    assert disk.scan(large) == {large}
    assert first != disk.known.get(large)
    assert disk.finish(large) == set()
    assert disk.chunks == read
    assert disk.known.identified == {}


def test_a_change_while_it_is_read(disk: Disk) -> None:
    """A file that changes while it is read is read again without an event, and not misjudged."""
    large = disk.write("film", content(20))
    disk.scan(large)
    disk.meanwhile = lambda: disk.write("film", content(20, b"y"))
    disk.finish()
    assert not disk.known.identified
    assert disk.is_read(large)
    assert disk.scan(large) == set()


@pytest.mark.parametrize("chunks", [19, 21])
def test_another_size_while_it_is_read(disk: Disk, chunks: int) -> None:
    """A file that gets another size while it is read differs in the next scan."""
    large = disk.write("film", content(20))
    disk.scan(large)
    first = disk.known.get(large)
    disk.meanwhile = lambda: disk.write("film", content(chunks, b"y"))
    assert disk.finish() == set()
    assert disk.known.get(large) == first
    assert disk.known.unread == {large}
    assert disk.scan(large) == {large}
    assert disk.known.unread == set()


def test_it_goes_while_it_is_read(disk: Disk) -> None:
    """A file that is gone is missing in the next scan, and nothing is logged."""
    large = disk.write("film", content(20))
    disk.scan(large)
    Path(large).unlink()
    disk.finish()
    assert disk.known.unread == {large}
    assert disk.scan(large) == {large}
    assert disk.known.get(large) == digests.MISSING
    assert disk.known.unread == set()
    assert disk.lines == []


def test_it_cannot_be_read(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be read is logged once, and tried again."""
    large = disk.write("film", content(2))
    with monkeypatch.context() as patch:
        patch.setattr(backlog, "open_file", denied)
        disk.scan(large)
        disk.scan(*disk.known.unread)
        assert disk.known.unread == {large}
    disk.scan(*disk.known.unread)
    assert disk.is_read(large)
    assert disk.known.unread == set()
    assert len(disk.lines) == 1
    assert "cannot read" in disk.lines[0]


def test_a_scan_that_is_ended(disk: Disk) -> None:
    """After a scan that was ended the next one continues where it was."""
    large = disk.write("film", content(3))
    disk.stop_at = 2
    with pytest.raises(StopScan):
        disk.scan(large)
    disk.finish()
    assert disk.is_read(large)
    assert disk.chunks == 3


class Site(Disk):
    """A detector that tracks the folder."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        super().__init__(root, patch)
        baseline = Baseline(self, self, Modules({}))  # type: ignore[arg-type]
        chosen = Settings.of(track=[str(root)])
        clock = lambda: self.now  # noqa: E731
        self.detector = Detector(chosen, self, NoEvents(), baseline, self.checkpoint, clock)
        self.known = self.detector._digests = Digests(self, self.checkpoint, clock=clock)

    def seen(self) -> tuple[tuple[str, bytes], ...]:
        """As `Imports.seen`."""
        return ()

    missing = seen

    def differs(self) -> dict[str, str]:
        """Which files differ after a scan, and how."""
        return {Path(path).name: change.kind for path, change in self.detector.scan().items()}

    def settled(self) -> dict[str, str]:
        """The same when everything is read."""
        found = self.differs()
        while self.detector.due_in != float("inf"):
            self.now += self.detector.due_in
            found = self.differs()
        return found


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A large and a small file, scanned once: the large one has not been read to its end."""
    made = Site(tmp_path, monkeypatch)
    made.write("film", content(20))
    made.write("page.html", b"text")
    assert made.differs() == {}
    assert made.detector.due_in < float("inf")
    return made


def test_nothing_changes(site: Site) -> None:
    """Reading a file later is no change, and a touch after that is none."""
    assert site.settled() == {}
    site.touch(str(site.root / "film"))
    site.touch(str(site.root / "page.html"))
    assert site.settled() == {}


@pytest.mark.parametrize("chunks", [20, 21])
def test_a_change_before_the_reading(site: Site, chunks: int) -> None:
    """A change before the file was read is found at once, and still counts once it is read."""
    site.write("film", content(chunks, b"y"))
    site.write("page.html", b"TEXT")
    assert site.differs() == {"film": MODIFIED, "page.html": MODIFIED}
    assert site.settled() == {"film": MODIFIED, "page.html": MODIFIED}


def test_a_change_during_the_reading(site: Site) -> None:
    """A change while the file is read counts, though there is no digest of the file before."""
    site.meanwhile = lambda: site.write("film", content(20, b"y"))
    site.settled()
    assert site.settled() == {"film": MODIFIED}


def test_a_touch_before_the_reading(site: Site) -> None:
    """A touch before the file was read counts as a change: nothing proves that it is none."""
    site.touch(str(site.root / "film"))
    site.touch(str(site.root / "page.html"))
    assert site.settled() == {"film": MODIFIED}


def test_a_change_after_the_reading(site: Site) -> None:
    """A change after the file was read is found, whatever its size; changed back, it is none."""
    site.settled()
    site.write("film", content(20, b"y"))
    assert site.settled() == {"film": MODIFIED}
    site.write("film", content(20))
    assert site.settled() == {}
    site.write("film", content(21))
    assert site.differs() == {"film": MODIFIED}
    site.write("film", content(20))
    assert site.settled() == {}


def test_a_large_file_comes_and_goes(site: Site) -> None:
    """A new one and a removed one are found at once."""
    site.settled()
    new = site.write("new", content(20))
    (site.root / "film").unlink()
    assert site.differs() == {"new": APPEARED, "film": DELETED}
    Path(new).unlink()
    assert site.settled() == {"film": DELETED}


def test_a_file_that_grows_for_hours(site: Site) -> None:
    """A file that grows for hours differs from the first growth on, and is not read again."""
    site.settled()
    read = site.chunks
    for chunks in range(21, 521):
        site.write("film", content(chunks))
        assert site.differs() == {"film": MODIFIED}
        site.now += 0.2
    assert site.chunks == read


def test_a_file_that_changes_for_hours(site: Site) -> None:
    """A file that changes for hours at the same size is a change, and takes a tenth of the time."""
    site.settled()
    began, read = site.now, site.chunks
    for number in range(500):
        site.write("film", content(20, b"%d" % (number % 10)))
        site.differs()
        site.now += 0.2
    assert (site.chunks - read) * COST < (site.now - began) / 10 + 2 * SLICE
    assert site.differs() == {"film": MODIFIED}


def test_a_young_file_is_read_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The times of a file that changed just now may not change with its next change."""
    monkeypatch.setattr(digest, "RACY_NS", RACY_NS)
    site.settled()
    read = site.chunks
    site.known._wall_ns = lambda: (site.root / "film").stat().st_ctime_ns
    site.write("film", content(20, b"y"))
    for _ in range(60):
        site.now += 1.0
        site.differs()
    assert site.chunks - read > 40
    site.known._wall_ns = lambda: (site.root / "film").stat().st_ctime_ns + 2 * RACY_NS
    site.settled()
    read = site.chunks
    site.settled()
    assert site.chunks == read
