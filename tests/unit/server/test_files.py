"""Files: regular ones of a sensible size are read, without blocking; anything else is an error."""

from __future__ import annotations

import os
import stat
import sys
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import pytest

from wsgireload.decide.syntax import compiles
from wsgireload.detect.digest import SIZE, digest_of
from wsgireload.server import files
from wsgireload.server.files import content, is_link, open_file

SNAKES = "C:\\" + 150 * "\N{SNAKE}"  # 153 characters, of 303 units


def test_all_of_a_file(tmp_path: Path) -> None:
    """Every byte as it is, through links as well."""
    path = tmp_path / "file"
    path.write_bytes(b"a\r\n\0\xff")
    (tmp_path / "link").symlink_to(path)
    assert content(str(path)) == content(str(tmp_path / "link")) == b"a\r\n\0\xff"


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/tty", "/", "pipe", "missing"])
def test_anything_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """Anything but a regular file is an error, and is not even opened."""
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(files, "open_file", lambda _: pytest.fail("it was opened"))
    with pytest.raises(OSError):  # noqa: PT011 - whichever
        content(str(tmp_path / path))


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is larger than any source is an error, and the rest is not read."""
    monkeypatch.setattr(files, "MOST", 1 << 20)
    (tmp_path / "file").write_bytes(bytes(1 << 20))
    assert len(content(str(tmp_path / "file"))) == 1 << 20
    (tmp_path / "file").write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(OSError, match="larger than 1 MiB"):
        content(str(tmp_path / "file"))


def test_its_memory(tmp_path: Path) -> None:
    """Reading takes as much memory as the file has bytes, not as much as one may have."""
    (tmp_path / "file").write_bytes(bytes(10_000))
    tracemalloc.start()
    try:
        content(str(tmp_path / "file"))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_more_than_its_stat_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose stat says that it is empty is read to its end."""
    path = Path(f"/proc/{os.getpid()}/status")
    assert path.stat().st_size == 0
    assert content(str(path)).startswith(b"Name:")
    assert content(str(path)).count(b"\n") > 10
    monkeypatch.setattr(files, "MOST", 100)
    with pytest.raises(OSError, match="larger than"):
        content(str(path))


@pytest.mark.parametrize("instead", ["/dev/zero", "pipe", "written"])
def test_another_took_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instead: str
) -> None:
    """A device or a pipe that took the place of a file neither blocks nor is read for ever."""
    (tmp_path / "file").write_bytes(b"x = 1")
    for name in ("pipe", "written"):
        os.mkfifo(tmp_path / name)
    writer = os.open(tmp_path / "written", os.O_RDWR)
    monkeypatch.setattr(files, "MOST", 1 << 20)
    monkeypatch.setattr(files, "open_file", lambda _: open_file(str(tmp_path / instead)))
    try:
        assert content(str(tmp_path / "file")) == b""
    except OSError as error:
        assert "larger" in str(error)  # noqa: PT017 - the one or the other
    os.close(writer)


def test_no_terminal_becomes_ours(tmp_path: Path) -> None:
    """Opening never blocks; no child inherits the file, and no terminal is taken."""
    assert files.READ & os.O_NONBLOCK
    assert files.READ & os.O_NOCTTY
    (tmp_path / "file").touch()
    handle = open_file(str(tmp_path / "file"))
    assert not os.get_inheritable(handle)
    os.close(handle)


