"""Streaming answers end when a restart is due, and are otherwise untouched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import wsgireload
from wsgireload import api


@pytest.fixture
def due(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether a restart is due: append True."""
    answers: list[bool] = []
    monkeypatch.setattr(api, "_restart_is_due", lambda: bool(answers))
    return answers


def endless() -> Iterator[bytes]:
    """Return pieces for ever."""
    while True:
        yield b"x"


def test_it_ends(due: list[bool]) -> None:
    """The piece that is under way arrives, and no other."""
    stream = iter(wsgireload.streams(endless()))
    assert [next(stream), next(stream)] == [b"x", b"x"]
    due.append(True)
    assert list(stream) == []


def test_it_passes_everything_until_then(due: list[bool]) -> None:
    """Each piece is the same object, none is fetched ahead, and the end is the end."""
    pieces = [b"a", b"", b"b"]
    source = iter(pieces)
    stream = iter(wsgireload.streams(source))
    assert next(stream) is pieces[0]
    assert next(source) == b""  # it was still there
    assert list(stream) == [b"b"]


def test_where_it_may_end(due: list[bool]) -> None:
    """It goes on until its last bytes, in however many pieces, are those of an end."""
    due.append(True)
    seen: list[bytes] = []

    def may_end(last: bytes) -> bool:
        seen.append(last)
        return last.endswith(b"\n\n")

    source = [b"data: 1", b"\n", b"\n", b"data: 2\n\n"]
    assert list(wsgireload.streams(source, may_end=may_end)) == source[:3]
    assert seen == [b"", b"a: 1", b": 1\n", b" 1\n\n"]


def test_it_is_closed(due: list[bool]) -> None:
    """A generator's `finally` runs when the server closes the answer, ended or not."""
    closed: list[str] = []

    def source() -> Iterator[bytes]:
        try:
            yield from endless()
        finally:
            closed.append("closed")

    stream = wsgireload.streams(source())
    next(iter(stream))
    due.append(True)
    assert list(stream) == []
    stream.close()  # type: ignore[attr-defined]
    assert closed == ["closed"]
    assert not hasattr(wsgireload.streams([b"x"]), "close")


def test_exceptions_pass(due: list[bool]) -> None:
    """The server sees what the application raises."""

    def source() -> Iterator[bytes]:
        yield b"x"
        raise ZeroDivisionError

    stream = iter(wsgireload.streams(source()))
    next(stream)
    with pytest.raises(ZeroDivisionError):
        next(stream)


def test_without_a_monitor() -> None:
    """Where nothing watches no stream ever ends early."""
    assert list(wsgireload.streams([b"a", b"b"])) == [b"a", b"b"]
