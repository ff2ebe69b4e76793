"""Reading: a regular file of a sensible size, or an error; never a wait."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wsgireload.server import files as reading
from wsgireload.server.files import content, open_plainly


def test_all_of_a_file(tmp_path: Path) -> None:
    """Every byte as it is, through links as well."""
    path = tmp_path / "file"
    path.write_bytes(b"a\r\n\0\xff")
    (tmp_path / "link").symlink_to(path)
    assert content(str(path)) == content(str(tmp_path / "link")) == b"a\r\n\0\xff"


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/tty", "/", "pipe", "missing"])
def test_anything_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """What is no regular file is an error, and is not even opened."""
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(reading, "open_plainly", lambda _: pytest.fail("it was opened"))
    with pytest.raises(OSError):  # noqa: PT011 - whichever
        content(str(tmp_path / path))


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is larger than any source is an error, and no more of it is read."""
    monkeypatch.setattr(reading, "MOST", 1 << 20)
    (tmp_path / "file").write_bytes(bytes(1 << 20))
    assert len(content(str(tmp_path / "file"))) == 1 << 20
    (tmp_path / "file").write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(OSError, match="larger than 1 MiB"):
        content(str(tmp_path / "file"))


@pytest.mark.parametrize("instead", ["/dev/zero", "pipe", "written"])
def test_another_took_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instead: str
) -> None:
    """What was a regular file a moment ago and is a device or a pipe now: no wait, and an end."""
    (tmp_path / "file").write_bytes(b"x = 1")
    for name in ("pipe", "written"):
        os.mkfifo(tmp_path / name)
    writer = os.open(tmp_path / "written", os.O_RDWR)
    monkeypatch.setattr(reading, "MOST", 1 << 20)
    monkeypatch.setattr(reading, "open_plainly", lambda _: open_plainly(str(tmp_path / instead)))
    try:
        assert content(str(tmp_path / "file")) == b""
    except OSError as error:
        assert "larger" in str(error)  # noqa: PT017 - the one or the other
    os.close(writer)


def test_no_terminal_becomes_ours(tmp_path: Path) -> None:
    """Opening waits for nothing, is inherited by nobody, and takes no terminal."""
    assert reading.READ & os.O_NONBLOCK
    assert reading.READ & os.O_NOCTTY
    (tmp_path / "file").touch()
    handle = open_plainly(str(tmp_path / "file"))
    assert not os.get_inheritable(handle)
    os.close(handle)
