"""`wsgireload turn`, with a coordinator in memory."""

from __future__ import annotations

import json

import pytest
from support.memorystore import Memory

from wsgireload.cli import main, turn
from wsgireload.turn.rules import YES, Answer

URL = "redis://db/site"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Memory:
    """What the coordinator keeps."""
    store = Memory()

    def request(url: str, verb: str) -> Answer:
        assert url == URL
        return store.ask(verb)

    monkeypatch.setattr(turn, "request", request)
    return store


def test_show_and_clear(store: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    """It names the machine that has the turn; cleared, the next machine may take it."""
    store.ask("take", "web1", "v2")
    assert main(["turn", URL]) == 0
    assert "ok    web1 has it for version v2 since " in capsys.readouterr().out
    assert main(["turn", "--clear", URL]) == 0
    assert "cleared; before, web1 has it" in capsys.readouterr().out
    assert store.ask("take", "web2", "v2").code == YES
    assert main(["turn", URL, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["outcome"].startswith("web2 has it")


def test_no_answer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The reason is printed; a URL that makes no sense is wrong usage, and is not repeated."""

    def request(*_words: str) -> Answer:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(turn, "request", request)
    assert main(["turn", URL]) == 1
    assert "fail  no answer: Connection refused" in capsys.readouterr().out
    assert main(["turn", "redis://user:s3cret@db/site"]) == 2
    assert "s3cret" not in capsys.readouterr().err