def test_windows_shares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows every file is opened so that others may rename and delete it meanwhile."""
    path, opened = tmp_path / "file", []

    def open_shared(path: str) -> int:
        opened.append(path)
        return os.open(path, files.READ)

    path.write_bytes(b"x = 1")
    monkeypatch.setattr(files, "WINDOWS", True)
    monkeypatch.setattr(files, "open_shared", open_shared)
    assert content(str(path)) == b"x = 1"
    assert len(digest_of(str(path))) == SIZE
    assert compiles(str(path)) == (None, True)
    os.close(open_file(str(path)))
    assert opened == [str(path)] * 4


@pytest.fixture
def windows_modules(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Stand-ins for msvcrt and _winapi, which note what they are given."""
    noted: list[tuple[object, ...]] = []
    msvcrt = SimpleNamespace(open_osfhandle=lambda *given: noted.append(("open", *given)) or 5)
    winapi = SimpleNamespace(
        GENERIC_READ=1 << 31,
        OPEN_EXISTING=3,
        NULL=0,
        CreateFile=lambda *given: noted.append(("create", *given)) or 0x1234,
        CloseHandle=lambda handle: noted.append(("close", handle)),
    )
    monkeypatch.setitem(sys.modules, "msvcrt", msvcrt)
    monkeypatch.setitem(sys.modules, "_winapi", winapi)
    return SimpleNamespace(noted=noted, msvcrt=msvcrt, winapi=winapi)


PATH = "C:\\site\\a.py"
CREATED = ("create", PATH, 1 << 31, 7, 0, 3, 0, 0)


def test_open_shared(windows_modules: SimpleNamespace) -> None:
    """A handle becomes a descriptor that is not inherited."""
    assert files.open_shared(PATH) == 5
    assert windows_modules.noted == [CREATED, ("open", 0x1234, files.READ)]


def test_open_shared_without_descriptors(windows_modules: SimpleNamespace) -> None:
    """Where there are no more descriptors, the handle is closed again."""

    def failing(handle: int, flags: int) -> int:
        raise OSError(24, "Too many open files")

    windows_modules.msvcrt.open_osfhandle = failing
    with pytest.raises(OSError, match="Too many open files"):
        files.open_shared(PATH)
    assert windows_modules.noted == [CREATED, ("close", 0x1234)]


def test_open_shared_fails(windows_modules: SimpleNamespace) -> None:
    """A file that does not open is the operating system's error, with the path in it."""

    def failing(*given: object) -> int:
        raise FileNotFoundError(2, "File not found")

    windows_modules.winapi.CreateFile = failing
    with pytest.raises(FileNotFoundError, match="File not found") as raised:
        files.open_shared(PATH)
    assert (raised.value.strerror, raised.value.filename) == ("File not found", PATH)


@pytest.mark.parametrize(
    ("path", "full", "expected"),
    [
        ("C:\\short", "", "C:\\short"),
        ("short", "C:\\site\\short", "short"),
        ("", "C:\\site", ""),
        ("x/y", "C:\\" + 300 * "x", "\\\\?\\C:\\" + 300 * "x"),
        ("C:\\" + 257 * "x", "C:\\" + 257 * "x", "\\\\?\\C:\\" + 257 * "x"),
        ("C:\\" + 256 * "x", "", "C:\\" + 256 * "x"),
        ("//server/share/x", "\\\\server\\" + 300 * "x", "\\\\?\\UNC\\server\\" + 300 * "x"),
        ("a", "\\\\?\\C:\\" + 300 * "x", "\\\\?\\C:\\" + 300 * "x"),
        ("a", "\\\\.\\C:\\" + 300 * "x", "\\\\.\\C:\\" + 300 * "x"),
        (SNAKES, SNAKES, f"\\\\?\\{SNAKES}"),
        (SNAKES[:100], SNAKES[:100], SNAKES[:100]),
    ],
)
def test_whole(monkeypatch: pytest.MonkeyPatch, path: str, full: str, expected: str) -> None:
    """Windows takes a long path only if it is absolute and has a prefix."""
    monkeypatch.setattr(os.path, "abspath", lambda _: full)
    assert files.whole(path) == expected


@pytest.mark.parametrize(
    ("tag", "link"),
    [(0, False), (0xA000_0003, True), (0xA000_000C, True), (0x9000_101A, False)],
)
def test_links_of_windows(monkeypatch: pytest.MonkeyPatch, tag: int, link: bool) -> None:
    """A junction and a symbolic link are links; a folder of OneDrive's, with a tag too, is none."""
    found = SimpleNamespace(st_mode=stat.S_IFDIR, st_reparse_tag=tag)
    monkeypatch.setattr(os, "lstat", lambda _: found)
    assert is_link("C:\\srv\\current") is link
