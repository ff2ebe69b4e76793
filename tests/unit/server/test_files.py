"""Files: regular ones of a sensible size are read, without blocking; anything else is an error."""

from __future__ import annotations

import os
import stat
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import pytest

from wsgireload.decide.syntax import compiles
from wsgireload.detect.digest import SIZE, digest_of
from wsgireload.server import files, native
from wsgireload.server.files import content, is_link, open_file


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

    def open_shared(path: str, flags: int) -> int:
        opened.append((path, flags))
        return os.open(path, flags)

    path.write_bytes(b"x = 1")
    monkeypatch.setattr(files, "WINDOWS", True)
    monkeypatch.setattr(native, "open_shared", open_shared)
    assert content(str(path)) == b"x = 1"
    assert len(digest_of(str(path))) == SIZE
    assert compiles(str(path)) == (None, True)
    os.close(open_file(str(path)))
    assert opened == [(str(path), files.READ)] * 4


@pytest.mark.parametrize(
    ("tag", "link"),
    [(0, False), (0xA000_0003, True), (0xA000_000C, True), (0x9000_101A, False)],
)
def test_links_of_windows(monkeypatch: pytest.MonkeyPatch, tag: int, link: bool) -> None:
    """A junction and a symbolic link are links; a folder of OneDrive's, with a tag too, is none."""
    found = SimpleNamespace(st_mode=stat.S_IFDIR, st_reparse_tag=tag)
    monkeypatch.setattr(os, "lstat", lambda _: found)
    assert is_link("C:\\srv\\current") is link
